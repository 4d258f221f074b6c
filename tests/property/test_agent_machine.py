"""What holds for an agent whatever happens to it, in whatever order."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_client.core import effects, events
from agent_client.core.effects import Effect
from agent_client.core.fence import Fence
from agent_client.core.machine import Machine, Settings
from agent_client.core.outcomes import GaveWay, Raised, Returned
from agent_client.messages import Assignment, Desired, Granted, Lease
from protocol.vocabulary import AgentMode, CoordinatorState, Want

BOOT, OTHER = "a" * 32, "b" * 32
GRACE_S, LEASE_S, MARGIN_S = 2.0, 20.0, 1.0
TASKS = ("t0", "t1", "t2")

fences = st.builds(Fence, st.sampled_from(TASKS), st.integers(1, 4))


def assignment(fence: Fence, want: Want, mode: str) -> Assignment:
    return Assignment(
        task=fence.task,
        name=fence.task,
        mode=mode,
        fence=fence.number,
        lease_s=LEASE_S,
        margin_s=MARGIN_S,
        cancel_grace_s=GRACE_S,
        want=want,
    )


assignments = st.builds(
    assignment,
    fences,
    st.sampled_from((Want.RUN, Want.RUN, *Want)),
    st.sampled_from(("quest", "quest", "unknown")),
)


@dataclass(frozen=True)
class DesiredSaid:
    """What the coordinator says next; ``stale`` repeats an old revision, ``lag`` an old grant."""

    tasks: list[Assignment]
    mode: AgentMode
    boot: str
    stale: int
    lag: int
    acked: int

    def at(self, watch: "Watch") -> events.Event:
        watch.rev += 1
        return events.DesiredReceived(
            Desired(
                ts_ms=0,
                coord="c",
                term=1,
                rev=max(0, watch.rev - self.stale),
                for_boot=self.boot,
                as_of=max(0, len(watch.sent) - self.lag),
                mode=self.mode,
                report_ack={BOOT: self.acked},
                tasks=tuple(self.tasks),
            )
        )


@dataclass(frozen=True)
class LeaseSaid:
    """A grant of what runs, and of ``others``, as of an older heartbeat."""

    others: list[Fence]
    boot: str
    lag: int
    acked: int

    def at(self, watch: "Watch") -> events.Event:
        granted = [*watch.running, *self.others]
        return events.LeaseReceived(
            Lease(
                ts_ms=0,
                coord="c",
                term=1,
                boot=self.boot,
                as_of=max(0, len(watch.sent) - self.lag),
                rev=0,
                granted=tuple(Granted(task=f.task, fence=f.number) for f in granted),
                report_ack={BOOT: self.acked},
            )
        )


lags = st.sampled_from((0, 0, 0, 1, 2, 5))
boots = st.sampled_from((BOOT, BOOT, BOOT, OTHER))
modes = st.sampled_from((AgentMode.ACTIVE, AgentMode.ACTIVE, AgentMode.PAUSED, AgentMode.DRAIN))
desireds = st.builds(
    DesiredSaid,
    st.lists(assignments, max_size=3, unique_by=lambda a: (a.task, a.fence)),
    modes,
    boots,
    st.sampled_from((0, 0, 0, 1, 3)),
    lags,
    st.integers(0, 5),
)
leases = st.builds(LeaseSaid, st.lists(fences, max_size=2), boots, lags, st.integers(0, 5))
handlers = st.one_of(
    st.builds(events.HandlerNotStarted, fences),
    st.builds(events.HandlerProgressed, fences, st.floats(0, 100)),
    st.builds(events.HandlerPaused, fences),
    st.builds(events.HandlerResumed, fences),
    st.builds(events.HandlerEnded, fences, st.sampled_from((Returned(1), Raised("oh"), GaveWay()))),
)
happenings = st.one_of(
    desireds,
    desireds,
    leases,
    handlers,
    st.sampled_from((events.Connected(), events.Disconnected(), events.RollCalled())),
    st.builds(events.CoordinatorSeen, st.sampled_from(CoordinatorState)),
)
Happening: TypeAlias = DesiredSaid | LeaseSaid | events.Event
History: TypeAlias = list[tuple[int, Happening]]
histories = st.lists(
    st.tuples(st.sampled_from((0, 0, 100, 2_000, 5_000, 9_000)), happenings), max_size=40
)


@dataclass
class Watch:
    """A machine with handlers that obey at once, and everything that must never happen."""

    machine: Machine = field(
        default_factory=lambda: Machine(Settings(BOOT, {"quest"}, heartbeat_ms=5_000))
    )
    now: int = -1_000_000
    rev: int = 0
    sent: dict[int, int] = field(default_factory=dict)
    running: dict[Fence, int] = field(default_factory=dict)
    done: list[tuple[int, Effect]] = field(default_factory=list)
    asked: set[Fence] = field(default_factory=set)
    started: set[Fence] = field(default_factory=set)
    begun: set[Fence] = field(default_factory=set)
    highest: dict[str, int] = field(default_factory=lambda: defaultdict(lambda: -1))
    reported: dict[int, Fence] = field(default_factory=dict)

    def feed(self, event: events.Event) -> None:
        match event:
            case events.HandlerStarted(fence):
                self.started.add(fence)
            case events.HandlerEnded(fence) | events.HandlerNotStarted(fence):
                if fence not in self.running:
                    return
                if isinstance(event, events.HandlerNotStarted):
                    if fence in self.started:
                        return
                    self.begun.discard(fence)  # it may be given leave once more
                    self.highest[fence.task] = fence.number - 1
                del self.running[fence]
            case _:
                pass
        for effect in self.machine.step(event, self.now):
            self.done.append((self.now, effect))
            self.look(effect)

    def look(self, effect: Effect) -> None:
        match effect:
            case effects.SendHeartbeat(seq=seq, holding=holding):
                assert seq == len(self.sent) + 1
                self.sent[seq] = self.now
                held = {Fence(each.task, each.fence) for each in holding}
                assert self.running.keys() <= held
            case effects.StartHandler(fence, _, deadline):
                assert fence not in self.begun, "began twice"
                assert fence.number > self.highest[fence.task]
                assert not [f for f in self.running if f.task == fence.task]
                assert deadline - GRACE_S * 1000 > self.now
                assert deadline <= max(self.sent.values()) + (LEASE_S - MARGIN_S) * 1000
                self.highest[fence.task] = fence.number
                self.running[fence] = deadline
                self.begun.add(fence)
            case effects.ExtendDeadline(fence, deadline):
                assert deadline > self.running[fence], "a deadline moved back"
                assert deadline <= max(self.sent.values()) + (LEASE_S - MARGIN_S) * 1000
                self.running[fence] = deadline
            case effects.StopHandler(fence):
                self.asked.add(fence)
            case effects.SendReport(report):
                self.reported.setdefault(report.seq, report.fence)
                assert self.reported[report.seq] == report.fence
                assert sorted(self.reported) == list(range(1, len(self.reported) + 1))
            case _:
                pass

    def pass_time(self, ms: int) -> None:
        until = self.now + ms
        while (due := self.machine.next_due(self.now)) is not None and due <= until:
            self.now = max(self.now, due)
            self.feed(events.Tick())
            self.check_deadlines()
        self.now = until

    def check_deadlines(self) -> None:
        for fence, deadline in self.running.items():
            if self.now >= deadline - GRACE_S * 1000:
                assert fence in self.asked, "runs into its deadline without being asked to stop"


def play(history: History) -> Watch:
    watch = Watch()
    watch.feed(events.Connected())
    given_leave: set[Fence] = set()
    for gap, event in history:
        watch.pass_time(gap)
        watch.feed(event.at(watch) if isinstance(event, DesiredSaid | LeaseSaid) else event)
        for fence in sorted(given_leave & watch.running.keys() - watch.asked - watch.started):
            watch.feed(events.HandlerStarted(fence, watch.now))
        given_leave = set(watch.running)  # these begin after whatever happens next
        watch.check_deadlines()
    return watch


@settings(max_examples=150, deadline=None)
@given(histories)
def test_nothing_starts_without_a_lease_or_twice_or_runs_into_its_deadline_unasked(
    history: History,
) -> None:
    watch = play(history)
    watch.pass_time(60_000)


@settings(max_examples=100, deadline=None)
@given(histories)
def test_once_everything_has_ended_and_is_acknowledged_nothing_is_held_any_more(
    history: History,
) -> None:
    watch = play(history)
    watch.feed(events.Connected())
    empty = Desired(ts_ms=0, coord="c", term=3, rev=1, for_boot=BOOT, as_of=0)
    watch.feed(events.DesiredReceived(empty))
    for fence in list(watch.running):
        watch.feed(events.HandlerEnded(fence, GaveWay()))
    last = watch.machine.outbox.seq
    lease = Lease(ts_ms=0, coord="c", term=3, boot=BOOT, as_of=1, rev=1, report_ack={BOOT: last})
    watch.feed(events.LeaseReceived(lease))
    assert len(watch.machine.outbox) == 0
    assert watch.machine.holding(watch.now) == ()


@settings(max_examples=50, deadline=None)
@given(histories)
def test_the_same_history_has_the_same_effects(history: History) -> None:
    assert play(history).done == play(history).done
