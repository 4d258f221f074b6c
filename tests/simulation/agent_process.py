"""One process of an agent: the production machine and identity, and a simulated shell around them.

The shell keeps the session's rules: the will before everything, then what is retained about the
agent's name, then its epoch, then presence, info and heartbeat. A process can stand still as a
whole, or only in its loop; its handlers and their guards live beside the loop.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from agent_client.core import effects
from agent_client.core.events import (
    Connected,
    CoordinatorSeen,
    DesiredReceived,
    Disconnected,
    Event,
    LeaseReceived,
    LeaveAsked,
    RollCalled,
    Tick,
)
from agent_client.core.fence import Fence
from agent_client.core.identity import Identity, Verdict
from agent_client.core.machine import Machine, Settings
from agent_client.core.outbox import StoredReport
from agent_client.run import Run
from protocol.limits import PROTOCOL_VERSION
from protocol.messages import (
    CoordinatorPresence,
    Desired,
    Heartbeat,
    Holding,
    Info,
    Lease,
    Message,
    Metrics,
    Presence,
    Registry,
    Report,
    ReportDetail,
    RollCall,
    Seen,
)
from protocol.vocabulary import PresenceState, ReportEvent
from tests.simulation.handlers import Execution
from tests.simulation.words import as_heard, as_said, make

if TYPE_CHECKING:
    from tests.simulation.world import World

SLOTS: Final = 2
RETAINED_WITHIN_S: Final = 0.25
METRICS_EVERY: Final = 2
SHORTLY_S: Final = 3.0
"""A connection that is made again as quickly keeps nobody from being heard."""
Order: TypeAlias = (
    effects.ExtendDeadline
    | effects.StopHandler
    | effects.KillHandler
    | effects.PauseHandler
    | effects.ResumeHandler
)
FLUSH_MS: Final = 2_000
WALL_MS: Final = 1_767_607_200_000


@dataclass(slots=True)
class Host:
    """A machine, which survives its agents' processes.

    ``durable`` is a single-instance lock and a disk for the outbox.
    """

    number: int
    durable: bool
    wall_off_ms: int
    last_boot: str | None = None
    outbox: dict[tuple[str, int], StoredReport] = field(default_factory=dict)


class AgentProcess:
    """One boot."""

    def __init__(self, world: "World", name: str, host: Host, boot: str, random: Random) -> None:
        self.world, self.name, self.host, self.boot, self.random = world, name, host, boot, random
        self.prev_boot = host.last_boot if host.durable else None
        host.last_boot = boot
        self.rate = 1 + random.uniform(-world.drift, world.drift)
        self.alive = True
        self.loop_frozen = self.frozen = False
        self.online = False
        self.leaving = False
        self.hot = False
        self.freeze_next_start_s: float | None = None
        self.dies_at_success: float | None = None
        """Die when the next success is written down and not said yet; start again after so long."""
        self.fine_since = world.now
        """Since when nothing has kept it from speaking."""
        self.executions: dict[Fence, Execution] = {}
        self.identity = Identity(boot)
        self.machine = Machine(
            Settings(
                boot=boot,
                modes=("quest", "combat"),
                slots=SLOTS,
                heartbeat_ms=world.scenario.heartbeat_s * 1000,
                earlier_reports=tuple(host.outbox.values()) if host.durable else (),
            )
        )
        self._origin_s = random.uniform(1e3, 1e6)
        self._asleep_s = 0.0
        self.will: Presence | None = None
        self._state = PresenceState.ONLINE
        self._connection = 0
        """Which of the connections, or attempts at one, is the present one; 0 is none."""
        self._connections = 0
        self._deaf_connection = -1
        self._hung_up_at = 0.0
        self._seq = 0
        self._term = 0
        self._beats = 0
        self._armed_at: float | None = None
        self._inbox: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self._deferred: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    # --- clocks

    def now_ms(self) -> int:
        """Tell the time on this machine's clock, which also counts while it sleeps."""
        seconds = self._origin_s + self.rate * (self.world.now - self._asleep_s)
        return int(seconds * 1000)

    def wall_ms(self) -> int:
        """Tell what this machine takes for the time of day."""
        return WALL_MS + self.host.wall_off_ms + int(self.world.now * 1000)

    # --- the loop, and what runs beside it

    def in_loop(self, act: Callable[..., object], *args: Any) -> None:
        """Let the loop do something: now, or when it is not frozen any more."""
        if self.loop_frozen:
            self._inbox.append((act, args))
        elif self.alive:
            act(*args)

    def in_handler(self, delay: float, act: Callable[..., object], *args: Any) -> None:
        """Let a handler's process do something, unless the whole group stands still."""
        self.world.after(delay, self._in_handler, act, args)

    def _in_handler(self, act: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self.frozen:
            self._deferred.append((act, args))
        elif self.alive:
            act(*args)

    def take(self, event: Event) -> None:
        """Feed *event* to the machine and carry out what it decides."""
        if not self.alive:
            return
        for effect in self.machine.step(event, self.now_ms()):
            if self.alive:
                self._carry_out(effect)
        self._arm()

    def _arm(self) -> None:
        if not self.alive:
            return
        now = self.now_ms()
        due = self.machine.next_due(now)
        if self.online and (restate := self.identity.restate_due()) is not None:
            due = restate if due is None else min(due, restate)
        if due is None:
            return
        at = self.world.now + max(0, due - now + 1) / 1000 / self.rate
        if self._armed_at is None or at < self._armed_at - 1e-6:
            self._armed_at = at
            self.world.after(at - self.world.now, self._wake, at)

    def _wake(self, at: float) -> None:
        if at == self._armed_at:
            self._armed_at = None
            if not self.loop_frozen:
                self._pump()

    def _pump(self) -> None:
        if not self.alive:
            return
        now = self.now_ms()
        if self.online and (restate := self.identity.restate_due()) is not None and restate <= now:
            self._state_presence(self._state)
        due = self.machine.next_due(now)
        if due is not None and due <= now:
            self.take(Tick())
        else:
            self._arm()

    # --- what was decided

    def _carry_out(self, effect: effects.Effect) -> None:
        match effect:
            case effects.SendHeartbeat():
                self._send_heartbeat(effect)
            case effects.SendReport(report):
                self._send_report(report)
            case effects.StartHandler():
                self.executions[effect.fence] = Execution(self, effect)
                if self.freeze_next_start_s is not None:
                    seconds, self.freeze_next_start_s = self.freeze_next_start_s, None
                    # Between the loop's decision and the handler's first act.
                    self.world.after(0.0, self._freeze_all, seconds)
            case effects.ForgetReports(reports):
                for report in reports:
                    self.world.checkers.on_acknowledged(self, report)
                    self.host.outbox.pop((report.boot, report.seq), None)
            case effects.StatePresence():
                self._state_presence(self.machine.presence)
            case effects.Reconnect():
                self._hang_up(politely=True)
                self.connect()
            case effects.Leave():
                self._state_presence(PresenceState.OFFLINE)
                self.die(politely=True)
            case _:
                execution = self.executions.get(effect.fence)
                if execution is not None:
                    _order(execution.run, effect)

    # --- the session

    def connect(self) -> None:
        """Make a new connection; a cut line refuses it, and it is tried again."""
        if not self.alive or self.leaving:
            return
        self._connections += 1
        self._connection = self._connections
        bus = self.world.bus
        if self.boot in bus.deaf or self.boot in bus.mute:
            self._connect_later()
            return
        self.identity.connecting(self.wall_ms())
        self.will = self.presence(PresenceState.LOST)
        self.world.take_over(self)
        for topic in (
            f"agents/{self.name}/presence",
            f"registry/{self.name}",
            f"inbox/{self.name}/desired",
            "coordinator/presence",
        ):
            bus.replay(topic, self.hear)
        self.world.after(RETAINED_WITHIN_S, self.in_loop, self._greet, self._connection)

    def _connect_later(self) -> None:
        self.world.after(
            self.random.uniform(0.5, 5), self.in_loop, self._connect_if, self._connection
        )

    def _connect_if(self, connection: int) -> None:
        if connection == self._connection:
            self.connect()

    def _greet(self, connection: int) -> None:
        if connection != self._connection or not self.alive:
            return
        if self.identity.epoch is None and not self.identity.choose_epoch():
            self.connect()
            return
        self.online = True
        if self.world.now - self._hung_up_at > SHORTLY_S:
            self.fine_since = self.world.now
        self._state_presence(self._state)
        self._say("info", make(Info, **self._envelope(), **self._info()))
        self.take(Connected())

    def lost(self) -> None:
        """Notice that the connection is gone, and make another one."""
        if self.alive and self._connection:
            self._hang_up(politely=False)
            if not self.leaving:
                self._connect_later()

    def _hang_up(self, *, politely: bool) -> None:
        was_online, self.online = self.online, False
        if was_online:
            self._hung_up_at = self.world.now
        self._connections += 1
        self._connection = self._connections
        if was_online:
            if not politely:
                self.world.state_will_later(self)
            self.take(Disconnected())

    @property
    def is_connected(self) -> bool:
        """Whether the broker has a connection of this process."""
        return self.alive and self._connection > 0

    def hear(self, message: Message) -> None:
        """Take in what the bus delivers, if it does."""
        hears = self._connection not in {0, self._deaf_connection}
        if self.alive and hears and self.boot not in self.world.bus.deaf:
            self.in_loop(self._hear, message)

    def _hear(self, message: Message) -> None:
        if self.leaving:
            return
        match message:
            case Lease():
                self.take(LeaseReceived(as_heard(message)))
            case Desired():
                self.take(DesiredReceived(as_heard(message)))
            case Presence():
                self._on_presence(message)
            case Registry():
                if self.identity.on_registry(message.epoch) is Verdict.RAISE_EPOCH:
                    self._raise_epoch()
            case CoordinatorPresence():
                if message.term >= self._term:
                    self._term = message.term
                    self.take(CoordinatorSeen(message.state))
            case RollCall():
                self.world.after(self.random.random() / 2, self.in_loop, self._answer_rollcall)
            case _:
                raise AssertionError(message)

    def _answer_rollcall(self) -> None:
        if self.online and self.alive:
            self._state_presence(self._state)
            self.take(RollCalled())

    def _on_presence(self, said: Presence) -> None:
        match self.identity.on_presence(as_heard(said)):
            case Verdict.SUPERSEDED:
                self._give_up()
            case Verdict.RESTATE:
                self.identity.ask_restatement(self.now_ms())
                self._arm()
            case Verdict.RAISE_EPOCH:
                self._raise_epoch()
            case Verdict.NOTHING:
                pass

    def _raise_epoch(self) -> None:
        self.identity.reconsider_epoch()
        self._hang_up(politely=True)
        self._connect_later()

    def _give_up(self) -> None:
        self.world.note("superseded", self.boot[:6])
        self.leaving = True
        self._hang_up(politely=True)
        self._connection = 0
        self.leave("given up")

    def leave(self, reason: str) -> None:
        """Finish nothing more, and go."""
        now = self.now_ms()
        grace_ms = max((job.grace_ms for job in self.machine.work.jobs.values()), default=0)
        self.take(LeaveAsked(now, now + grace_ms + FLUSH_MS, reason))

    # --- speaking

    def _say(self, channel: str, message: Message, *, retain: bool = True) -> None:
        if self.online:
            topic = f"agents/{self.name}/{channel}"
            self.world.bus.publish(self.boot, topic, message, retain=retain)

    def _envelope(self) -> dict[str, Any]:
        identity = self.identity
        self._seq += 1
        return {
            "v": PROTOCOL_VERSION,
            "ts_ms": self.wall_ms(),
            "agent": self.name,
            "boot": self.boot,
            "epoch": identity.will_epoch if identity.epoch is None else identity.epoch,
            "conn": identity.conn,
            "seq": self._seq,
        }

    def presence(self, state: PresenceState) -> Presence:
        """Say whether the process is there; with state lost it is the will."""
        return make(
            Presence, **self._envelope(), state=state, reason=None, prev_boot=self.prev_boot
        )

    def _state_presence(self, state: PresenceState) -> None:
        self._state = state
        if self.online:
            self.identity.state(state, self.now_ms())
            self._say("presence", self.presence(state))

    def _info(self) -> dict[str, Any]:
        return {
            "machine_id": f"m{self.host.number}",
            "window_id": self.name,
            "capabilities": ("quest", "combat"),
            "labels": {},
            "slots": SLOTS,
            "features": ("pause", "cancel", "progress"),
            "config_path": None,
            "client": None,
            "proto": Info.model_fields["proto"].default,
            "heartbeat_s": float(self.world.scenario.heartbeat_s),
        }

    def _send_heartbeat(self, facts: effects.SendHeartbeat) -> None:
        envelope = self._envelope()
        envelope["seq"] = facts.seq
        self._say(
            "heartbeat",
            make(
                Heartbeat,
                **envelope,
                interval_s=float(self.world.scenario.heartbeat_s),
                uptime_s=0.0,
                mode=facts.mode,
                slots_free=facts.slots_free,
                holding=tuple(as_said(Holding, held) for held in facts.holding),
                seen=as_said(Seen, facts.seen),
                report_seq=facts.report_seq,
                outbox=facts.outbox,
            ),
        )
        if self._beats % METRICS_EVERY == 0:
            numbers = {"cpu_usage": 99.0 if self.hot else 10.0}
            self._say("metrics", make(Metrics, **self._envelope(), m=numbers))
        self._beats += 1

    def _send_report(self, report: StoredReport) -> None:
        self.host.outbox[report.boot, report.seq] = report
        if report.event is ReportEvent.SUCCEEDED and self.dies_at_success is not None:
            self.die()
            self.world.after(self.dies_at_success, self.world.supervise, self.name, self.host)
            return
        envelope = self._envelope()
        envelope["boot"], envelope["seq"] = report.boot, report.seq
        said = make(
            Report,
            **envelope,
            task=report.fence.task,
            fence=report.fence.number,
            event=report.event,
            detail=as_said(ReportDetail, report.detail),
        )
        self._say("report", said, retain=False)

    # --- faults

    def freeze(self, seconds: float, *, kind: str) -> None:
        """Stand still: only the loop (``loop``), or all of the process's group."""
        if self.loop_frozen or not self.alive:
            return
        self.loop_frozen, self.frozen = True, kind != "loop"
        still = [e for e in self.executions.values() if e.is_executing] if self.frozen else []
        for execution in still:
            execution.stand_still()
        self.world.after(seconds, self._thaw, seconds, kind, still)

    def _freeze_all(self, seconds: float) -> None:
        self.freeze(seconds, kind="all")

    def _thaw(self, seconds: float, kind: str, still: list[Execution]) -> None:
        if not self.alive:
            return
        self.frozen, self.fine_since = False, self.world.now
        if kind == "suspend" and self.world.broken("clock_stops_in_suspend"):
            self._asleep_s += seconds
        for execution in still:
            execution.wake()
        deferred, self._deferred = self._deferred, []
        for act, args in deferred:
            act(*args)
        self.loop_frozen, inbox, self._inbox = False, self._inbox, []
        for act, args in inbox:
            self.in_loop(act, *args)
        self._armed_at = None
        self._pump()

    def die(self, *, politely: bool = False) -> None:
        """End with everything that executes."""
        if not self.alive:
            return
        for execution in list(self.executions.values()):
            execution.end(None)
        self.alive = False
        self.world.processes.remove(self)
        self.world.note("died", self.boot[:6])
        self.world.undertaker.bury(self.name, self.boot)
        if not politely and self.online:
            self.world.state_will_later(self)

    def go_deaf(self) -> None:
        """Hear nothing on the present connection any more, and never be told so."""
        self._deaf_connection = self._connection

    def forget_a_job(self) -> None:
        """Lose a job by a fault of the agent's own: it executes no more, and nobody is told."""
        for fence, execution in list(self.executions.items())[:1]:
            if execution.begun:
                execution.end(None)
                self.machine.work.jobs.pop(fence, None)


def _order(run: Run, order: Order) -> None:
    """Tell a running handler what the machine decided about it."""
    match order:
        case effects.ExtendDeadline(deadline_ms=deadline_ms):
            run.extend(deadline_ms)
        case effects.StopHandler(why=why):
            run.ask_to_stop(why)
        case effects.KillHandler():
            run.kill()
        case effects.PauseHandler():
            run.ask_to_rest(rest=True)
        case effects.ResumeHandler():
            run.ask_to_rest(rest=False)
