"""The one writer: drain the inbox, decide, commit once, then speak.

While a batch is being committed the next one gathers, so the busier the fleet, the larger the
batches and the cheaper each decision. Nothing is said before it is stored. What only informs
people (cards of agents and tasks, the summary) follows at most every 50 ms, newest state only.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, TypeVar

from coordinator.core.events import Event, Ticked
from coordinator.core.instant import Instant
from coordinator.core.step import step
from coordinator.shell.batch import Batch
from coordinator.shell.clock import Clock
from coordinator.shell.crash import CrashPoint, crash_here
from coordinator.shell.inbox import Inbox
from coordinator.shell.outage import Outage
from coordinator.shell.recall import unknown
from coordinator.shell.standing_still import stood_still
from coordinator.shell.store import Answered, Changes, Store, StoreUnavailable
from coordinator.shell.store_thread import StoreThread
from coordinator.shell.storing import Storing
from coordinator.shell.voice import Voice

log = logging.getLogger("fleetbus.coordinator")

LEARNT_EVERY_MS: Final = 10_000
LEARNT: Final = "history"
"""The kind of the marks that hold what was learnt."""
IDLE_WAIT_MS: Final = 60_000

T = TypeVar("T")


class Writer:
    """Feeds events to the core and carries out what it decides."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        voice: Voice,
        answered: Answered | None = None,
        *,
        confirms: bool = False,
        outage: Outage | None = None,
        store_thread: StoreThread | None = None,
    ) -> None:
        """Write to *store* what is decided about the state that *voice* tells, and let it.

        *answered* are the requests whose answers the store has. Where the lead of the store can be
        lost, *confirms* has it confirmed before leases are granted. With an *outage* from the start
        nothing is ever decided, and what needs no store is answered.
        """
        self.state = voice.state
        self.clock = clock
        self.voice = voice
        self.inbox = Inbox(voice.state.dropped)
        self.storing = Storing(
            store, clock, voice, self.inbox,
            confirms=confirms, outage=outage, thread=store_thread,
        )  # fmt: skip
        self.is_cut_off = False
        """Whether there is no bus: nobody is heard, so nobody is judged, and no time is over."""
        self._answered = Answered(None) if answered is None else answered
        self._unsaid: tuple[Batch, Changes, Instant] | None = None
        """The batch that is being stored: it is said when it is, and not before."""
        self._learnt: dict[tuple[str, str], None] = {}
        self._learnt_at_ms = 0

    def tell(self, event: Event) -> None:
        """Let *event* be decided soon. Called in the loop's thread."""
        self.inbox.tell(event)

    def say_presence(self) -> None:
        """State again how things are: somebody else's last words may stand in the place of ours."""
        self.voice.say_presence(self.clock.now(), self.storing.outage)

    async def after_commits(self, call: Callable[[], T]) -> T:
        """Return what *call* returns in the store's thread, once all that is decided is stored."""
        return await self.storing.do(call)

    async def run(self) -> None:
        """Decide and do, until cancelled."""
        if self.storing.outage is not None:
            await self.storing.answer_for(None)
        while True:
            idle_from = self.clock.now()
            waited_ms = await self._wait(idle_from)
            now = self.clock.now()
            if stalled := stood_still(idle_from, now, waited_ms):
                log.warning("stood still for %.1f s; nobody is judged for it", stalled.ms / 1000)
                self.inbox.put_first([stalled])
            await self.turn_over(now)

    async def drain(self) -> None:
        """Decide and do what is left in the inbox, and show everyone the last state."""
        if self.storing.outage is not None:
            return
        if self._unsaid is not None:
            batch, changes, decided = self._unsaid
            try:
                await self.storing.do(self.storing.store.commit, changes)
            except StoreUnavailable as error:
                log.warning("stopped with decisions that nobody was told, unstored: %s", error)
                return
            self._unsaid = None
            self.voice.say(batch, decided)
        self._learnt_at_ms = -LEARNT_EVERY_MS
        while self.inbox.events:
            await self.turn_over(self.clock.now())
        self.voice.show(self.clock.now(), final=True)

    async def turn_over(self, now: Instant) -> None:
        """Take one batch through: decide, commit, speak."""
        inbox, storing = self.inbox, self.storing
        if not (inbox.events or self._learnt or self._is_due(now)):
            # The time has come for what people are shown, and for nothing else.
            inbox.something.clear()
            self.voice.show(now)
            return
        batch = Batch()
        events = inbox.take()
        try:
            await self._recall(events)
        except StoreUnavailable as error:
            inbox.put_first(events)
            await storing.sit_out(error, storing.store.confirm, None, now)
            return
        for event in events:
            batch.add(step(self.state, event, now))
        # Everything that has arrived is decided before anybody is judged for silence.
        if not inbox.events and self._is_due(now):
            batch.add(step(self.state, Ticked(), now))
        self._put_off_learning(batch, now)
        changes = batch.changes(self.state, self.voice.next_event, now.wall_ms)
        for saved in batch.saved_replies:
            self._answered.add((saved.client, saved.request_id))
        if changes:
            self._unsaid = batch, changes, now
            await storing.commit(batch, changes, now, len(events))
        elif batch.leases or batch.desired:
            await storing.confirm(batch, now, len(events))
        self._unsaid = None
        self.voice.say(batch, now)
        crash_here(CrashPoint.AFTER_PUBLISH)

    async def _recall(self, events: list[Event]) -> None:
        """Look up what requests refer to and only the store knows."""
        wanted = unknown(events, self.state, self._answered)
        if wanted is not None:
            found = await self.storing.do(wanted.look_up, self.storing.store)
            found.add_to(events)

    def _put_off_learning(self, batch: Batch, now: Instant) -> None:
        """Store what was learnt now and then: it is large, and its loss costs a little wisdom."""
        if batch.marks:
            for mark in [mark for mark in batch.marks if mark[0] == LEARNT]:
                del batch.marks[mark]
                self._learnt[mark] = None
        if self._learnt and now.mono_ms - self._learnt_at_ms >= LEARNT_EVERY_MS:
            batch.marks.update(self._learnt)
            self._learnt.clear()
            self._learnt_at_ms = now.mono_ms

    # --- waiting

    def _is_due(self, now: Instant) -> bool:
        """Say whether time itself has something to decide."""
        return not self.is_cut_off and self.state.timers.next_in_ms(now) == 0

    def wait_ms(self, now: Instant) -> int:
        """Say how long there is nothing to be done if nothing arrives."""
        wait_ms = IDLE_WAIT_MS
        if not self.is_cut_off:
            due_ms = self.state.timers.next_in_ms(now)
            if due_ms is not None and due_ms < wait_ms:
                wait_ms = due_ms
        cards_ms = self.voice.cards.due_in_ms(now)
        return cards_ms if cards_ms is not None and cards_ms < wait_ms else wait_ms

    async def _wait(self, now: Instant) -> int:
        """Wait until something is to be done; return how long that could have taken at most."""
        if self.inbox.something.is_set():
            # The others (the bus above all) get their turn between two batches.
            await asyncio.sleep(0)
            return 0
        wait_ms = self.wait_ms(now)
        await self.inbox.wait(wait_ms)
        return wait_ms

    def close(self) -> bool:
        """Let the store's thread end; say whether the store is at rest and can be closed."""
        return self.storing.close()
