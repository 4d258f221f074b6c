"""The clock of a preview: from one thing that happens to the next, through the core's one door.

Agents are made up: each starts what it is given at once and succeeds after the expected time. The
monotonic clock stands still, so that nobody is silent and no lease runs out; only civil time
passes, and only from one instant at which something is due to the next.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from coordinator.core.agents import DesiredState
from coordinator.core.effects import Effect, LogEvent, SaveTask, SayDesired, SayReply
from coordinator.core.events import Event, Heard, Submitted, Ticked
from coordinator.core.gates import CountedGate
from coordinator.core.history import History
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.core.step import step
from coordinator.core.tasks import Phase, Task
from coordinator.plan.preview.copying import introductions, state_of
from coordinator.plan.preview.durations import ASSUMED, ASSUMED_MS, expected, learnt
from coordinator.plan.preview.reasons import NO_AGENT, Reasons
from coordinator.plan.preview.result import NeverRuns, Preview, Run, Skipped
from coordinator.plan.preview.snapshot import Snapshot
from coordinator.plan.preview.tally import Tally
from protocol.errors import FleetBusError
from protocol.messages import Report, Submit, TaskSpec
from protocol.vocabulary import ReportEvent, SubmitOp, Want

DAY_MS: Final = 86_400_000
MOST_STEPS: Final = 5_000_000
LEAST_LEFT_MS: Final = 60_000
"""A run that has taken longer than expected already is given this much more."""
_STILL_MS: Final = 0
_NO_MONO: Final = -(2**60)


class PreviewTooLong(FleetBusError):
    """So much happens within the horizon that nobody would wait for the end."""

    def __init__(self, reached_ms: int, from_ms: int) -> None:
        days = (reached_ms - from_ms) / DAY_MS
        super().__init__(f"more than {MOST_STEPS} events within {days:.2f} days: ask for fewer")


def preview(
    policy: Policy,
    snapshot: Snapshot,
    *,
    days: float = 7.0,
    specs: Sequence[TaskSpec] = (),
    assumed_ms: int = ASSUMED_MS,
    most_steps: int = MOST_STEPS,
) -> Preview:
    """Look *days* ahead from *snapshot* under *policy*; *specs* are submitted at its beginning."""
    now = Instant(snapshot.wall_ms, _STILL_MS)
    state, effects = state_of(snapshot, policy, now)
    reasons = Reasons(state)
    simulation = _Simulation(
        state,
        snapshot.wall_ms,
        learnt(snapshot.marks),
        assumed_ms,
        now,
        reasons,
        Tally(state, reasons, snapshot.wall_ms),
    )
    simulation.take_in(effects)
    simulation.submit(specs)
    simulation.begin()
    simulation.run(snapshot.wall_ms + round(days * DAY_MS), most_steps)
    return simulation.result()


@dataclass(slots=True)
class _Simulation:
    state: State
    from_ms: int
    history: History
    assumed_ms: int
    now: Instant
    reasons: Reasons
    tally: Tally
    runs: list[Run] = field(default_factory=list)
    refused: list[NeverRuns] = field(default_factory=list)
    ended_unstarted: dict[str, NeverRuns] = field(default_factory=dict)
    skipped: dict[tuple[str, str], Skipped] = field(default_factory=dict)
    began_running: int = 0
    is_assuming: bool = False
    """Whether the duration of some run is nothing but an assumption."""
    started: set[str] = field(default_factory=set)
    """Tasks that run, or have run, since the preview began."""
    _given: set[tuple[str, int]] = field(default_factory=set)
    _seqs: dict[str, int] = field(default_factory=dict)
    _ends: list[tuple[int, int, str, str, int]] = field(default_factory=list)
    """When, count, agent, task, fence."""
    _count: int = 0
    _inbox: deque[Event] = field(default_factory=deque)

    # --- how it begins and goes on

    def submit(self, specs: Sequence[TaskSpec]) -> None:
        """Let *specs* be created; what is refused will never run."""
        for n, spec in enumerate(specs):
            asked = Submit(request_id=f"preview-{n}", op=SubmitOp.CREATE, spec=spec)
            for effect in self._happen(Submitted("preview", asked)):
                if isinstance(effect, SayReply) and not effect.reply.ok:
                    text = effect.reply.message or ""
                    self.refused.append(
                        NeverRuns(f"spec {n}", spec.name, spec.mode, "REFUSED", text)
                    )

    def begin(self) -> None:
        """Let every agent come up, and then work be given out."""
        for agent in self.state.agents.values():
            self.started.update(agent.held)
        self.began_running = len(self.started)
        for heard in introductions(self.state, self.now):
            self._happen(heard)
        self.state.unheard.clear()
        self._settle(Ticked())

    def run(self, until_ms: int, most_steps: int) -> None:
        """Let time pass until *until_ms*."""
        state = self.state
        steps = 0
        while True:
            wait_ms = state.timers.next_in_ms(Instant(self.now.wall_ms, _NO_MONO))
            due_ms = until_ms if wait_ms is None else self.now.wall_ms + wait_ms
            if self._ends:
                due_ms = min(due_ms, self._ends[0][0])
            if due_ms >= until_ms:
                break
            if due_ms > self.now.wall_ms:
                self.tally.advance(due_ms)
                self.now = Instant(due_ms, _STILL_MS)
            while self._ends and self._ends[0][0] <= due_ms:
                _, _, agent, task, fence = heapq.heappop(self._ends)
                self._report(agent, task, fence, ReportEvent.SUCCEEDED)
            self._settle(Ticked())
            steps += 1
            if steps > most_steps:
                raise PreviewTooLong(self.now.wall_ms, self.from_ms)
        self.tally.advance(until_ms)
        self.now = Instant(until_ms, _STILL_MS)

    # --- what happens

    def _settle(self, event: Event) -> None:
        """Let *event* happen, after what agents have said meanwhile, and all that follows."""
        self._inbox.append(event)
        while self._inbox:
            self._happen(self._inbox.popleft())

    def _happen(self, event: Event) -> list[Effect]:
        effects = step(self.state, event, self.now)
        self.take_in(effects)
        return effects

    def take_in(self, effects: list[Effect]) -> None:
        """Do what agents do, and note what is to be told."""
        for effect in effects:
            match effect:
                case SaveTask(task):
                    self._look_at(task)
                case SayDesired(desired):
                    self._take(desired)
                case LogEvent("run_skipped", schedule, _, data):
                    self._skip(schedule or "", data)
                case LogEvent("operator"):
                    self.reasons.forget_agents()
                case _:
                    pass

    def _look_at(self, task_id: str) -> None:
        task = self.state.tasks.get(task_id)
        if task is None:
            return
        self.tally.look_at(task)
        if task.is_over and task_id not in self.started:
            code = (task.error_code or task.status.value).upper()
            text = task.error or f"it is {task.status.value}"
            self.ended_unstarted[task_id] = NeverRuns(
                task_id, task.name, task.mode, code, text, self.tally.waits(task_id)
            )

    def _skip(self, schedule: str, data: dict[str, object]) -> None:
        reason, count, first_ms = str(data["reason"]), data["count"], data["first_ms"]
        known = self.skipped.get((schedule, reason))
        already = known.count if known else 0
        first = known.first_ms if known else int(str(first_ms))
        total = already + int(str(count))
        self.skipped[schedule, reason] = Skipped(schedule, reason, total, first)

    def _take(self, desired: DesiredState) -> None:
        """Start, or end, what an agent is told to."""
        for told in desired.tasks:
            task = self.state.tasks[told.task]
            if told.want is Want.CANCEL:
                self._report(desired.agent, told.task, told.fence, ReportEvent.CANCELLED)
            elif told.want is Want.RUN and (told.task, told.fence) not in self._given:
                self._given.add((told.task, told.fence))
                self._start(desired.agent, task)

    def _start(self, agent: str, task: Task) -> None:
        attempt = task.attempt
        if attempt is None:
            raise AssertionError(f"{task.id} was given to {agent} and is not")
        how_long = expected(self.history, task, agent, self.assumed_ms)
        self.is_assuming = self.is_assuming or how_long.basis == ASSUMED
        left_ms, now_ms = how_long.ms, self.now.wall_ms
        if attempt.started_ms is None:
            self._report(agent, task.id, attempt.fence, ReportEvent.STARTED)
        else:
            left_ms = max(LEAST_LEFT_MS, attempt.started_ms + how_long.ms - now_ms)
        self._count += 1
        end = (now_ms + left_ms, self._count, agent, task.id, attempt.fence)
        heapq.heappush(self._ends, end)
        if task.id not in self.started:
            self.started.add(task.id)
            self.runs.append(
                Run(
                    task=task.id,
                    name=task.name,
                    mode=task.mode,
                    agent=agent,
                    starts_ms=now_ms,
                    ends_ms=now_ms + left_ms,
                    waited_ms=max(0, now_ms - task.enqueued_ms),
                    waits=self.tally.waits(task.id),
                    basis=how_long.basis,
                )
            )

    def _report(self, agent: str, task: str, fence: int, event: ReportEvent) -> None:
        """Let *agent* report; a report about what it does not hold any more is no news."""
        seq = self._seqs[agent] = self._seqs.get(agent, 0) + 1
        known = self.state.agents[agent]
        said = Report.model_validate(
            {
                "ts_ms": self.now.wall_ms,
                "agent": agent,
                "boot": known.boot,
                "epoch": known.epoch,
                "conn": known.conn,
                "seq": seq,
                "task": task,
                "fence": fence,
                "event": event,
            }
        )
        self._inbox.append(Heard(said))

    # --- what came of it

    def result(self) -> Preview:
        """Put together what is to be told, at the end of the horizon."""
        never = [
            *self.refused,
            *self.ended_unstarted.values(),
            *(
                self._never(task)
                for task in self.state.tasks.values()
                if task.id not in self.started and not task.is_over
            ),
        ]
        return Preview(
            from_ms=self.from_ms,
            until_ms=self.now.wall_ms,
            zone=self.state.policy.zone,
            assumptions=tuple(self._assumptions()),
            runs=tuple(self.runs),
            waiting=self.tally.waiting(),
            never=tuple(never),
            skipped=tuple(self.skipped.values()),
            limits=self.tally.limits(),
            began_running=self.began_running,
            runs_total=len(self.runs),
            never_total=len(never),
        )

    def _never(self, task: Task) -> NeverRuns:
        code = self.reasons.of_task(task, self.now.wall_ms)
        waits = self.tally.waits(task.id)
        return NeverRuns(task.id, task.name, task.mode, code, self._text(task, code), waits)

    def _text(self, task: Task, code: str) -> str:
        if code == NO_AGENT:
            needed = ", ".join(sorted(task.terms.capabilities | {task.mode}))
            who = f"{task.pin} cannot" if task.pin else "no agent of the fleet can"
            return f"{who} do it: it takes {needed}"
        if task.phase is Phase.SCHEDULED:
            return "its time comes after the end of this preview"
        if task.phase is Phase.DEPENDENT:
            return f"it waits for {', '.join(task.depends_on)}"
        closed = [g for g in task.shape.signature.gates if not g.is_open] if task.shape else []
        if closed and isinstance(closed[0], CountedGate):
            gate = closed[0]
            return f"{gate.used} of {gate.limit} of {gate.key} are used when this preview ends"
        return "it still waits when this preview ends"

    def _assumptions(self) -> list[str]:
        minutes = self.assumed_ms / 60_000
        said = ["every agent is there and healthy", "every run succeeds the first time"]
        if self.is_assuming:
            said.append(f"a run of which nothing is known takes {minutes:g} min")
        return said
