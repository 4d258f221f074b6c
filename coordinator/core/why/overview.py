"""What holds the fleet back? The reasons of all waiting tasks and of all agents, in numbers."""

from collections import Counter
from typing import Any

from coordinator.core.gates import PermitGate
from coordinator.core.instant import Instant
from coordinator.core.pools.views import pool_views
from coordinator.core.state import State
from coordinator.core.tasks import Phase
from coordinator.core.why.codes import ALARMS, RANK
from coordinator.core.why.gates import text_of
from coordinator.core.why.holders import holders_of
from coordinator.core.why.reasons import Memo, headline_of
from protocol.vocabulary import TaskStatus

Document = dict[str, Any]

_FREE = "FREE"


def why_summary(state: State, now: Instant) -> Document:
    """Explain the fleet: how many tasks wait for which reason, and how many agents do not work."""
    blocked = _blocked(state, now)
    return {
        "as_of_ms": now.wall_ms,
        "phase": state.phase.value,
        "pending": _count(state, TaskStatus.PENDING),
        "paused": _count(state, TaskStatus.PAUSED),
        "blocked": blocked,
        "alarms": [entry for entry in blocked if entry["code"] in ALARMS],
        "agents": _agents(state),
        "pools": {name: view.model_dump(mode="json") for name, view in pool_views(state).items()},
        "limits": [
            {
                "key": gate.key,
                "limit": gate.limit,
                "use": len(gate.holders),
                "text": text_of(state, gate),
                "holders": holders_of(state, gate.holders, now),
                "queued": sum(
                    shape.live for shape in state.shapes.values() if gate in shape.signature.gates
                ),
            }
            for gate in state.gates.values()
            if isinstance(gate, PermitGate) and not gate.is_open
        ],
    }


def _count(state: State, status: TaskStatus) -> int:
    return sum(count for (known, _, _), count in state.tally.items() if known is status)


def _blocked(state: State, now: Instant) -> list[Document]:
    memo: Memo = {}
    tasks: Counter[str] = Counter()
    oldest: dict[str, tuple[int, str]] = {}
    since: dict[str, int] = {}
    for shape in state.shapes.values():
        head = shape.head() if shape.live else None
        if head is None:
            continue
        code = headline_of(state, shape, now, memo)
        tasks[code] += shape.live
        oldest[code] = min(
            oldest.get(code, (head.enqueued_ms, head.id)), (head.enqueued_ms, head.id)
        )
        story = state.reasons.stories.get(shape.kind)
        if story is not None and story.entries and story.entries[-1][1] == code:
            since[code] = min(since.get(code, now.wall_ms), story.entries[-1][0])
    found: list[Document] = [
        {
            "code": code,
            "tasks": tasks[code],
            "oldest": {"task": oldest[code][1], "since_ms": oldest[code][0]},
            "since_ms": since.get(code),
        }
        for code in tasks
    ]
    found += _not_queued(state, sum(tasks.values()))
    return sorted(found, key=lambda entry: (-entry["tasks"], RANK.get(entry["code"], 99)))


def _not_queued(state: State, queued: int) -> list[Document]:
    """Count those that wait for other tasks, or for their time, and are in no queue."""
    dependent = {
        name
        for names in state.dependents.values()
        for name in names
        if (task := state.tasks.get(name)) is not None and task.phase is Phase.DEPENDENT
    }
    counts = {
        "DEPENDENCY": len(dependent),
        "NOT_BEFORE": _count(state, TaskStatus.PENDING) - queued - len(dependent),
        "PAUSED": _count(state, TaskStatus.PAUSED) - _paused_on_agents(state),
    }
    return [{"code": code, "tasks": count} for code, count in counts.items() if count > 0]


def _paused_on_agents(state: State) -> int:
    return sum(
        task.phase is Phase.PAUSED_RUNNING
        for gate in state.gates.values()
        if gate.key == "global" and isinstance(gate, PermitGate)
        for name in gate.holders
        if (task := state.tasks.get(name)) is not None
    )


def _agents(state: State) -> Document:
    counts: Counter[str] = Counter()
    known = 0
    for joined in state.classes.values():
        for obstacles, members in joined.obstacles.items():
            known += len(members)
            counts[obstacles.codes[0] if obstacles.codes else _FREE] += len(members)
    if known < len(state.agents):
        counts["AGENT_OFFLINE"] += len(state.agents) - known
    return {
        "total": len(state.agents),
        "free": counts.pop(_FREE, 0),
        "not_free": dict(sorted(counts.items())),
    }
