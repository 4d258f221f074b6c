"""A core with schedules, moved through time by hand."""

from dataclasses import dataclass, field
from typing import Any

from coordinator.core.effects import Effect, LogEvent
from coordinator.core.events import Event, PlanApplied, Ticked
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.records import mark_record, remember_mark, task_from, task_record
from coordinator.core.recovery import restore
from coordinator.core.recurrence.progress import Progress
from coordinator.core.recurrence.recurring import RecurringTask
from coordinator.core.recurrence.rhythm import Every
from coordinator.core.state import State
from coordinator.core.step import step
from coordinator.core.tasks import Task
from coordinator.core.turn import Turn
from coordinator.core.waiting import end
from protocol.vocabulary import TaskStatus

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
START_MS = 1_790_000_000_000 // HOUR_MS * HOUR_MS


def hourly(name: str = "hourly", **terms: Any) -> RecurringTask:
    """A task of every full hour."""
    return RecurringTask(name, "quest", Every(HOUR_MS), **terms)


@dataclass
class Fleet:
    """The core of a coordinator that runs from a moment of its own."""

    now_ms: int = START_MS
    state: State = field(default_factory=lambda: State(Policy(), "test", 1))
    told: list[LogEvent] = field(default_factory=list)

    def feed(self, event: Event) -> list[Effect]:
        return self.keep(step(self.state, event, self.now))

    @property
    def now(self) -> Instant:
        return Instant(self.now_ms, self.now_ms)

    def keep(self, effects: list[Effect]) -> list[Effect]:
        self.told += [effect for effect in effects if isinstance(effect, LogEvent)]
        return effects

    def plan(self, *schedules: RecurringTask) -> list[Effect]:
        return self.feed(PlanApplied(Policy(schedules=schedules)))

    def passes(self, ms: int) -> None:
        """Let time pass as the shell does: it wakes the core when something is due."""
        until_ms = self.now_ms + ms
        while True:
            wait_ms = self.state.timers.next_in_ms(self.now)
            if wait_ms is None or self.now_ms + wait_ms > until_ms:
                break
            self.now_ms += wait_ms
            self.feed(Ticked())
        self.now_ms = until_ms

    def sleeps(self, ms: int) -> None:
        """Let time pass without anybody there, then wake."""
        self.now_ms += ms
        self.feed(Ticked())

    def dies(self, away_ms: int = 0) -> "Fleet":
        """Lose everything but what is stored, and start again after *away_ms*."""
        state = State(self.state.policy, "test", self.state.term + 1)
        again = Fleet(self.now_ms + away_ms, state, self.told)
        for name in self.state.schedules.progress:
            record = mark_record(self.state, "schedule", name)
            assert record is not None
            remember_mark(again.state, "schedule", name, record)
        tasks = [task_from(task_record(task)) for task in self.state.tasks.values()]
        again.keep(restore(again.state, (), tasks, again.now))
        again.feed(Ticked())
        return again

    def runs(self, name: str = "hourly") -> list[Task]:
        return [task for task in self.state.tasks.values() if task.name == name]

    def nominal(self, name: str = "hourly") -> list[int]:
        """When the runs of schedule *name* were due, in hours since the start."""
        return [(run.metadata["nominal_ms"] - START_MS) // HOUR_MS for run in self.runs(name)]

    def ends(self, task: Task, outcome: TaskStatus = TaskStatus.COMPLETED) -> None:
        turn = Turn(self.state, self.now)
        end(turn, task, outcome)
        self.keep(turn.effects)
        self.feed(Ticked())

    def accounted_for(self, name: str = "hourly") -> list[int]:
        """Every nominal time that has a run, waits for one, or was told to be skipped."""
        found = [*self.nominal(name)]
        found += [(ms - START_MS) // HOUR_MS for ms in self.progress(name).buffered]
        for event in self.told:
            if event.kind == "run_skipped" and event.subject == name:
                first, last = (int(str(event.data[key])) for key in ("first_ms", "last_ms"))
                found += range((first - START_MS) // HOUR_MS, (last - START_MS) // HOUR_MS + 1)
        return sorted(found)

    def skipped(self) -> list[tuple[str, int]]:
        """What the fleet's story says of skips: reason and count."""
        return [
            (str(event.data["reason"]), int(str(event.data["count"])))
            for event in self.told
            if event.kind == "run_skipped"
        ]

    def progress(self, name: str = "hourly") -> Progress:
        return self.state.schedules.progress[name]
