"""The audit: recompute everything that is derived from tasks and agents, and report differences.

It changes nothing and never clamps: a difference is a bug, and the number of differences is a
metric that must be zero. Its cost is that of looking at everything once, so it is for tests and
for once a minute, not for decisions.
"""

from collections import Counter
from collections.abc import Iterator

from coordinator.core.agents import Agent
from coordinator.core.dispatch import may_take
from coordinator.core.gates import GLOBAL, CountedGate, PermitGate, mode_key
from coordinator.core.instant import Instant
from coordinator.core.openings import WindowGate
from coordinator.core.queue.board import Board
from coordinator.core.queue.shapes import Shape
from coordinator.core.recovery import UNKNOWN_HOLDER
from coordinator.core.standing import can_start, class_key
from coordinator.core.state import State
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn
from protocol.vocabulary import Want

HELD_PHASES = frozenset(
    {
        Phase.OFFERED,
        Phase.RUNNING,
        Phase.CANCELLING,
        Phase.UNKNOWN,
        Phase.PAUSING,
        Phase.PAUSED_RUNNING,
    }
)
"""The phases of a task that is lent to somebody; in no other has it an attempt or a permit."""


def audit(state: State, now: Instant) -> list[str]:
    """List every difference between what is derived and what it is derived from."""
    return [
        *(line for task in state.tasks.values() for line in _of_task(state, task)),
        *(line for agent in state.agents.values() for line in _of_agent(state, agent, now)),
        *_of_names(state),
        *_of_gates(state, now),
        *_of_signatures(state),
        *_of_shapes(state),
        *_of_classes(state),
        *_of_counts(state),
        *_of_loads(state),
    ]


def over_limits(state: State) -> list[str]:
    """List limits and slots that are exceeded: a difference, unless they were lowered before.

    A cooldown of a type begins under those of the type that run, and is no limit of theirs.
    """
    return [
        f"permit {gate.key}: {len(gate.holders)} holders, should be at most {gate.limit}"
        for gate in state.gates.values()
        if isinstance(gate, PermitGate)
        and gate.limit is not None
        and len(gate.holders) > gate.limit
        and gate.key not in state.type_cooldowns
    ] + [
        f"agent {agent.name}: holds {len(agent.held)}, should be at most {agent.slots}"
        for agent in state.agents.values()
        if len(agent.held) > agent.slots
    ]


def idle_beside_runnable(state: State, now: Instant) -> list[str]:
    """List waiting tasks that a free agent could start now: at quiescence there is none."""
    if not state.is_offering:
        return []
    turn = Turn(state, now)
    return [
        f"agent {agent.name} is idle beside {shape}, which it could take"
        for shape in state.shapes.values()
        if shape.live and shape.signature.is_open
        for board in shape.boards
        for agent in board.free.values()
        if may_take(turn, agent, shape)
    ]


def _of_task(state: State, task: Task) -> Iterator[str]:
    where = f"task {task.id}"
    if task.is_over is not (task.phase is Phase.ENDED):
        yield f"{where}: phase {task.phase.value} with outcome {task.outcome}"
    if (task.phase is Phase.READY) is not (task.shape is not None):
        yield f"{where}: {task.phase.value} and {'' if task.shape else 'not '}in a queue"
    attempt = task.attempt
    if (attempt is not None) is not (task.phase in HELD_PHASES):
        yield f"{where}: {task.phase.value} with attempt {attempt}"
    if attempt is None:
        if task.permits:
            yield f"{where}: holds {[gate.key for gate in task.permits]} without an attempt"
        if task.want is not Want.RUN and not task.is_over and task.phase is not Phase.ENDED:
            yield f"{where}: {task.want.value} is wanted of nobody"
        return
    if (attempt.fence, attempt.agent) != (task.fence, task.fenced_to):
        yield (
            f"{where}: fence {attempt.fence} of {attempt.agent} is held, "
            f"should be the newest, {task.fence} of {task.fenced_to}"
        )
    agent = state.agents.get(attempt.agent)
    if agent is None or agent.held.get(task.id) is not task:
        yield f"{where}: lent to {attempt.agent}, who does not hold it"
    taken = {gate.key for gate in task.permits}
    missing = _permit_keys(task) - taken
    if missing or len(taken) != len(task.permits):
        yield f"{where}: holds {sorted(taken)}, should also hold {sorted(missing)}"


def _permit_keys(task: Task) -> set[str]:
    keys = {GLOBAL, mode_key(task.mode)}
    if task.terms.concurrency_key is not None:
        keys.add(f"key:{task.terms.concurrency_key}")
    return keys


def _of_agent(state: State, agent: Agent, now: Instant) -> Iterator[str]:
    where = f"agent {agent.name}"
    for task_id, task in agent.held.items():
        if state.tasks.get(task_id) is not task:
            yield f"{where}: holds {task_id}, which is no task"
        elif task.attempt is None or task.attempt.agent != agent.name:
            yield f"{where}: holds {task_id}, which is not lent to it"
    yield from _of_desired(agent)
    if agent.agent_class is None:
        if agent.is_free:
            yield f"{where}: free without a class"
        return
    if agent.agent_class.key != class_key(agent):
        yield f"{where}: in the class of {agent.agent_class.key}, should be {class_key(agent)}"
    if state.classes.get(agent.agent_class.key) is not agent.agent_class:
        yield f"{where}: in a class that was given up"
    if agent.name not in agent.agent_class.members:
        yield f"{where}: no member of its class"
    # How long it has been deaf is judged at its heartbeats only; the rest is judged at once.
    able = can_start(Turn(state, now), agent)
    if agent.is_free is not able and agent.behind_since_ms is None:
        yield f"{where}: {'' if agent.is_free else 'not '}free, should be the opposite"
    if agent.free not in ({}, {agent.name: agent}):
        yield f"{where}: {sorted(agent.free)} are free as itself"


def _of_desired(agent: Agent) -> Iterator[str]:
    desired = agent.desired
    if desired is None or desired.boot != agent.boot:
        return
    told = {(said.task, said.fence, said.want) for said in desired.tasks}
    held = {
        (task.id, task.fence, task.want)
        for task in agent.held.values()
        if task.attempt is not None and task.attempt.boot == agent.boot
    }
    if told != held:
        yield f"agent {agent.name}: told to hold {sorted(told)}, should be {sorted(held)}"
    if desired.mode is not agent.desired_mode:
        yield f"agent {agent.name}: told {desired.mode.value}, should be {agent.desired_mode.value}"


def _of_names(state: State) -> Iterator[str]:
    for kind, names in (
        ("task", [(key, task.id) for key, task in state.tasks.items()]),
        ("agent", [(key, agent.name) for key, agent in state.agents.items()]),
        ("gate", [(key, gate.key) for key, gate in state.gates.items()]),
    ):
        yield from (f"{kind} {key}: calls itself {name}" for key, name in names if key != name)


def _of_gates(state: State, now: Instant) -> Iterator[str]:
    holders: dict[str, set[str]] = {}
    for task in state.tasks.values():
        for place in task.permits:
            holders.setdefault(place.key, set()).add(task.id)
    is_due = state.timers.next_in_ms(now) == 0  # then windows are looked at in a moment
    for gate in state.gates.values():
        if isinstance(gate, CountedGate):
            expected = holders.get(gate.key, set())
            # Only a cap gives a place up before the attempt ends: it has charged it instead.
            if not set(gate.holders) <= expected or (
                isinstance(gate, PermitGate) and set(gate.holders) != expected
            ):
                yield f"{gate!r}: held by {sorted(gate.holders)}, should be {sorted(expected)}"
            if gate.is_open is not gate.has_room() and gate.key not in state.closures:
                yield f"{gate!r}: {gate.used} of {gate.limit} places are taken"
        elif (
            isinstance(gate, WindowGate)
            and gate.is_open is not gate.is_open_at(now.wall_ms)
            and not is_due
        ):
            yield f"{gate!r}: should be the opposite at {now.wall_ms}"
        if gate.is_open and gate.key in state.closures:
            yield f"{gate!r}: should be closed: {state.closures[gate.key]}"


def _of_signatures(state: State) -> Iterator[str]:
    for signature in state.signatures.values():
        closed = sum(not gate.is_open for gate in signature.gates)
        if signature.closed != closed:
            yield f"{signature!r}: should count {closed} closed gates"
        for gate in signature.gates:
            if gate.signatures.count(signature) != 1 or state.gates.get(gate.key) is not gate:
                yield f"{signature!r}: not connected to gate {gate.key}"


def _of_shapes(state: State) -> Iterator[str]:
    waiting: dict[int, list[Task]] = {}
    for task in state.tasks.values():
        if task.shape is not None:
            waiting.setdefault(task.shape.number, []).append(task)
            if state.shapes.get(task.shape.kind) is not task.shape:
                yield f"task {task.id}: waits in {task.shape!r}, which was given up"
            if not _fits(state, task, task.shape):
                yield f"task {task.id}: waits in {task.shape!r}, whose kind it is not of"
    for shape in state.shapes.values():
        expected = sorted(
            waiting.get(shape.number, []), key=lambda task: (task.enqueued_ms, task.id)
        )
        if shape.live != len(expected) or shape.waiting() != expected:
            yield f"{shape!r}: should have {[task.id for task in expected]} waiting"
        boards = _boards_for(state, shape)
        if set(shape.boards) != boards:
            yield f"{shape!r}: up on {len(shape.boards)} boards, should be on {len(boards)}"
        for board in boards:
            if expected and not board.shows(shape):
                yield f"{shape!r}: not to be seen on a board that it should be on"


def _fits(state: State, task: Task, shape: Shape) -> bool:
    kind = shape.kind
    return (
        (kind.mode, kind.priority, kind.pin, kind.excluded)
        == (task.mode, task.priority, task.pin, task.excluded)
        and kind.capabilities == task.terms.capabilities | {task.mode}
        and kind.min_health == (task.terms.min_health or state.policy.min_health)
        and _permit_keys(task) <= {gate.key for gate in shape.signature.gates}
    )


def _boards_for(state: State, shape: Shape) -> set[Board]:
    if shape.kind.pin is not None:
        return {state.agents[shape.kind.pin].own_board}
    return {joined.board for joined in state.classes.values() if joined.key.takes(shape)}


def _of_classes(state: State) -> Iterator[str]:
    for key, joined in state.classes.items():
        members = {agent.name for agent in state.agents.values() if agent.agent_class is joined}
        free = {name for name in members if state.agents[name].is_free}
        if joined.key != key or set(joined.members) != members or not members:
            yield f"class {key}: {sorted(joined.members)} are members, should be {sorted(members)}"
        if set(joined.free) != free:
            yield f"class {key}: {sorted(joined.free)} are free, should be {sorted(free)}"
    woken = len(state.awake) + len(state.lines) + len(state.ready)
    if state.is_offering and woken:
        yield f"{woken} boards, lines or shapes were woken and not looked at"


def _of_loads(state: State) -> Iterator[str]:
    counted: Counter[str] = Counter()
    for agent in state.agents.values():
        counted[agent.weighs[0]] += agent.weighs[1]
        if agent.agent_class is not None and agent.weighs != (agent.machine, len(agent.held)):
            held = (agent.machine, len(agent.held))
            yield f"agent {agent.name}: counted as {agent.weighs}, should be {held}"
    for machine in counted.keys() | state.loads.keys():
        if counted[machine] != state.loads[machine]:
            yield f"machine {machine}: {state.loads[machine]} tasks, should be {counted[machine]}"


def _of_counts(state: State) -> Iterator[str]:
    counted = Counter((task.status, task.priority, task.mode) for task in state.tasks.values())
    for key in state.tally.keys() | counted.keys():
        status, priority, mode = key
        known, here = state.tally[key], counted[key]
        # Ended tasks stay counted when they are not kept in memory any more.
        if known < here or (known != here and not status.is_terminal):
            yield f"tally of {status.value} {priority.value} {mode}: {known}, should be {here}"
    over = {task.id for task in state.tasks.values() if task.is_over}
    if set(state.ended) != over:
        yield f"ended: {sorted(set(state.ended) ^ over)} differ"
    if not state.shown_ended.keys() <= state.ended.keys():
        yield f"shown as ended: {sorted(state.shown_ended.keys() - state.ended.keys())} are not"
    holding = {task.attempt.boot for task in state.tasks.values() if task.attempt is not None}
    if strangers := state.unheard.keys() - holding - {UNKNOWN_HOLDER}:
        yield f"unheard: {sorted(strangers)} hold nothing"
