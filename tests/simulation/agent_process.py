"""One process of an agent: the production machine, and a simulated shell around it."""

from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from agent_client.core import effects
from agent_client.core.events import Event, LeaveAsked, Tick
from agent_client.core.machine import Machine, Settings
from agent_client.core.outbox import StoredReport
from agent_client.run import Run
from protocol.vocabulary import PresenceState, ReportEvent
from tests.simulation.agent_session import Session
from tests.simulation.agent_words import MODES, SLOTS
from tests.simulation.handlers import Execution
from tests.simulation.host import Host

if TYPE_CHECKING:
    from tests.simulation.world import World

METRICS_EVERY: Final = 2
FLUSH_MS: Final = 2_000
Order: TypeAlias = (
    effects.ExtendDeadline
    | effects.StopHandler
    | effects.KillHandler
    | effects.PauseHandler
    | effects.ResumeHandler
)


class AgentProcess(Session):
    """One boot."""

    def __init__(self, world: "World", name: str, host: Host, boot: str, random: Random) -> None:
        super().__init__(world, name, host, boot, random)
        host.last_boot = boot
        self.hot = False
        self.freeze_next_start_s: float | None = None
        self.dies_at_success: float | None = None
        """Die when the next success is written down and not said yet; start again after so long."""
        self.machine = Machine(
            Settings(
                boot=boot,
                modes=MODES,
                slots=SLOTS,
                heartbeat_ms=world.scenario.shape.heartbeat_s * 1000,
                earlier_reports=tuple(host.outbox.values()) if host.durable else (),
            )
        )
        self._beats = 0
        self._armed_at: float | None = None

    def take(self, event: Event) -> None:
        """Feed *event* to the machine and carry out what it decides."""
        if not self.alive:
            return
        now = self.now_ms()
        for effect in self.machine.step(event, now):
            if self.alive:
                self._carry_out(effect)
        self._arm(now)

    def _arm(self, now: int) -> None:
        if self.alive:
            self._arm_for(self.machine.next_due(now), now)

    def _arm_for(self, due: int | None, now: int) -> None:
        if self.online and (restate := self.identity.restate_due()) is not None:
            due = restate if due is None else min(due, restate)
        if due is None:
            return
        at = self.world.now + max(0, due - now + 1) / 1000 / self.rate
        if self._armed_at is None or at < self._armed_at - 1e-6:
            self._armed_at = at
            self.world.after(at - self.world.now, self._wake, at)

    def restatement_asked(self) -> None:
        """Note that presence will have to be stated again."""
        self._arm(self.now_ms())

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
            self.restate_presence()
        self.take(Tick())

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
                self.state_presence(self.machine.presence)
            case effects.Reconnect():
                self._hang_up(politely=True)
                self.connect()
            case effects.Leave():
                self.state_presence(PresenceState.OFFLINE)
                self.die(politely=True)
            case _:
                execution = self.executions.get(effect.fence)
                if execution is not None:
                    _order(execution.run, effect)

    # --- speaking, and going

    def _send_heartbeat(self, facts: effects.SendHeartbeat) -> None:
        self.say("heartbeat", self.words.heartbeat(facts))
        if self._beats % METRICS_EVERY == 0:
            self.say("metrics", self.words.metrics(hot=self.hot))
        self._beats += 1

    def _send_report(self, report: StoredReport) -> None:
        self.host.outbox[report.boot, report.seq] = report
        if report.event is ReportEvent.SUCCEEDED and self.dies_at_success is not None:
            self.die()
            self.world.after(self.dies_at_success, self.world.supervise, self.name, self.host)
            return
        self.say("report", self.words.report(report), retain=False)

    def leave(self, reason: str) -> None:
        """Finish nothing more, and go."""
        now = self.now_ms()
        grace_ms = max((job.grace_ms for job in self.machine.work.jobs.values()), default=0)
        self.take(LeaveAsked(now, now + grace_ms + FLUSH_MS, reason))

    # --- faults

    def woken(self) -> None:
        """Look, after standing still, what is due."""
        self._armed_at = None
        self._pump()

    def _freeze_all(self, seconds: float) -> None:
        self.freeze(seconds, kind="all")

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
