"""One agent that speaks HTTP, as the protocol wants an agent to be: pure, with time handed in.

It is alive as long as its bot beats, and no longer: nothing here beats by itself. What it holds
runs out like any lease; the bot is told with its next request. A task counts as begun when the bot
says so, and is offered again to a bot that has not.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Final

from coordinator.http.schemas.agents import AgentRegistration
from protocol.codec import encode
from protocol.messages import (
    Assignment,
    ClientInfo,
    Desired,
    Heartbeat,
    Holding,
    Info,
    Lease,
    Metrics,
    Presence,
    Report,
    ReportDetail,
    Seen,
)
from protocol.topics import AgentChannel
from protocol.vocabulary import (
    AgentMode,
    HoldingPhase,
    PresenceState,
    ReportEvent,
    Want,
)

CLIENT: Final = "fleetbus-http"
FEATURES: Final = ("pause", "cancel", "progress")
REMEMBERED_BEATS: Final = 256


@dataclass(frozen=True, slots=True)
class Held:
    """One assignment of the agent, good until ``deadline_s``."""

    told: Assignment
    deadline_s: float
    phase: HoldingPhase = HoldingPhase.ACCEPTED
    pct: float | None = None
    step: str | None = None
    began_s: float | None = None


@dataclass(slots=True)
class HttpAgent:
    """What one registration says and holds."""

    said: AgentRegistration
    boot: str
    epoch: int
    heartbeat_s: float
    born_s: float
    born_ms: int
    prev_boot: str | None = None
    conn: int = 1
    presence: PresenceState = PresenceState.ONLINE
    mode: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    desired_mode: AgentMode = AgentMode.ACTIVE
    held: dict[str, Held] = field(default_factory=dict)
    outbox: list[Report] = field(default_factory=list)
    answered: int = 0
    """The newest heartbeat that the coordinator has answered."""
    seen: tuple[int, int] = (0, 0)
    beats: int = 0
    reports: int = 0
    _sent_s: dict[int, float] = field(default_factory=dict)
    _seq: Counter[AgentChannel] = field(default_factory=Counter)
    _highest: dict[str, int] = field(default_factory=dict)

    # --- what it says

    def greeting(self, wall_ms: int) -> list[tuple[AgentChannel, bytes]]:
        """Write what an agent says when it has connected, its heartbeat excepted."""
        presence = Presence(
            **self._envelope(AgentChannel.PRESENCE, wall_ms),
            state=self.presence,
            prev_boot=self.prev_boot,
        )
        info = Info(
            **self._envelope(AgentChannel.INFO, wall_ms),
            machine_id=self.said.machine_id,
            window_id=self.said.window_id,
            capabilities=tuple(self.said.capabilities),
            labels=dict(self.said.labels),
            slots=self.said.slots,
            features=FEATURES,
            config_path=self.said.config_path,
            client=ClientInfo(name=CLIENT, version="1", lang="http"),
            heartbeat_s=self.heartbeat_s,
        )
        return [(AgentChannel.PRESENCE, encode(presence)), (AgentChannel.INFO, encode(info))]

    def beat(self, now_s: float, wall_ms: int) -> bytes:
        """Write the next heartbeat; what no lease covers any more is given up first."""
        self.give_up_overdue(now_s, wall_ms)
        self.beats += 1
        self._sent_s[self.beats] = now_s
        self._sent_s.pop(self.beats - REMEMBERED_BEATS, None)
        ended = {
            (report.task, report.fence): Holding(
                task=report.task, fence=report.fence, phase=HoldingPhase.REPORTING
            )
            for report in self.outbox
            if report.event.is_terminal
        }
        running = {
            (task, held.told.fence): Holding(
                task=task,
                fence=held.told.fence,
                phase=held.phase,
                pct=held.pct,
                step=held.step,
                for_ms=0 if held.began_s is None else int((now_s - held.began_s) * 1000),
            )
            for task, held in self.held.items()
        }
        envelope = self._envelope(AgentChannel.HEARTBEAT, wall_ms) | {"seq": self.beats}
        return encode(
            Heartbeat(
                **envelope,
                interval_s=self.heartbeat_s,
                uptime_s=max(0.0, now_s - self.born_s),
                mode=self.mode,
                slots_free=max(0, self.said.slots - len(self.held)),
                holding=tuple((ended | running).values()),
                seen=Seen(term=self.seen[0], rev=self.seen[1]),
                report_seq=self.reports,
                outbox=len(self.outbox),
            )
        )

    def numbers(self, wall_ms: int) -> bytes:
        """Write what it measures."""
        return encode(Metrics(**self._envelope(AgentChannel.METRICS, wall_ms), m=self.metrics))

    def report(
        self, task: str, event: ReportEvent, detail: ReportDetail, now_s: float, wall_ms: int
    ) -> Report:
        """Write down a step of a task that it holds; it stays in the outbox until it is stored."""
        held = self.held[task]
        self.reports += 1
        envelope = self._envelope(AgentChannel.REPORT, wall_ms) | {"seq": self.reports}
        if event.is_terminal and held.began_s is not None:
            ran_ms = max(0, int((now_s - held.began_s) * 1000))
            detail = detail.model_copy(update={"ran_ms": ran_ms})
        said = Report(**envelope, task=task, fence=held.told.fence, event=event, detail=detail)
        self.outbox.append(said)
        if event.is_terminal:
            del self.held[task]
        elif event is not ReportEvent.PROGRESS:
            phase = HoldingPhase.PAUSED if event is ReportEvent.PAUSED else HoldingPhase.RUNNING
            self.held[task] = replace(held, phase=phase, began_s=held.began_s or now_s)
        else:
            self.held[task] = replace(held, pct=detail.pct, step=detail.step)
        return said

    # --- what it is told

    def take_desired(self, desired: Desired, now_s: float, wall_ms: int) -> list[Report]:
        """Hold what the coordinator wants held; return what there is to report of it at once."""
        if desired.for_boot != self.boot or (desired.term, desired.rev) <= self.seen:
            return []
        self.seen = (desired.term, desired.rev)
        self.desired_mode = desired.mode
        self._acknowledge(desired.report_ack)
        wanted = {told.task: told for told in desired.tasks}
        for task, held in list(self.held.items()):
            if task not in wanted or wanted[task].fence != held.told.fence:
                del self.held[task]
        reports = []
        for told in desired.tasks:
            deadline_s = self._deadline(desired.as_of, told, now_s)
            known = self.held.get(told.task)
            if known is None:
                if told.fence <= self._highest.get(told.task, 0):
                    continue  # a fence that has ended here never begins again
                self._highest[told.task] = told.fence
                known = Held(told, deadline_s)
            self.held[told.task] = replace(
                known, told=told, deadline_s=max(known.deadline_s, deadline_s)
            )
            if told.want is Want.CANCEL and known.phase is HoldingPhase.ACCEPTED:
                said = self.report(told.task, ReportEvent.CANCELLED, ReportDetail(), now_s, wall_ms)
                reports.append(said)
        return reports

    def take_lease(self, lease: Lease, now_s: float) -> None:
        """Go on with what was granted, and forget the reports that are stored."""
        if lease.boot != self.boot:
            return
        self.answered = max(self.answered, lease.as_of)
        self._acknowledge(lease.report_ack)
        for granted in lease.granted:
            held = self.held.get(granted.task)
            if held is not None and held.told.fence == granted.fence:
                deadline_s = self._deadline(lease.as_of, held.told, now_s)
                self.held[granted.task] = replace(held, deadline_s=max(held.deadline_s, deadline_s))

    def give_up_overdue(self, now_s: float, wall_ms: int) -> None:
        """Let go of what no lease covers any more, and say so."""
        for task, held in list(self.held.items()):
            if now_s >= held.deadline_s:
                self.report(task, ReportEvent.ABANDONED, ReportDetail(), now_s, wall_ms)

    def next_offer(self, now_s: float) -> Held | None:
        """Return the first task that it was given and has not begun."""
        for held in self.held.values():
            is_new = held.phase is HoldingPhase.ACCEPTED and held.told.want is Want.RUN
            if is_new and now_s < held.deadline_s:
                return held
        return None

    def _deadline(self, as_of: int, told: Assignment, now_s: float) -> float:
        sent_s = self._sent_s.get(as_of)
        return now_s if sent_s is None else sent_s + told.lease_s - told.margin_s

    def _acknowledge(self, acks: dict[str, int]) -> None:
        self.outbox = [said for said in self.outbox if said.seq > acks.get(said.boot, 0)]

    def _envelope(self, channel: AgentChannel, wall_ms: int) -> dict[str, Any]:
        self._seq[channel] += 1
        return {
            "ts_ms": wall_ms,
            "agent": self.said.name,
            "boot": self.boot,
            "epoch": self.epoch,
            "conn": self.conn,
            "seq": self._seq[channel],
        }
