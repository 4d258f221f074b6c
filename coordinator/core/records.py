"""What must survive: tasks, agents and ledgers as plain records, and back.

A record is JSON-able. What can be derived (permits, shapes, classes, counts) and what belongs to
one term (leases' ends on a monotonic clock, who is suspect) is not in it.
"""

from dataclasses import asdict, fields
from functools import lru_cache
from itertools import compress
from operator import attrgetter, ne
from typing import Any, Final

from coordinator.core.agents import Agent, Ledger
from coordinator.core.civil.periods import Period
from coordinator.core.closures import Closure
from coordinator.core.cooldowns import Cooldown
from coordinator.core.history import history_from, history_record
from coordinator.core.hosts.model import Order
from coordinator.core.policy import Policy
from coordinator.core.pools.model import pool_from, pool_record
from coordinator.core.recurrence.progress import progress_from, progress_record
from coordinator.core.state import State
from coordinator.core.tasks import Attempt, Phase, Task
from coordinator.core.terms import Terms
from coordinator.core.usage import Usage
from coordinator.core.verbs import Hold, Verb, VerbKind
from protocol.messages import Info
from protocol.vocabulary import (
    AgentHealth,
    AgentMode,
    OnLeaseLost,
    PresenceState,
    Priority,
    TaskStatus,
    Want,
)

Record = dict[str, Any]

_PLAIN = (
    "id",
    "name",
    "mode",
    "created_ms",
    "enqueued_ms",
    "pin",
    "args",
    "metadata",
    "client",
    "parent",
    "trace",
    "not_before_ms",
    "scheduled_for_ms",
    "expires_ms",
    "fence",
    "fenced_to",
    "starts",
    "failures",
    "pct",
    "step",
    "result",
    "error_code",
    "error",
    "started_ms",
    "completed_ms",
    "ran_ms",
    "paused_at_ms",
)
"""Fields of a task that are JSON already; only those that are set are kept."""
_EMPTY: Record = {"args": {}, "metadata": {}, "fence": 0, "starts": 0, "failures": 0, "ran_ms": 0}
"""What a new task has in some of them. A result may be 0 or empty and still is one."""
_EMPTY_PLAIN: Final = tuple(_EMPTY.get(name) for name in _PLAIN)
_plain_of: Final = attrgetter(*_PLAIN)
_TERMS: Final = tuple(field.name for field in fields(Terms))
_TERMS_KEPT: Final = 4096


def task_record(task: Task) -> Record:
    """Write down *task*."""
    values = _plain_of(task)
    is_set = map(ne, values, _EMPTY_PLAIN)
    record: Record = dict(compress(zip(_PLAIN, values, strict=True), is_set))
    record["priority"], record["phase"] = task.priority.value, task.phase.value
    record["terms"] = terms_record(task.terms)
    if task.outcome is not None:
        record["outcome"] = task.outcome.value
    if task.want is not Want.RUN:
        record["want"] = task.want.value
    if task.depends_on:
        record["depends_on"] = list(task.depends_on)
    if task.charged:
        record["charged"] = sorted(task.charged)
    if task.excluded:
        record["excluded"] = sorted(task.excluded)
    if (attempt := task.attempt) is not None:
        record["attempt"] = {
            "fence": attempt.fence,
            "agent": attempt.agent,
            "boot": attempt.boot,
            "lease_ms": attempt.lease_ms,
            "margin_ms": attempt.margin_ms,
            "born": list(attempt.born),
            "offered_ms": attempt.offered_ms,
            "started_ms": attempt.started_ms,
        }
    return record


def task_from(record: Record) -> Task:
    """Read a task back; its lease, if it has one, begins to run when it is restored."""
    plain = {name: record[name] for name in _PLAIN if name in record}
    attempt = record.get("attempt")
    return Task(
        **plain,
        priority=Priority(record["priority"]),
        terms=terms_from(record["terms"]),
        phase=Phase(record["phase"]),
        outcome=TaskStatus(record["outcome"]) if "outcome" in record else None,
        want=Want(record.get("want", Want.RUN)),
        depends_on=tuple(record.get("depends_on", ())),
        charged=frozenset(record.get("charged", ())),
        excluded=frozenset(record.get("excluded", ())),
        attempt=None
        if attempt is None
        else Attempt(**{**attempt, "born": tuple(attempt["born"])}, expires_ms=0),
    )


@lru_cache(_TERMS_KEPT)
def terms_record(terms: Terms) -> Record:
    """Write down what differs from the default terms. Many tasks share it: nobody changes it."""
    record: Record = {}
    for name in _TERMS:
        value = getattr(terms, name)
        if value != getattr(_DEFAULT_TERMS, name):
            record[name] = sorted(value) if isinstance(value, frozenset) else value
    return record


_DEFAULT_TERMS = Terms()


def terms_from(record: Record) -> Terms:
    """Read terms back."""
    known = dict(record)
    if "capabilities" in known:
        known["capabilities"] = frozenset(known["capabilities"])
    if "windows" in known:
        known["windows"] = tuple(known["windows"])
    if "min_health" in known:
        known["min_health"] = AgentHealth(known["min_health"])
    if "on_lease_lost" in known:
        known["on_lease_lost"] = OnLeaseLost(known["on_lease_lost"])
    return Terms(**known)


def agent_record(agent: Agent) -> Record:
    """Write down *agent*."""
    return {
        "name": agent.name,
        "epoch": agent.epoch,
        "boot": agent.boot,
        "info": agent.info.model_dump(mode="json", exclude_none=True) if agent.info else None,
        "desired_mode": agent.desired_mode.value,
        "forgotten_epoch": agent.forgotten_epoch,
        "last_heartbeat_wall_ms": agent.last_heartbeat_wall_ms,
        "last_error": agent.last_error,
        "verb": verb_record(agent.verb),
        "resting_until_ms": agent.resting_until_ms,
        "cooldowns": [asdict(cooldown) for cooldown in agent.cooldowns.values()],
    }


def agent_from(record: Record, policy: Policy) -> Agent:
    """Read an agent back. It counts as offline until it is heard."""
    name = record["name"]
    own = policy.agent(name)
    agent = Agent(name, own, interval_ms=own.heartbeat_ms)
    agent.epoch, agent.boot = record["epoch"], record["boot"]
    if record["info"] is not None:
        agent.info = Info.model_validate(record["info"])
        agent.interval_ms = int(agent.info.heartbeat_s * 1000)
    agent.desired_mode = AgentMode(record["desired_mode"])
    agent.forgotten_epoch = record["forgotten_epoch"]
    agent.last_heartbeat_wall_ms = record["last_heartbeat_wall_ms"]
    agent.last_error = record["last_error"]
    agent.presence = PresenceState.OFFLINE
    agent.verb = verb_from(record["verb"])
    agent.resting_until_ms = record.get("resting_until_ms")  # older records have none
    for said in record["cooldowns"]:
        cooldown = Cooldown(**said)
        agent.cooldowns[cooldown.rule, cooldown.type_key] = cooldown
    return agent


def verb_record(verb: Verb | None) -> Record | None:
    """Write down what an operator did to an agent, and what was before."""
    if verb is None:
        return None
    return {**asdict(verb), "previous": verb_record(verb.previous)}


def verb_from(record: Record | None) -> Verb | None:
    """Read an operator's verb back."""
    if record is None:
        return None
    fields = {**record, "kind": VerbKind(record["kind"])}
    return Verb(**{**fields, "previous": verb_from(record["previous"])})


def usage_record(used: Usage) -> Record:
    """Write down what is counted in the current period."""
    return {"unit": used.unit, "period": list(used.period), "amount": used.amount}


def usage_from(key: str, record: Record) -> Usage:
    """Read back what is counted."""
    return Usage(key, record["unit"], Period(*record["period"]), record["amount"])


def remember_mark(state: State, kind: str, key: str, record: Record) -> None:
    """Put one of the small things that survive back into a fresh *state*."""
    match kind:
        case "usage":
            state.usage[key] = usage_from(key, record)
        case "closure":
            state.closures[key] = Closure(**record)
        case "hold":
            state.holds[key] = Hold(**record)
        case "cooldown":
            state.type_cooldowns[key] = Cooldown(**record)
        case "order":
            state.orders[key] = Order(**record)
        case "pool":
            state.pools[key] = pool_from(key, record)
        case "schedule":
            state.schedules.progress[key] = progress_from(record)
        case "history":
            history_from(state.history, key, record)
        case _:
            raise ValueError(f"a mark of unknown kind {kind!r}")


def mark_record(state: State, kind: str, key: str) -> Record | None:
    """Write down one of the small things that survive; ``None`` if it is no more."""
    match kind:
        case "usage":
            return usage_record(state.usage[key])
        case "closure":
            closure = state.closures.get(key)
            return None if closure is None else asdict(closure)
        case "hold":
            hold = state.holds.get(key)
            return None if hold is None else asdict(hold)
        case "cooldown":
            cooldown = state.type_cooldowns.get(key)
            return None if cooldown is None else asdict(cooldown)
        case "order":
            order = state.orders.get(key)
            return None if order is None else asdict(order)
        case "pool":
            pool = state.pools.get(key)
            return None if pool is None else pool_record(pool)
        case "schedule":
            progress = state.schedules.progress.get(key)
            return None if progress is None else progress_record(progress)
        case "history":
            return history_record(state.history, key)
        case _:
            raise ValueError(f"a mark of unknown kind {kind!r}")


def ledger_record(ledger: Ledger) -> Record:
    """Write down which reports of a boot are stored."""
    return {"ack": ledger.ack, "beyond": sorted(ledger.beyond)}


def ledger_from(record: Record) -> Ledger:
    """Read a ledger back."""
    return Ledger(record["ack"], set(record["beyond"]))
