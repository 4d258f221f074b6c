"""Has the store do what a batch needs before it may be said, however long that takes.

A batch that cannot be stored is kept and tried again until it is; meanwhile nothing else is
decided, and what needs no store is answered (:mod:`~coordinator.shell.outage`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from coordinator.core.events import BusConnected, Noted, Stalled
from coordinator.core.instant import Instant
from coordinator.shell.batch import Batch
from coordinator.shell.clock import Clock
from coordinator.shell.inbox import Inbox
from coordinator.shell.outage import Outage, hold
from coordinator.shell.patience import Patience
from coordinator.shell.store import Changes, Store, StoreSilent, StoreUnavailable
from coordinator.shell.store_thread import StoreThread
from coordinator.shell.voice import Voice

log = logging.getLogger("fleetbus.coordinator")

RETRY_MIN_MS: Final = 200
RETRY_MAX_MS: Final = 5_000
CONFIRMED_FOR_MS: Final = 2_000
"""Nobody else takes the lead so soon after it was confirmed: half of what ends a silent session."""
CONFIRMED_WITHIN_MS: Final = 1_500
"""A confirmation that takes longer is too old to be of use when it comes."""
SLOW_MS: Final = 2_000
TELL_SLOW_EVERY_MS: Final = 60_000

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Storing:
    """The store as the writer uses it: one call at a time, in a thread, until it succeeds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        voice: Voice,
        inbox: Inbox,
        *,
        confirms: bool = False,
        outage: Outage | None = None,
        thread: StoreThread | None = None,
    ) -> None:
        """Use *store* in *thread*.

        Where its lead can be lost, *confirms* has it confirmed before leases are granted.
        """
        self.store: Final = store
        self.clock = clock
        self.confirms = confirms
        self.outage = outage
        """Why nothing can be stored now; one that does not pass is there from the start."""
        self._state = voice.state
        self._voice = voice
        self._inbox = inbox
        self._patience = Patience()
        self._told_slow_ms: int | None = None
        self._thread = StoreThread() if thread is None else thread
        store.on_written = self._thread.note_at_disk

    async def do(self, call: Callable[[*Ts], T], *args: *Ts) -> T:
        """Return what *call* returns in the store's thread, after all that was asked before."""
        return await self._thread.do(call, *args)

    async def commit(self, batch: Batch, changes: Changes, now: Instant, decided: int) -> None:
        """Store the *changes* of *batch*, which *decided* so many events at *now*."""
        await self._insist(batch, now, decided, self.store.commit, changes)

    async def confirm(self, batch: Batch, now: Instant, decided: int) -> None:
        """Make sure, if that can be in doubt, that nobody else leads, before *batch* is said."""
        if self.confirms:
            await self._insist(batch, now, decided, self.store.confirm)

    async def _insist(
        self, batch: Batch, now: Instant, decided: int, do: Callable[[*Ts], None], *args: *Ts
    ) -> None:
        since = self.clock.now()
        try:
            await self._thread.do(
                do,
                *args,
                wait_ms=self._patience.wait_ms(decided, len(self._inbox.events)),
                meanwhile=lambda: self._voice.render(batch, now),
            )
        except StoreUnavailable as error:
            await self.sit_out(error, lambda: do(*args), batch, since)
        else:
            self._learn(self.clock.now().mono_ms - since.mono_ms)
        while self.confirms and self._led_ago_ms() > CONFIRMED_FOR_MS:
            # Who stood still after the store had answered may have lost the lead since.
            try:
                await self._thread.do(self._confirm_soon)
            except StoreUnavailable as error:
                await self.sit_out(error, self._confirm_soon, batch, since)

    def _led_ago_ms(self) -> int:
        return self.clock.now().mono_ms - self.store.led_ms

    def _confirm_soon(self) -> None:
        """Confirm the lead, or say that the store is too slow for anybody to lead it."""
        self.store.confirm()
        took_ms = self._led_ago_ms()
        if took_ms > CONFIRMED_WITHIN_MS:
            raise StoreUnavailable(
                f"the store took {took_ms / 1000:.1f} s to confirm who leads it, and must within "
                f"{CONFIRMED_WITHIN_MS / 1000:g} s; look at the database and the network to it"
            )

    def _learn(self, took_ms: int) -> None:
        """Note how long the store took, and tell now and then that it was long."""
        self._patience.learn(took_ms)
        if took_ms < SLOW_MS:
            return
        now_ms = self.clock.now().mono_ms
        if self._told_slow_ms is None or now_ms - self._told_slow_ms >= TELL_SLOW_EVERY_MS:
            self._told_slow_ms = now_ms
            log.warning(
                "the store took %.1f s, and all that is said waits for it; look at its disk, or at "
                "the database and the network to it",
                took_ms / 1000,
            )

    async def sit_out(
        self, error: StoreUnavailable, do: Callable[[], None], batch: Batch | None, since: Instant
    ) -> None:
        """Try to *do* it again and again; nobody is judged for the time since *since*."""
        # If another leads by now, it shows before a word more is said.
        if self.confirms and not isinstance(error, StoreSilent):
            with contextlib.suppress(StoreUnavailable):
                await self._thread.do(do)
                return
        log.error("%s; nothing is assigned and no lease is granted until it can", error)
        self.outage = Outage.of(str(error), batch)
        wait_ms = RETRY_MIN_MS
        try:
            self._voice.say_presence(since, self.outage)
            while not await self._tried(do):
                await self.answer_for(wait_ms)
                wait_ms = min(wait_ms * 2, RETRY_MAX_MS)
        finally:
            self.outage = None
        now = self.clock.now()
        stood_ms = now.mono_ms - since.mono_ms
        text = f"for {stood_ms / 1000:.1f} s nothing could be stored: {error}"
        log.warning("%s; everything is stored now", text)
        resumed = Noted("store_resumed", None, text, {"seconds": stood_ms / 1000})
        # First of all, everybody gets the time back.
        self._inbox.put_first([Stalled(stood_ms), resumed, BusConnected()])
        self._voice.say_presence(now)

    async def _tried(self, do: Callable[[], None]) -> bool:
        """Say whether it could be done; a store may take long to say no."""
        something = self._inbox.something
        attempt = asyncio.ensure_future(self._thread.do(do))
        attempt.add_done_callback(lambda _attempt: something.set())
        try:
            while not attempt.done():
                self._answer()
                await something.wait()
            attempt.result()
        except StoreUnavailable:
            return False
        finally:
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
        return True

    async def answer_for(self, wait_ms: int | None) -> None:
        """Answer what can be answered without a store for so long; ``None``: for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if wait_ms is None else wait_ms / 1000):
                while True:
                    self._answer()
                    await self._inbox.something.wait()

    def _answer(self) -> None:
        self._inbox.something.clear()
        if self.outage is None:
            return
        voice, now = self._voice, self.clock.now()
        held = hold(self._state, self._inbox.events, self.outage, now)
        for answer in held.answers:
            voice.publish(voice.speaker.reply(answer.client, answer.reply))
        if held.is_connected:
            voice.say_presence(now, self.outage)
            voice.publish(voice.speaker.summary(self._state, now))

    def close(self) -> bool:
        """Let the store's thread end; say whether the store is at rest and can be closed."""
        return self._thread.close()
