"""A machine on a stage: the test plays the coordinator, the handlers and the clock."""

from collections.abc import Iterable
from typing import Any, TypeVar

from agent_client.core import effects, events
from agent_client.core.fence import Fence
from agent_client.core.machine import Machine, Settings
from agent_client.core.outbox import StoredReport
from agent_client.core.outcomes import Outcome, Returned
from agent_client.messages import Assignment, Desired, Granted, Lease
from protocol.vocabulary import AgentMode, CoordinatorState

BOOT = "a" * 32
OTHER_BOOT = "b" * 32
T0 = -5_000_000
"""Clocks have any origin; a negative one shows whoever takes 0 for "no lease"."""

E = TypeVar("E", bound=effects.Effect)


def assignment(task: str = "t1", fence: int = 1, **fields: Any) -> Assignment:
    given: dict[str, Any] = {
        "name": task,
        "mode": "quest",
        "lease_s": 60.0,
        "margin_s": 2.0,
        "cancel_grace_s": 5.0,
    }
    return Assignment(task=task, fence=fence, **(given | fields))


class Scene:
    """Feeds one machine and remembers every effect."""

    def __init__(self, *, modes: Iterable[str] = ("quest",), heartbeat_ms: int = 10_000) -> None:
        self.now = T0
        self.machine = Machine(Settings(BOOT, frozenset(modes), heartbeat_ms=heartbeat_ms))
        self.all: list[effects.Effect] = []
        self.last: list[effects.Effect] = []
        self.rev = 0

    def feed(self, event: events.Event) -> list[effects.Effect]:
        self.last = self.machine.step(event, self.now)
        self.all += self.last
        return self.last

    def connect(self) -> "Scene":
        self.feed(events.CoordinatorSeen(CoordinatorState.ONLINE))
        self.feed(events.Connected())
        return self

    def wait(self, ms: int) -> list[effects.Effect]:
        """Let time pass, with every tick that falls due on the way."""
        until, happened = self.now + ms, []
        while (due := self.machine.next_due(self.now)) is not None and due <= until:
            self.now = max(self.now, due)
            happened += self.feed(events.Tick())
        self.now = until
        self.last = happened
        return happened

    def desire(self, *tasks: Assignment, **fields: Any) -> list[effects.Effect]:
        self.rev += 1
        given: dict[str, Any] = {
            "ts_ms": 0,
            "coord": "c",
            "term": 1,
            "rev": self.rev,
            "for_boot": BOOT,
            "as_of": self.machine.leases.seq,
        }
        return self.feed(events.DesiredReceived(Desired(tasks=tasks, **(given | fields))))

    def lease(self, *granted: Fence, **fields: Any) -> list[effects.Effect]:
        given: dict[str, Any] = {
            "ts_ms": 0,
            "coord": "c",
            "term": 1,
            "boot": BOOT,
            "as_of": self.machine.leases.seq,
            "rev": self.rev,
        }
        tasks = tuple(Granted(task=fence.task, fence=fence.number) for fence in granted)
        return self.feed(events.LeaseReceived(Lease(granted=tasks, **(given | fields))))

    def run(self, *tasks: Assignment) -> None:
        """Assign *tasks* and let their handlers begin."""
        self.desire(*tasks)
        for task in tasks:
            self.feed(events.HandlerStarted(Fence(task.task, task.fence), self.now))

    def end(self, fence: Fence, outcome: Outcome | None = None) -> list[effects.Effect]:
        return self.feed(events.HandlerEnded(fence, outcome or Returned()))

    def stop_mode(self) -> list[effects.Effect]:
        return self.desire(mode=AgentMode.STOP)

    def those(self, kind: type[E]) -> list[E]:
        """Every effect of *kind* in the last answer."""
        return [effect for effect in self.last if isinstance(effect, kind)]

    def ever(self, kind: type[E]) -> list[E]:
        """Every effect of *kind* so far."""
        return [effect for effect in self.all if isinstance(effect, kind)]

    def reports(self) -> list[StoredReport]:
        """The reports of the last answer."""
        return [effect.report for effect in self.those(effects.SendReport)]

    def told(self) -> list[tuple[str, str]]:
        """Task and event of the reports of the last answer."""
        return [(report.fence.task, report.event.value) for report in self.reports()]
