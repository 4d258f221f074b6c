"""The one writer: drain the inbox, decide, commit once, then speak.

While a batch is being committed the next one gathers, so the busier the fleet, the larger the
batches and the cheaper each decision. Nothing is said before it is stored. What only informs
people (cards of agents and tasks, the summary) follows at most every 50 ms, newest state only.

A batch that cannot be stored is kept and tried again until it is; meanwhile nothing else is decided
(:mod:`~coordinator.shell.outage`).
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar, TypeVarTuple

from coordinator.core.events import BusConnected, Event, Noted, Stalled, Submitted, Ticked
from coordinator.core.instant import Instant
from coordinator.core.records import task_from
from coordinator.core.state import State
from coordinator.core.step import step
from coordinator.shell.batch import Batch
from coordinator.shell.cards import Cards
from coordinator.shell.clock import Clock
from coordinator.shell.crash import CrashPoint, crash_here
from coordinator.shell.desired_texts import DesiredTexts
from coordinator.shell.home_assistant import Devices
from coordinator.shell.outage import Outage, hold
from coordinator.shell.outgoing import Said, Speaker
from coordinator.shell.patience import Patience
from coordinator.shell.standing_still import stood_still
from coordinator.shell.store import Answered, Changes, Row, Store, StoreUnavailable
from coordinator.shell.store_thread import StoreThread
from protocol.messages import Reply
from protocol.vocabulary import CoordinatorState, SubmitOp

log = logging.getLogger("fleetbus.coordinator")

BATCH_EVENTS: Final = 2_000
INBOX_EVENTS: Final = 200_000
LEARNT_EVERY_MS: Final = 10_000
LEARNT: Final = "history"
"""The kind of the marks that hold what was learnt."""
IDLE_WAIT_MS: Final = 60_000
RETRY_MIN_MS: Final = 200
RETRY_MAX_MS: Final = 5_000
CONFIRMED_FOR_MS: Final = 2_000
"""Nobody else takes the lead so soon after it was confirmed: half of what ends a silent session."""
_NOTHING_NEW: Final = Batch()

Publish = Callable[[Said], None]
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(slots=True)
class Writer:
    """Feeds events to the core and carries out what it decides."""

    state: State
    store: Store
    clock: Clock
    speaker: Speaker
    next_event: int
    answered: Answered = field(default_factory=lambda: Answered(None))
    """The requests whose answers the store has."""
    publish: Publish = lambda _said: None
    """How to say something; set by whoever has a bus."""
    flush: Callable[[], None] = lambda: None
    """How to let what was said leave now, and not at the end of the loop's turn."""
    confirms: bool = False
    """Whether the lead of the store can be lost, and is confirmed before leases are granted."""
    is_cut_off: bool = False
    """Whether there is no bus: nobody can be heard, so nobody is judged, and no time is over."""
    devices: Devices | None = None
    """Set where Home Assistant is to know the agents."""
    outage: Outage | None = None
    """Why nothing can be stored now; one that does not pass is there from the start."""
    _unsaid: tuple[Batch, Changes, Instant] | None = None
    """The batch that is being stored: it is said when it is, and not before."""
    _inbox: "deque[Event]" = field(default_factory=deque)
    _something: asyncio.Event = field(default_factory=asyncio.Event)
    _cards: Cards = field(init=False)
    _desired: DesiredTexts = field(init=False)
    _learnt: dict[tuple[str, str], None] = field(default_factory=dict)
    _learnt_at_ms: int = 0
    _patience: Patience = field(default_factory=Patience)
    _store_thread: StoreThread = field(default_factory=StoreThread)

    def __post_init__(self) -> None:
        self._cards = Cards(self.state, self.speaker, self.devices)
        self._desired = DesiredTexts(self.speaker)
        self.store.on_written = self._store_thread.note_at_disk

    def tell(self, event: Event) -> None:
        """Let *event* be decided soon. Called in the loop's thread."""
        if len(self._inbox) >= INBOX_EVENTS:
            self.count_dropped("inbox_full")
            return
        self._inbox.append(event)
        self._something.set()

    def count_dropped(self, reason: str) -> None:
        """Count a message that nobody decides about; the summary tells it soon."""
        self.state.dropped[reason] += 1
        self._something.set()

    def say_presence(self) -> None:
        """State again how things are: somebody else's last words may stand in the place of ours."""
        self.publish(self._presence(self.clock.now()))

    async def after_commits(self, call: Callable[[], T]) -> T:
        """Return what *call* returns in the store's thread, once all that is decided is stored."""
        return await self._store_thread.do(call)

    async def run(self) -> None:
        """Decide and do, until cancelled."""
        if self.outage is not None:
            await self._answer_for(None)
        while True:
            idle_from = self.clock.now()
            waited_ms = await self._wait(idle_from)
            now = self.clock.now()
            if stalled := stood_still(idle_from, now, waited_ms):
                log.warning("stood still for %.1f s; nobody is judged for it", stalled.ms / 1000)
                self._inbox.appendleft(stalled)
            await self.turn_over(now)

    async def drain(self) -> None:
        """Decide and do what is left in the inbox, and show everyone the last state."""
        if self.outage is not None:
            return
        if self._unsaid is not None:
            batch, changes, decided = self._unsaid
            try:
                await self._store_thread.do(self.store.commit, changes)
            except StoreUnavailable as error:
                log.warning("stopped with decisions that nobody was told, unstored: %s", error)
                return
            self._unsaid = None
            self._speak(batch, decided)
        self._learnt_at_ms = -LEARNT_EVERY_MS
        while self._inbox:
            await self.turn_over(self.clock.now())
        self._cards.show(self.clock.now(), self.publish, final=True)

    async def turn_over(self, now: Instant) -> None:
        """Take one batch through: decide, commit, speak."""
        if not (self._inbox or self._learnt or self._is_due(now)):
            # The time has come for what people are shown, and for nothing else.
            self._something.clear()
            self._cards.add(_NOTHING_NEW)
            self._cards.show(now, self.publish)
            return
        batch = Batch()
        if len(self._inbox) <= BATCH_EVENTS:
            events = list(self._inbox)
            self._inbox.clear()
            self._something.clear()
        else:
            events = [self._inbox.popleft() for _ in range(BATCH_EVENTS)]
        try:
            await self._recall(events)
        except StoreUnavailable as error:
            self._inbox.extendleft(reversed(events))
            await self._sit_out(error, self.store.confirm, None, now)
            return
        for event in events:
            batch.add(step(self.state, event, now))
        # Everything that has arrived is decided before anybody is judged for silence.
        if not self._inbox and self._is_due(now):
            batch.add(step(self.state, Ticked(), now))
        self._put_off_learning(batch, now)
        changes = batch.changes(self.state, self.next_event, now.wall_ms)
        for saved in batch.saved_replies:
            self.answered.add((saved.client, saved.request_id))
        wait_ms = self._patience.wait_ms(len(events), len(self._inbox))
        if changes:
            self._unsaid = batch, changes, now
            await self._insist(batch, now, wait_ms, self.store.commit, changes)
        elif self.confirms and (batch.leases or batch.desired):
            await self._insist(batch, now, wait_ms, self.store.confirm)
        self._unsaid = None
        self._speak(batch, now)
        crash_here(CrashPoint.AFTER_PUBLISH)

    def _is_due(self, now: Instant) -> bool:
        """Say whether time itself has something to decide."""
        return not self.is_cut_off and self.state.timers.next_in_ms(now) == 0

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

    # --- without a store

    async def _insist(
        self, batch: Batch, now: Instant, wait_ms: int, do: Callable[[*Ts], None], *args: *Ts
    ) -> None:
        """Let the store's thread *do* something for *batch*, however long it takes until it can."""
        since = self.clock.now()
        try:
            await self._store_thread.do(
                do, *args, wait_ms=wait_ms, meanwhile=lambda: self._render(batch, now)
            )
        except StoreUnavailable as error:
            await self._sit_out(error, lambda: do(*args), batch, since)
        took_ms = self.clock.now().mono_ms - since.mono_ms
        self._patience.learn(took_ms)
        if self.confirms and took_ms > CONFIRMED_FOR_MS:
            # Who stood still after the store had answered may have lost the lead since.
            await self._insist(batch, now, wait_ms, self.store.confirm)

    async def _sit_out(
        self, error: StoreUnavailable, do: Callable[[], None], batch: Batch | None, since: Instant
    ) -> None:
        """Try to *do* it again and again; nobody is judged for the time since *since*."""
        if self.confirms:  # if another leads by now, it shows before a word more is said
            with contextlib.suppress(StoreUnavailable):
                await self._store_thread.do(do)
                return
        log.error("%s; nothing is assigned and no lease is granted until it can", error)
        self.outage = Outage.of(str(error), batch)
        wait_ms = RETRY_MIN_MS
        try:
            self.publish(self._presence(since))
            while not await self._tried(do):
                await self._answer_for(wait_ms)
                wait_ms = min(wait_ms * 2, RETRY_MAX_MS)
        finally:
            self.outage = None
        now = self.clock.now()
        stood_ms = now.mono_ms - since.mono_ms
        text = f"for {stood_ms / 1000:.1f} s nothing could be stored: {error}"
        log.warning("%s; everything is stored now", text)
        self._inbox.extendleft(
            (
                # In reverse: first of all, everybody gets the time back.
                BusConnected(),
                Noted("store_resumed", None, text, {"seconds": stood_ms / 1000}),
                Stalled(stood_ms),
            )
        )
        self._something.set()
        self.publish(self._presence(now))

    async def _tried(self, do: Callable[[], None]) -> bool:
        """Say whether it could be done; a store may take long to say no."""
        attempt = asyncio.ensure_future(self._store_thread.do(do))
        attempt.add_done_callback(lambda _attempt: self._something.set())
        try:
            while not attempt.done():
                self._answer_without_store()
                await self._something.wait()
            attempt.result()
        except StoreUnavailable:
            return False
        finally:
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
        return True

    async def _answer_for(self, wait_ms: int | None) -> None:
        """Answer what can be answered without a store for so long; ``None``: for ever."""
        try:
            async with asyncio.timeout(None if wait_ms is None else wait_ms / 1000):
                while True:
                    self._answer_without_store()
                    await self._something.wait()
        except TimeoutError:
            pass

    def _answer_without_store(self) -> None:
        self._something.clear()
        if self.outage is None:
            return
        now = self.clock.now()
        held = hold(self.state, self._inbox, self.outage, now)
        for answer in held.answers:
            self.publish(self.speaker.reply(answer.client, answer.reply))
        if held.is_connected:
            self.publish(self._presence(now))
            self.publish(self.speaker.summary(self.state, now))

    def wait_ms(self, now: Instant) -> int:
        """Say how long there is nothing to be done if nothing arrives."""
        wait_ms = IDLE_WAIT_MS
        if not self.is_cut_off:
            due_ms = self.state.timers.next_in_ms(now)
            if due_ms is not None and due_ms < wait_ms:
                wait_ms = due_ms
        cards_ms = self._cards.due_in_ms(now)
        return cards_ms if cards_ms is not None and cards_ms < wait_ms else wait_ms

    async def _wait(self, now: Instant) -> int:
        """Wait until something is to be done; return how long that could have taken at most."""
        wait_ms = self.wait_ms(now)
        if self._something.is_set():
            # The others (the bus above all) get their turn between two batches.
            await asyncio.sleep(0)
            return 0
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self._something.wait()
        except TimeoutError:
            pass
        return wait_ms

    async def _recall(self, events: list[Event]) -> None:
        """Look up what requests refer to and only the store knows.

        That is the answers that repeated requests got, and tasks that were over long ago.
        """
        asked = [event for event in events if isinstance(event, Submitted)]
        if not asked:
            return
        requests = [
            key
            for event in asked
            if (key := (event.client, event.request.request_id)) not in self.state.answered
            and self.answered.may_hold(key)
        ]
        # Not by subtracting the keys: that would go through all tasks for each request.
        known = self.state.tasks
        names = {name for event in asked for name in _names_of(event) if name not in known}
        if not requests and not names:
            return
        replies, records = await self._store_thread.do(self._look_up, requests, names)
        if not replies and not records:
            return
        past = tuple(task_from(record) for record in records)
        for n, event in enumerate(events):
            if isinstance(event, Submitted):
                earlier = replies.get((event.client, event.request.request_id))
                events[n] = event._replace(earlier=earlier, past=past)

    def _look_up(
        self, requests: list[tuple[str, str]], names: set[str]
    ) -> tuple[dict[tuple[str, str], Reply], list[Row]]:
        replies = self.store.known_replies(requests) if requests else {}
        return replies, self.store.past_tasks(names) if names else []

    # --- speaking

    def _speak(self, batch: Batch, now: Instant) -> None:
        say = self.publish
        if batch.restates_all:
            self._restate_all(now)
        if batch.says_state:
            say(self._presence(now))
        if batch.calls_roll:
            say(self.speaker.rollcall(now))
        for said in self._render(batch, now):
            say(said)
        for event in batch.events:
            say(self.speaker.event(self.next_event, event, now))
            self.next_event += 1
        self.flush()  # agents need not wait for what people read
        self._cards.add(batch)
        for name in batch.cleared_agents:
            self._cards.clear(name, say)
            self._desired.forget(name)
        self._cards.show(now, self.publish)

    def _render(self, batch: Batch, now: Instant) -> list[Said]:
        """Write, once, what agents, hosts and clients of *batch* wait for."""
        if batch.texts is None:
            batch.texts = [
                *(self._desired.render(said.desired, now) for said in batch.desired.values()),
                *(self.speaker.host_desired(s.desired, now) for s in batch.host_desired.values()),
                *(
                    self.speaker.lease(lease, now)
                    for lease in batch.leases.values()
                    # A desired of this batch acknowledges the reports already.
                    if lease.granted or lease.agent not in batch.desired or lease.report_ack == {}
                ),
                *(self.speaker.reply(answer.client, answer.reply) for answer in batch.replies),
            ]
        return batch.texts

    def _presence(self, now: Instant) -> Said:
        if self.outage is not None:
            return self.speaker.safe_presence(self.outage.text, now)
        settles_in_s = None
        if self.state.phase is CoordinatorState.RECOVERING:
            settles_in_s = max(0, self.state.recovered_by_ms - now.mono_ms) / 1000
        return self.speaker.presence(self.state.phase, now, settles_in_s)

    def _restate_all(self, now: Instant) -> None:
        """State everything retained anew: the broker may have forgotten it."""
        self.publish(self._presence(now))
        for agent in self.state.agents.values():
            if agent.desired is not None:
                self.publish(self._desired.render(agent.desired, now))
        for host in self.state.hosts.values():
            if host.desired is not None:
                self.publish(self.speaker.host_desired(host.desired, now))
        self._cards.add_all()

    def close(self) -> None:
        """Let the store's thread end."""
        self._store_thread.close()


def _names_of(event: Submitted) -> set[str]:
    """Name the tasks that a request refers to."""
    request = event.request
    named = {request.task} if request.task is not None else set()
    if request.op is SubmitOp.ACT_ON_MANY:
        named.update(request.tasks)
    specs = request.specs if request.spec is None else (request.spec, *request.specs)
    return named.union(*(spec.depends_on for spec in specs))
