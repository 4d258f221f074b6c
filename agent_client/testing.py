"""For tests of bots: a coordinator that assigns, cancels and takes leases away, without a broker.

The bot's handlers run as they always do, and what decides about them is the production agent; only
the bus is missing. See docs/how-to/testing-a-bot.md.
"""

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from agent_client.agent import Agent
from agent_client.clock import SystemClock
from agent_client.core import effects
from agent_client.core.events import (
    Connected,
    CoordinatorSeen,
    DesiredReceived,
    Event,
    HandlerEnded,
    HandlerProgressed,
    LeaseReceived,
    Tick,
)
from agent_client.core.fence import Fence
from agent_client.core.machine import Machine, Settings
from agent_client.core.outbox import StoredReport
from agent_client.executor import Executor
from agent_client.messages import Assignment, Desired, Granted, Lease
from protocol.vocabulary import AgentMode, CoordinatorState, Want

BOOT: Final = "0" * 32
WITHIN_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.02


class MovableClock(SystemClock):
    """The machine's clock, which a test can put forward."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ms = 0

    def now_ms(self) -> int:
        """Tell the time, as far as the test has moved it on."""
        return super().now_ms() + self.ahead_ms


@dataclass(slots=True)
class AssignedTask:
    """One task of a test, and everything that was reported of it."""

    fleet: "FakeCoordinator"
    assignment: Assignment
    reports: list[StoredReport] = field(default_factory=list)

    @property
    def events(self) -> list[str]:
        """What was reported, in order: ``started``, ``progress``, ``succeeded`` and so on."""
        return [report.event.value for report in self.reports]

    @property
    def result(self) -> Any:  # noqa: ANN401 - the bot's
        """What the handler returned."""
        return self.wait("succeeded").detail.result

    def wait(self, *events: str, within_s: float = WITHIN_S) -> StoredReport:
        """Wait for a report that is one of *events*, or for the end of the task.

        Raises TimeoutError, or AssertionError if the task has ended otherwise.
        """
        return self.fleet.wait_for(self, events, within_s)

    def cancel(self) -> None:
        """Cancel the task, as an operator would."""
        self.fleet.want(self, Want.CANCEL)

    def pause(self) -> None:
        """Let the task rest."""
        self.fleet.want(self, Want.PAUSE)

    def resume(self) -> None:
        """Let the task go on."""
        self.fleet.want(self, Want.RUN)


class FakeCoordinator:
    """Plays the fleet for one agent that is never started; a context manager."""

    def __init__(self, agent: Agent, *, lease_s: float = 60.0, cancel_grace_s: float = 1.0) -> None:
        self._clock = MovableClock()
        self._lease_s, self._grace_s = lease_s, cancel_grace_s
        self._posted: queue.SimpleQueue[Event] = queue.SimpleQueue()
        handlers = agent.handlers
        self._executor = Executor(agent.name, handlers, self._clock, self._post)
        self._machine = Machine(
            Settings(BOOT, handlers.modes, agent.settings.slots, heartbeat_ms=1_000)
        )
        self._tasks: dict[Fence, AssignedTask] = {}
        self._wanted: dict[Fence, Assignment] = {}
        self._rev = self._acked = 0
        self._renews = True
        self._news = threading.Condition()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="fake-coordinator", daemon=True)

    def __enter__(self) -> Self:
        with self._news:
            self._feed(CoordinatorSeen(CoordinatorState.ONLINE))
            self._feed(Connected())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._executor.close()

    # --- what a test does

    def assign(
        self,
        mode: str,
        args: dict[str, Any] | None = None,
        **fields: Any,  # noqa: ANN401 - JSON
    ) -> AssignedTask:
        """Give the agent a task; *fields* are those of an assignment, as ``run_limit_s``."""
        number = len(self._tasks) + 1
        given = {"lease_s": self._lease_s, "margin_s": 0.1, "cancel_grace_s": self._grace_s}
        assignment = Assignment(
            **{"task": f"task-{number}", "name": mode, "fence": number, **given, **fields},
            mode=mode,
            args=args or {},
        )
        fence = Fence(assignment.task, assignment.fence)
        task = AssignedTask(self, assignment)
        with self._news:
            self._tasks[fence], self._wanted[fence] = task, assignment
            self._desire()
        return task

    def want(self, task: AssignedTask, want: Want) -> None:
        """Change what is wanted of *task*."""
        fence = Fence(task.assignment.task, task.assignment.fence)
        with self._news:
            kept = {name: getattr(task.assignment, name) for name in Assignment.__slots__}
            task.assignment = Assignment(**(kept | {"want": want}))
            self._wanted[fence] = task.assignment
            self._desire()

    def lose_leases(self) -> None:
        """Renew nothing any more, and let time pass until every lease has run out."""
        with self._news:
            self._renews = False
        self.advance(self._lease_s)

    def advance(self, seconds: float) -> None:
        """Put the clock forward; whoever sleeps in ``task.sleep`` notices at once."""
        with self._news:
            self._clock.ahead_ms += round(seconds * 1000)
            self._executor.wake_all()

    def wait_for(
        self, task: AssignedTask, events: tuple[str, ...], within_s: float
    ) -> StoredReport:
        """Wait for a report of *task*; see :meth:`AssignedTask.wait`."""
        seen = 0

        def found() -> StoredReport | None:
            nonlocal seen
            for report in task.reports[seen:]:
                seen += 1
                if report.event.value in events or (not events and report.event.is_terminal):
                    return report
                if report.event.is_terminal:
                    said = f"{report.detail.code}: {report.detail.message}"
                    raise AssertionError(f"not {events}, but {report.event.value} ({said})")
            return None

        with self._news:
            report = self._news.wait_for(found, within_s)
        if report is None:
            raise TimeoutError(f"{task.assignment.task}: only {task.events} within {within_s:g} s")
        return report

    # --- how it works

    def _post(self, event: Event, _wake: bool) -> None:  # noqa: FBT001 - the shape of run.Post
        self._posted.put(event)

    def _turn(self) -> None:
        while not self._over.is_set():
            event: Event = Tick()
            with contextlib.suppress(queue.Empty):
                event = self._posted.get(timeout=_LOOK_EVERY_S)
            with self._news:
                for one in self._told(event):
                    self._feed(one)
                self._news.notify_all()

    def _told(self, event: Event) -> Iterator[Event]:
        if isinstance(event, HandlerProgressed | HandlerEnded):
            progress = self._executor.progress_of(event.fence)
            if progress is not None:
                yield progress
        if isinstance(event, HandlerEnded):
            self._executor.forget(event.fence)
        if not isinstance(event, HandlerProgressed):
            yield event

    def _feed(self, event: Event) -> None:
        waiting: list[Event] = [event]
        while waiting:
            for effect in self._machine.step(waiting.pop(0), self._clock.now_ms()):
                waiting += self._carry_out(effect)

    def _carry_out(self, effect: effects.Effect) -> list[Event]:
        match effect:
            case effects.SendReport(report):
                if report.fence in self._tasks and report.seq > self._acked:
                    self._tasks[report.fence].reports.append(report)
                if report.event.is_terminal:
                    self._wanted.pop(report.fence, None)
                self._acked = max(self._acked, report.seq)
                return []
            case effects.SendHeartbeat(seq=seq, holding=holding):
                held = tuple(Granted(task=one.task, fence=one.fence) for one in holding)
                granted = held if self._renews else ()
                acks = {BOOT: self._acked}
                lease = Lease(
                    ts_ms=0,
                    coord="test",
                    term=1,
                    boot=BOOT,
                    as_of=seq,
                    rev=self._rev,
                    granted=granted,
                    report_ack=acks,
                )
                return [LeaseReceived(lease)]
            case (
                effects.ForgetReports()
                | effects.StatePresence()
                | effects.Reconnect()
                | effects.Leave()
            ):
                return []
            case _:
                self._executor.carry_out(effect)
                return []

    def _desire(self) -> None:
        self._rev += 1
        desired = Desired(
            ts_ms=0,
            coord="test",
            term=1,
            rev=self._rev,
            for_boot=BOOT,
            as_of=self._machine.leases.seq,
            mode=AgentMode.ACTIVE,
            report_ack={BOOT: self._acked},
            tasks=tuple(self._wanted.values()),
        )
        self._feed(DesiredReceived(desired))
        self._news.notify_all()
