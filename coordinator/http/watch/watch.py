"""Looking at the fleet every second: figures are kept, alerts are judged, messages are sent.

The looking is done in the event loop, on what the mirror already knows; whatever touches a disk or
a receiver is done by others. A history that cannot be written is told in the log and tried again;
nothing of the control room waits for it.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from coordinator.core.alerts.judge import acknowledge, judge
from coordinator.core.alerts.record import Alert, AlertState
from coordinator.core.alerts.rules import DEFAULTS, Rule
from coordinator.core.alerts.telling import Manner
from coordinator.http import clock
from coordinator.http.link import Link
from coordinator.http.live.mirror import Mirror
from coordinator.http.problems import Refused
from coordinator.http.reader import Reader
from coordinator.http.watch.observing import Observer
from coordinator.plan.alerting import alert_manner, alert_rules
from coordinator.plan.schema import FleetPlan
from coordinator.plan.upkeep import Channel
from coordinator.settings import CoordinatorSettings
from coordinator.shell.alerts.addresses import ENVIRON, BadChannel, address_of
from coordinator.shell.alerts.apprise_delivery import deliver
from coordinator.shell.alerts.sender import TEST, Letter, Sender
from coordinator.shell.history.alert_records import alert_record, state_from, state_record
from coordinator.shell.history.recorder import Recorder
from coordinator.shell.history.store import HistoryStore
from coordinator.shell.store.errors import StoreUnavailable
from protocol.errors import FleetBusError
from protocol.messages import FleetEvent
from protocol.vocabulary import SubmitOp

log = logging.getLogger("fleetbus.watch")

LOOK_S: Final = 1.0
MOST_SHARE: Final = 0.05
"""Of the event loop's time for looking."""
ASK_EVERY: Final = 10
"""Looks between two questions why tasks wait, between two samples, and between two writings."""
FORGET_EVERY: Final = 60
WEEK_S: Final = 7 * 86_400.0
WHY_WITHIN_S: Final = 5.0
T = TypeVar("T")


@dataclass(slots=True)
class Watch:
    """See :meth:`run`; everything but the history's thread belongs to the event loop."""

    settings: CoordinatorSettings
    mirror: Mirror
    link: Link
    reader: Reader
    state: AlertState = field(default_factory=AlertState)
    plan: FleetPlan | None = None
    history: HistoryStore = field(init=False)
    recorder: Recorder = field(init=False)
    observer: Observer = field(init=False)
    sender: Sender = field(init=False)
    _plan_version: int | None = None
    _rules: tuple[Rule, ...] = DEFAULTS
    _events: list[FleetEvent] = field(default_factory=list)
    _newest: int = 0
    _changed: dict[int, Alert] = field(default_factory=dict)
    _complained: str = ""
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="history")
    )

    def __post_init__(self) -> None:
        self.observer = Observer(self.mirror)
        self.sender = Sender(self._deliver)

    async def open(self) -> None:
        """Open the history, and remember what was told before."""
        self.history = await self.in_thread(lambda: HistoryStore.in_directory(self.settings.data))
        self.recorder = Recorder(self.history, WEEK_S)
        record = await self.in_thread(self.history.alert_state)
        if record is not None:
            self.state = state_from(record)
            self._newest = self.state.last_event

    async def run(self) -> None:
        """Look every second, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask(), name="why")
            tasks.create_task(self._keep(), name="history")
            took_s = 0.0
            while True:
                # Of a very large fleet in trouble it looks less often, to leave time for others.
                await asyncio.sleep(max(LOOK_S, took_s / MOST_SHARE))
                await self._guarded(self._learn_plan())
                began_s = clock.mono_s()
                self.look(clock.wall_ms())
                took_s = clock.mono_s() - began_s

    def look(self, now_ms: int) -> None:
        """Judge what is seen at *now_ms*, and put what is to be told into the queues."""
        fresh = [event for event in self.mirror.events if event.number > self._newest]
        if fresh:
            self._newest = max(event.number for event in fresh)
        manner = Manner(3_600_000) if self.plan is None else alert_manner(self.plan, now_ms)
        seen = self.observer.observe(fresh, now_ms)
        judged = judge(self.state, seen, self._rules, now_ms, manner)
        self.state = judged.state
        self._changed |= {alert.id: alert for alert in judged.changed}
        for notice in judged.notices:
            told = self.sender.send(notice)
            log.info("%s: %s (to %s)", notice.title, notice.body, ", ".join(told) or "nobody")

    async def close(self) -> None:
        """Write what is known, and end the threads."""
        self.sender.close()
        await self._guarded(self._write_all())
        self._thread.shutdown()
        self.history.close()

    # --- what routes ask

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """The alerts that are open, the newest first."""
        found = [alert for alert in self.state.alerts.values() if alert.is_open]
        return tuple(sorted(found, key=lambda alert: -alert.id))

    def acknowledge(self, alert_id: int, by: str) -> Alert:
        """Let an open alert be repeated no more; ``KeyError`` if there is none."""
        self.state = acknowledge(self.state, alert_id, by, clock.wall_ms())
        alert = next(alert for alert in self.open_alerts if alert.id == alert_id)
        self._changed[alert_id] = alert
        return alert

    async def test(self, name: str) -> None:
        """Send a test message to channel *name* now; raise why it was not delivered."""
        channel = self.channels.get(name)
        if channel is None:
            raise KeyError(name)
        # A thread of its own: a receiver that hangs must not occupy one that others need.
        await asyncio.to_thread(self._deliver, name, channel, TEST)

    @property
    def channels(self) -> dict[str, Channel]:
        """The channels of the plan in force."""
        return {} if self.plan is None else dict(self.plan.notifications.channels)

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Return the answer of the history, which has a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    # --- what it does by itself

    async def _keep(self) -> None:
        """Take samples, write them and the alerts, and forget what is old."""
        turns = 0
        while True:
            await asyncio.sleep(LOOK_S)
            turns += 1
            now_s = clock.wall_ms() // 1000
            is_time = turns % ASK_EVERY == 0
            if is_time:
                self.recorder.sample(self.observer.figures(), now_s)
            if is_time or self._changed:
                await self._guarded(self._write())
            if turns % FORGET_EVERY == 0:
                await self._guarded(self._forget(now_s))

    async def _forget(self, now_s: int) -> None:
        kept = self.recorder.levels
        await self.in_thread(lambda: self.history.forget(kept, now_s))

    async def _ask(self) -> None:
        """Ask the coordinator now and then why tasks wait and agents idle."""
        while True:
            why = None
            if self.mirror.state in {"online", "draining"}:
                try:
                    reply = await self.link.ask(SubmitOp.WHY_SUMMARY, None, within_s=WHY_WITHIN_S)
                    why = reply.data
                except Refused:
                    pass
            self.observer.why = why
            self.observer.store_is_readable = await self._store_is_readable()
            await asyncio.sleep(ASK_EVERY * LOOK_S)

    async def _store_is_readable(self) -> bool:
        """Say whether the store can be read; where there was never one, nothing is wrong."""
        return self.plan is None or await self.reader.is_readable() is None

    async def _learn_plan(self) -> None:
        summary = self.mirror.summary
        version = None if summary is None else summary.plan_version
        if version == self._plan_version and self.plan is not None:
            return
        if self.mirror.state == "unknown":
            return
        try:
            found = await self.reader.plan(version)
        except Refused:
            return
        self.plan, self._plan_version = found.plan, version
        self._rules = alert_rules(found.plan)
        self.recorder.keep_s = float(found.plan.retention.metrics)
        self.sender.use(found.plan.notifications.channels)

    async def _write(self) -> None:
        changed, self._changed = self._changed, {}
        state = self.state

        def write() -> None:
            self.recorder.flush()
            if changed:
                documents = {number: alert_record(alert) for number, alert in changed.items()}
                self.history.save_alerts(state_record(state), documents)

        try:
            await self.in_thread(write)
        except StoreUnavailable:
            self._changed = changed | self._changed
            self.recorder.drop_backlog()
            raise

    async def _write_all(self) -> None:
        await self._write()
        await self.in_thread(self.recorder.close)
        await self.in_thread(lambda: self.history.save_alerts(state_record(self.state), {}))

    async def _guarded(self, work: Coroutine[Any, Any, object]) -> None:
        """Do *work*; say once, not every second, what is wrong with it."""
        try:
            await work
        except (FleetBusError, OSError) as error:
            if str(error) != self._complained:
                log.warning("%s", error)
            self._complained = str(error)
        else:
            self._complained = ""

    def _deliver(self, name: str, channel: Channel, letter: Letter) -> None:
        address = address_of(name, channel, self.settings.plan_file.parent, ENVIRON)
        try:
            deliver(name, address, *letter, allow_local=self.settings.alerts_to_this_machine)
        except UnicodeError:
            raise BadChannel(f"channel {name!r}: its address holds no valid host") from None
