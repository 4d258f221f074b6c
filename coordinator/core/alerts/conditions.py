"""From what is seen to what is so: every kind of alert's own question, and nothing of time.

A kind whose question cannot be answered now (no bus, no coordinator) is left out of the answer
altogether, so that nothing is taken to be over only because nobody can see it.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from coordinator.core.alerts.observation import Happening, Observation, Waiting
from coordinator.core.alerts.record import Case
from coordinator.core.alerts.words import AlertWhen
from coordinator.core.why.codes import ALARMS
from protocol.vocabulary import AgentHealth, CoordinatorState

AS_PLANNED: Final = frozenset(
    {
        "PAUSED",
        "DEPENDENCY",
        "NOT_BEFORE",
        "FLEET_PAUSED",
        "OUTSIDE_WINDOW",
        "CAP_REACHED",
        "AVOID_HOURS",
        "IDLE_BLOCK",
        "RUNTIME_CAP",
    }
)
"""Reasons that somebody wanted: to wait for them is no trouble, however long it takes."""
NO_WINDOW: Final = frozenset({"", "default"})
"""What an agent says that has no window of its own; any number of them may share it."""
MANY_RESTARTS: Final = 3
HAPPENED_FOR_MS: Final = 15 * 60_000
"""How long something that happens and has no end counts as being so."""
UNTIL_TAKEN_BACK_MS: Final = 366 * 86_400_000

_UNWELL: Final = frozenset({AgentHealth.WARNING, AgentHealth.CRITICAL})
_WAIT_OF: Final = {"global": "GLOBAL_LIMIT", "mode": "MODE_LIMIT", "key": "KEY_LIMIT"}
_AT_WORK: Final = frozenset({CoordinatorState.ONLINE, CoordinatorState.DRAINING})
_ENDS: Final = {
    "backup_made": AlertWhen.BACKUP_FAILED,
    "plan_applied": AlertWhen.PLAN_REFUSED,
    "plan_offered": AlertWhen.PLAN_REFUSED,
}


class Conditions(NamedTuple):
    """What is so, and of which kinds that could be said."""

    cases: tuple[Case, ...]
    judged: frozenset[AlertWhen]
    """Kinds of which *everything* that is so is in ``cases``."""
    ended: frozenset[AlertWhen]
    """Kinds of happenings that were taken back by another happening."""
    silenced: frozenset[str]
    """Agents in maintenance: nothing is said of them."""


def conditions_of(seen: Observation, now_ms: int) -> Conditions:
    """Say what is so as of *seen*."""
    cases: list[Case] = list(_happened(seen, now_ms))
    judged = {AlertWhen.BUS_TROUBLE}
    silenced: frozenset[str] = frozenset()
    if not seen.bus:
        cases.append(Case(AlertWhen.BUS_TROUBLE, "", "bus", "the broker does not answer"))
    else:
        judged |= {AlertWhen.COORDINATOR_GONE, AlertWhen.STORE_TROUBLE}
        cases += _coordinator(seen)
    if seen.bus and seen.coordinator in _AT_WORK:
        if seen.agents is not None:
            judged |= {
                AlertWhen.AGENT_OFFLINE,
                AlertWhen.AGENT_UNHEALTHY,
                AlertWhen.AGENT_CONFLICT,
            }
            silenced = frozenset(agent.name for agent in seen.agents if agent.in_maintenance)
            cases += _agents(seen)
        if seen.waiting is not None:
            judged |= {AlertWhen.TASK_WAITING, AlertWhen.TASK_IMPOSSIBLE}
            cases += _waiting(seen.waiting)
            if seen.limits is not None:
                judged.add(AlertWhen.LIMIT_SATURATED)
                cases += _limits(seen)
    return Conditions(tuple(cases), frozenset(judged), _ended(seen), silenced)


def _ended(seen: Observation) -> frozenset[AlertWhen]:
    """Say what was taken back; where a kind ends and begins again, the last one counts."""
    ended: set[AlertWhen] = set()
    for happening in seen.happenings:
        if happening.kind in _ENDS:
            ended.add(_ENDS[happening.kind])
        elif happening.kind == "operator" and happening.data.get("budget") == "reset":
            ended.add(AlertWhen.ERROR_BUDGET)
        else:
            ended -= {when for when in ended if when.value == happening.kind}
    return frozenset(ended)


def _coordinator(seen: Observation) -> Iterator[Case]:
    because = f": {seen.coordinator_reason}" if seen.coordinator_reason else ""
    if seen.coordinator in {None, CoordinatorState.OFFLINE}:
        text = f"no coordinator is at work{because}"
        yield Case(AlertWhen.COORDINATOR_GONE, "", "coordinator", text)
    elif seen.coordinator is CoordinatorState.SAFE:
        text = f"the coordinator assigns nothing{because or ': its store cannot be written'}"
        yield Case(AlertWhen.STORE_TROUBLE, "", "store", text)
    if not seen.store:
        yield Case(AlertWhen.STORE_TROUBLE, "reading", "reading", "the store cannot be read")


def _agents(seen: Observation) -> Iterator[Case]:
    windows: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for agent in seen.agents or ():
        if agent.in_maintenance:
            continue
        cause = f"machine {agent.machine}" if agent.machine else ""
        if agent.is_gone:
            yield Case(AlertWhen.AGENT_OFFLINE, cause, agent.name, f"{agent.name} is lost")
        elif agent.is_present and agent.health in _UNWELL:
            why = "; ".join(agent.reasons) or agent.health.value
            yield Case(AlertWhen.AGENT_UNHEALTHY, cause, agent.name, f"{agent.name}: {why}")
        if agent.is_present and agent.window not in NO_WINDOW:
            windows[agent.machine, agent.window].append(agent.name)
        if (times := seen.restarts.get(agent.name, 0)) >= MANY_RESTARTS:
            text = (
                f"{agent.name} started {times} times within minutes: "
                "it crashes, or two processes use its name"
            )
            yield Case(AlertWhen.AGENT_CONFLICT, f"agent {agent.name}", agent.name, text)
    for (machine, window), names in windows.items():
        if len(names) > 1:
            place = f"window {window} of {machine or 'no machine'}"
            text = f"{' and '.join(sorted(names))} use {place} at once"
            for name in sorted(names):
                yield Case(AlertWhen.AGENT_CONFLICT, place, name, text)


def _waiting(waiting: tuple[Waiting, ...]) -> Iterator[Case]:
    for reason in waiting:
        about = f"{reason.tasks} {'task waits' if reason.tasks == 1 else 'tasks wait'}"
        oldest = f", {reason.oldest} for longest" if reason.oldest else ""
        text = f"{about} for {reason.code}{oldest}"
        if reason.code in ALARMS:
            yield Case(AlertWhen.TASK_IMPOSSIBLE, reason.code, reason.code, text)
        elif reason.code not in AS_PLANNED and reason.oldest_since_ms is not None:
            # A queue that moves has had a head for ever, and none of its tasks waits for long.
            since_ms = max(reason.oldest_since_ms, reason.since_ms or 0)
            yield Case(AlertWhen.TASK_WAITING, reason.code, reason.code, text, since_ms)


def _limits(seen: Observation) -> Iterator[Case]:
    waits = {reason.code for reason in seen.waiting or () if reason.tasks}
    for key, room in (seen.limits or {}).items():
        code = _WAIT_OF.get(key.partition(":")[0])
        if room.used >= room.limit > 0 and code in waits:
            text = f"{key} is full ({room.used} of {room.limit}) while tasks wait for {code}"
            yield Case(AlertWhen.LIMIT_SATURATED, key, key, text)


def _happened(seen: Observation, now_ms: int) -> Iterator[Case]:
    for task in seen.failed:
        why = f" ({task.code})" if task.code else ""
        where = f" on {task.agent}" if task.agent else ""
        text = f"{task.task} failed{where}{why}"
        until_ms = now_ms + HAPPENED_FOR_MS
        cause = f"mode {task.mode}"
        yield Case(AlertWhen.TASK_FAILED, cause, task.task, text, until_ms=until_ms)
    for happening in seen.happenings:
        yield from _of(happening, now_ms)


def _of(happening: Happening, now_ms: int) -> Iterator[Case]:
    for_ever_ms = now_ms + UNTIL_TAKEN_BACK_MS
    match happening.kind:
        case "error_budget":
            until = happening.data.get("until_ms")
            until_ms = until if isinstance(until, int) else now_ms + HAPPENED_FOR_MS
            if until_ms > now_ms:
                text = f"nothing new begins: {happening.text}"
                yield Case(AlertWhen.ERROR_BUDGET, "", "errors", text, until_ms=until_ms)
        case "plan_refused":
            text = happening.text
            yield Case(AlertWhen.PLAN_REFUSED, "", "plan", text, until_ms=for_ever_ms)
        case "backup_failed":
            text = happening.text
            yield Case(AlertWhen.BACKUP_FAILED, "", "backup", text, until_ms=for_ever_ms)
        case "store_log_large":
            until_ms = now_ms + HAPPENED_FOR_MS
            yield Case(AlertWhen.STORE_TROUBLE, "log", "log", happening.text, until_ms=until_ms)
        case _:
            pass
