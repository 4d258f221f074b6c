"""``step(state, event, now) -> effects``: the one door into the core.

Nothing behind it awaits, logs, reads a clock or touches a socket. The state is changed in place;
what must be stored and said is returned as data. The shell commits before it says anything, so a
crash between the two repeats words and loses no deed.
"""

from typing import assert_never

from coordinator.core.assignments import settle_desired
from coordinator.core.clockwork import fire_timers
from coordinator.core.dispatch import dispatch
from coordinator.core.effects import CallRoll, ClearAgent, Effect, RestateAll, SayState
from coordinator.core.events import (
    BusConnected,
    Event,
    FromAgents,
    FromHosts,
    Heard,
    Noted,
    PlanApplied,
    Restored,
    Stalled,
    Stopping,
    Submitted,
    Ticked,
)
from coordinator.core.heartbeats import on_heartbeat, on_metrics
from coordinator.core.hosts.hearing import on_host_actual, on_host_metrics, on_host_presence
from coordinator.core.hosts.placement import settle_hosts
from coordinator.core.instant import Instant
from coordinator.core.plan_versions import on_plan_wanted
from coordinator.core.plans import on_plan_applied
from coordinator.core.presence import is_leftover, on_info, on_presence
from coordinator.core.recovery import finish_if_recovered, on_restored, on_stalled
from coordinator.core.reports import on_report
from coordinator.core.requests import on_submitted
from coordinator.core.state import State
from coordinator.core.turn import Turn
from coordinator.core.waiting import recollect
from coordinator.core.why.reasons import note_reasons
from protocol.messages import (
    Heartbeat,
    HostActual,
    HostMetrics,
    HostPresence,
    Info,
    Metrics,
    Presence,
    Report,
)
from protocol.messages.base import FromAgent
from protocol.vocabulary import CoordinatorState


def step(state: State, event: Event, now: Instant) -> list[Effect]:  # noqa: PLR0912 -- one arm per event
    """Apply *event* to *state* at *now*; return what must be stored and said."""
    turn = Turn(state, now)
    match event:
        case Heard(message, retained):
            _heard(turn, message, retained=retained)
        case Submitted(client, request, earlier, past):
            recollect(turn, past)
            on_submitted(turn, client, request, earlier)
        case Ticked():
            fire_timers(turn)
        case Stalled(ms):
            on_stalled(turn, ms)
        case Restored(ms):
            on_restored(turn, ms)
        case BusConnected():
            _on_bus_connected(turn)
        case PlanApplied(policy, source):
            if source is None:
                on_plan_applied(turn, policy)
            else:
                on_plan_wanted(turn, policy, source)
        case Noted(kind, subject, text, data):
            turn.tell(kind, subject, text, **data)
        case Stopping():
            state.phase = CoordinatorState.DRAINING
            turn.do(SayState())
        case _:
            assert_never(event)
    if state.phase is CoordinatorState.RECOVERING:
        finish_if_recovered(turn)
    dispatch(turn)
    settle_desired(turn)
    settle_hosts(turn)
    note_reasons(state, now)
    return turn.effects


def _on_bus_connected(turn: Turn) -> None:
    turn.do(RestateAll())
    if turn.state.phase is CoordinatorState.RECOVERING:
        turn.do(CallRoll())  # nobody could hear it before


def _heard(turn: Turn, message: FromAgents | FromHosts, *, retained: bool) -> None:
    if retained and isinstance(message, FromAgent) and is_leftover(turn, message):
        turn.do(ClearAgent(message.agent))
        return
    match message:
        case Heartbeat():
            on_heartbeat(turn, message, retained=retained)
        case Metrics():
            on_metrics(turn, message, retained=retained)
        case Report():
            on_report(turn, message)
        case Presence():
            on_presence(turn, message, retained=retained)
        case Info():
            on_info(turn, message)
        case HostActual():
            on_host_actual(turn, message, retained=retained)
        case HostPresence():
            on_host_presence(turn, message, retained=retained)
        case HostMetrics():
            on_host_metrics(turn, message)
        case _:
            assert_never(message)
