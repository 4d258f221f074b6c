"""What the passing of time does: every timer of the core, and who handles it."""

from coordinator.core.assignments import end_attempt
from coordinator.core.caps import CapGate, begin_period
from coordinator.core.closures import reopen_if_due
from coordinator.core.cooldowns import half_open
from coordinator.core.effects import ShowTask
from coordinator.core.gates import PermitGate
from coordinator.core.hosts.hearing import on_host_timer
from coordinator.core.losses import lost_attempt
from coordinator.core.openings import WindowGate, look_at_clock
from coordinator.core.pools.scaling import on_pool_due
from coordinator.core.presence import on_silence_timer
from coordinator.core.recurrence.runs import on_schedule_due
from coordinator.core.standing import refresh
from coordinator.core.tasks import Phase
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from coordinator.core.verbs import expire, expire_hold
from coordinator.core.waiting import end_expired, hide, wait
from protocol.vocabulary import OnLeaseLost


def fire_timers(turn: Turn) -> None:  # noqa: C901, PLR0912 -- one arm per kind of timer
    """Handle everything that is due."""
    for due, subject in turn.state.timers.pop_due(turn.now):
        match due:
            case Due.SUSPECT:
                on_silence_timer(turn, subject)
            case Due.EXPIRY:
                _on_lease_end(turn, subject)
            case Due.START:
                _on_start(turn, subject)
            case Due.TASK_EXPIRY:
                _on_task_expiry(turn, subject)
            case Due.HIDE:
                hide(turn, subject)
            case Due.GATE:
                _on_gate(turn, subject)
            case Due.SCHEDULE:
                on_schedule_due(turn, subject)
            case Due.AGENT:
                _on_agent(turn, subject)
            case Due.HOST:
                on_host_timer(turn, subject)
            case Due.POOL:
                on_pool_due(turn, subject)
            case Due.RECOVERED:
                pass  # a recovery is judged after every event
            case _:
                raise AssertionError(due)


def _on_lease_end(turn: Turn, task_id: str) -> None:
    """Take a task back whose lease has run out, and not before."""
    task = turn.state.tasks.get(task_id)
    if task is None or task.attempt is None:
        return
    attempt = task.attempt
    if turn.now.mono_ms <= attempt.expires_ms:
        turn.state.timers.at_mono(attempt.expires_ms + 1, Due.EXPIRY, task_id)
    elif task.on_lease_lost is OnLeaseLost.FINISH:
        if task.phase is not Phase.UNKNOWN:
            turn.move(task, Phase.UNKNOWN)  # only its agent, or an operator, can say it is dead
            turn.do(ShowTask(task_id))
    else:
        end_attempt(turn, task, "lease_expired")
        lost_attempt(turn, task, f"the lease of {attempt.agent} ran out")


def _on_start(turn: Turn, task_id: str) -> None:
    task = turn.state.tasks.get(task_id)
    if task is not None and task.phase is Phase.SCHEDULED:
        wait(turn, task)


def _on_task_expiry(turn: Turn, task_id: str) -> None:
    task = turn.state.tasks.get(task_id)
    if task is not None and not task.is_over and task.attempt is None:
        end_expired(turn, task)


def _on_gate(turn: Turn, key: str) -> None:
    reopen_if_due(turn, key)
    expire_hold(turn, key)
    gate = turn.state.gates.get(key)
    if isinstance(gate, WindowGate):
        look_at_clock(turn, gate)
    elif isinstance(gate, CapGate):
        if gate.usage.period.end_ms <= turn.now.wall_ms:
            begin_period(turn, gate)
    elif isinstance(gate, PermitGate):
        half_open(turn, gate)


def _on_agent(turn: Turn, name: str) -> None:
    agent = turn.state.agents.get(name)
    if agent is not None:
        agent.judge_timer_ms = 0
        expire(turn, agent)
        refresh(turn, agent)
