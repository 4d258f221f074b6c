"""Cooldowns: an agent that has failed at something leaves it alone for a while.

Failures of one type on one agent open a cooldown when ``max_failures`` of them lie within the
window. It lasts ``timeout`` from the last failure and doubles with every opening in a row. Then it
is half-open: exactly one probe may run; a success clears it, a failure opens it again. Task
cooldowns are the plain case: the least time between two runs. Cancellations and losses are not
failures.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coordinator.core.blocks import NEVER_MS
from coordinator.core.closures import close, reopen
from coordinator.core.effects import SaveAgent, SaveMark
from coordinator.core.gates import PermitGate, mode_key
from coordinator.core.gating import failing_key, permit_gate
from coordinator.core.policy import FailureCooldown, TaskCooldown
from coordinator.core.timers import Due

if TYPE_CHECKING:
    from coordinator.core.agents import Agent
    from coordinator.core.state import State
    from coordinator.core.tasks import Attempt, Task
    from coordinator.core.turn import Turn

ANY_TYPE = "*"


@dataclass(slots=True)
class Cooldown:
    """One rule about one type on one agent (or, with the type ``*``, about all it does)."""

    rule: str
    type_key: str
    code: str
    until_ms: int = 0
    text: str = ""
    failures: list[int] = field(default_factory=list)
    openings: int = 0
    probe: str | None = None
    """The task that tries whether it works again."""
    is_half_open: bool = False

    def is_closed(self, wall_ms: int) -> bool:
        """Say whether nothing of this type may start now."""
        return wall_ms < self.until_ms or (self.is_half_open and self.probe is not None)

    def fail(self, rule: FailureCooldown, task: str, now_ms: int) -> bool:
        """Note that *task* failed; say whether the cooldown opened, or lasts longer by it."""
        self.failures = [at for at in self.failures if at > now_ms - rule.window_ms]
        self.failures.append(now_ms)
        is_probe = self.probe == task
        if is_probe:
            self.probe = None
        # What began before it opened and fails meanwhile moves its end, but is no new opening.
        is_open = now_ms < self.until_ms
        if not (is_open or is_probe) and len(self.failures) < rule.max_failures:
            return False
        if not is_open:
            self.openings += 1
        wait_ms = min(rule.timeout_ms * 2 ** (self.openings - 1), rule.max_timeout_ms)
        self.until_ms, self.is_half_open = now_ms + wait_ms, True
        self.text = f"{len(self.failures)} failures; {rule.name} waits {wait_ms / 1000:g} s"
        return True


def type_keys(task: "Task") -> tuple[str, ...]:
    """Name the types that *task* is of: its mode, and its name if it is of a series."""
    terms = task.terms
    of_series = terms.cooldown_ms is not None or terms.max_failures is not None
    return (mode_key(task.mode), f"name:{task.name}") if of_series else (mode_key(task.mode),)


def held_back(agent: "Agent", keys: tuple[str, ...], wall_ms: int) -> Cooldown | None:
    """Return the cooldown that keeps *agent* from tasks of these types, if one does."""
    for cooldown in agent.cooldowns.values():
        if cooldown.type_key in keys and cooldown.is_closed(wall_ms):
            return cooldown
    return None


def _failure_rules(turn: "Turn", task: "Task") -> Iterator[tuple[FailureCooldown, str]]:
    for rule in turn.state.policy.failure_cooldowns:
        if rule.scope == "agent_type":
            yield rule, mode_key(task.mode)
        elif rule.scope == "agent":
            yield rule, ANY_TYPE
    terms = task.terms
    if terms.max_failures is not None and terms.failure_timeout_ms is not None:
        timeout_ms = terms.failure_timeout_ms
        yield (
            FailureCooldown(
                name=f"rule of {task.name}",
                max_failures=terms.max_failures,
                timeout_ms=timeout_ms,
                window_ms=terms.failure_window_ms or timeout_ms,
                max_timeout_ms=8 * timeout_ms,
            ),
            f"name:{task.name}",
        )


def began(turn: "Turn", agent: "Agent", task: "Task") -> None:
    """Note that *task* was given to *agent*: it is the probe of what is half-open."""
    keys = (*type_keys(task), ANY_TYPE)
    for cooldown in agent.cooldowns.values():
        if cooldown.is_half_open and cooldown.type_key in keys:
            cooldown.probe = task.id
            agent.judge_again_ms = 0
            turn.do(SaveAgent(agent.name))
    known = turn.state.type_cooldowns.get(failing_key(task.mode))
    if known is not None and known.is_half_open:
        known.probe = task.id
        turn.do(SaveMark("cooldown", failing_key(task.mode)))
    if task.terms.cooldown_key is not None and _key_rules(turn, task):
        close(turn, f"cooldown:{task.terms.cooldown_key}", NEVER_MS, f"{task.id} runs")


def failed(turn: "Turn", agent: "Agent", task: "Task") -> None:
    """Note that *task* failed on *agent*."""
    now_ms = turn.now.wall_ms
    for rule, key in _failure_rules(turn, task):
        cooldown = agent.cooldowns.get((rule.name, key))
        if cooldown is None:
            cooldown = Cooldown(rule.name, key, "FAILURE_COOLDOWN")
            agent.cooldowns[rule.name, key] = cooldown
        turn.do(SaveAgent(agent.name))
        if cooldown.fail(rule, task.id, now_ms):
            agent.judge_again_ms = 0
            turn.state.timers.at_wall(cooldown.until_ms, Due.AGENT, agent.name)
            _tell_opened(turn, agent.name, cooldown)
    for rule in turn.state.policy.failure_cooldowns:
        if rule.scope == "type":
            gate = permit_gate(turn.state, failing_key(task.mode))
            known = turn.state.type_cooldowns.setdefault(
                gate.key, Cooldown(rule.name, mode_key(task.mode), "FAILURE_COOLDOWN")
            )
            turn.do(SaveMark("cooldown", gate.key))
            if known.fail(rule, task.id, now_ms):
                gate.resize(0)
                turn.state.timers.at_wall(known.until_ms, Due.GATE, gate.key)
                _tell_opened(turn, task.mode, known)


def _tell_opened(turn: "Turn", subject: str, cooldown: Cooldown) -> None:
    text = f"{subject} leaves {cooldown.type_key} alone: {cooldown.text}"
    turn.tell("cooldown", subject, text, until_ms=cooldown.until_ms)


def succeeded(turn: "Turn", agent: "Agent", task: "Task") -> None:
    """Note that *task* succeeded on *agent*: what it probed works again."""
    for key, cooldown in list(agent.cooldowns.items()):
        if cooldown.probe == task.id:
            del agent.cooldowns[key]
            agent.judge_again_ms = 0
            turn.do(SaveAgent(agent.name))
    gate = turn.state.gates.get(failing_key(task.mode))
    known = turn.state.type_cooldowns.get(failing_key(task.mode))
    if known is not None and known.probe == task.id and isinstance(gate, PermitGate):
        del turn.state.type_cooldowns[gate.key]
        turn.do(SaveMark("cooldown", gate.key))
        if gate.resize(None):
            turn.state.wake_behind(gate)


def ended(turn: "Turn", agent: "Agent", task: "Task", attempt: "Attempt", *, decides: bool) -> None:
    """Note that an attempt at *task* on *agent* is over.

    *decides* says that it succeeded or failed, so :func:`succeeded` or :func:`failed` follows.
    """
    now_ms = turn.now.wall_ms
    for place, cooldown in list(agent.cooldowns.items()):
        if cooldown.probe == task.id and not decides:
            cooldown.probe = None  # it has shown nothing: another may probe
            agent.judge_again_ms = 0
            turn.do(SaveAgent(agent.name))
        if cooldown.code == "TASK_COOLDOWN" and cooldown.until_ms <= now_ms:
            del agent.cooldowns[place]
            turn.do(SaveAgent(agent.name))
    known = turn.state.type_cooldowns.get(failing_key(task.mode))
    if known is not None and known.probe == task.id and not decides:
        known.probe = None
        turn.do(SaveMark("cooldown", failing_key(task.mode)))
    began_ms = attempt.started_ms
    intervals: list[tuple[str, str, int]] = []
    for rule in turn.state.policy.task_cooldowns:
        if rule.cooldown_key is None and began_ms is not None:
            since_ms = began_ms if rule.from_start else now_ms
            intervals.append((rule.name, mode_key(task.mode), since_ms + rule.min_interval_ms))
    if task.terms.cooldown_ms is not None and began_ms is not None:
        until_ms = now_ms + task.terms.cooldown_ms
        intervals.append((f"cooldown of {task.name}", f"name:{task.name}", until_ms))
    for name, key, until_ms in intervals:
        if until_ms > now_ms:
            text = f"{name}: the least time between two runs"
            agent.cooldowns[name, key] = Cooldown(name, key, "TASK_COOLDOWN", until_ms, text)
            turn.do(SaveAgent(agent.name))
            turn.state.timers.at_wall(until_ms, Due.AGENT, agent.name)
    _end_of_key(turn, task, began_ms)


def _end_of_key(turn: "Turn", task: "Task", began_ms: int | None) -> None:
    rules = _key_rules(turn, task)
    if not rules:
        return
    until_ms = 0
    for rule in rules:
        since_ms = began_ms if rule.from_start else turn.now.wall_ms
        if began_ms is not None and since_ms is not None:
            until_ms = max(until_ms, since_ms + rule.min_interval_ms)
    key = f"cooldown:{task.terms.cooldown_key}"
    if until_ms > turn.now.wall_ms:
        close(turn, key, until_ms, f"{rules[0].name}: {task.id} ran")
    else:
        reopen(turn, key)


def _key_rules(turn: "Turn", task: "Task") -> list[TaskCooldown]:
    key = task.terms.cooldown_key
    if key is None:
        return []
    return [rule for rule in turn.state.policy.task_cooldowns if rule.cooldown_key == key]


def narrow(state: "State", wall_ms: int) -> None:
    """Narrow the gates of failing types again, which a new plan or a new start has made anew."""
    for key, cooldown in state.type_cooldowns.items():
        if cooldown.is_half_open:
            permit_gate(state, key).resize(0 if wall_ms < cooldown.until_ms else 1)


def half_open(turn: "Turn", gate: PermitGate) -> None:
    """Let exactly one task of a failing type through, when its cooldown is over."""
    known = turn.state.type_cooldowns.get(gate.key)
    if known is not None and known.until_ms <= turn.now.wall_ms and gate.resize(1):
        turn.state.wake_behind(gate)
