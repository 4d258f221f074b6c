"""How many agents a pool needs: a pure function of its rules, its load and what was seen before.

More at once, when the tasks that wait would wait longer than the target with the agents that there
are. Fewer only to the most that was needed at any time within the calm period, so that a load that
comes in waves keeps its agents between two of them. That is the whole hysteresis.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolPolicy:
    """The rules of one pool."""

    name: str
    least: int
    most: int
    target_wait_ms: int
    machines: tuple[str, ...]
    members: tuple[str, ...]
    """The names that its agents bear, in the order in which they are started."""
    slots: int = 1
    decide_every_ms: int = 5_000
    grow_after_ms: int = 5_000
    """The least time between two decisions to grow: what was started must show its effect first."""
    calm_ms: int = 300_000


@dataclass(frozen=True, slots=True)
class Load:
    """What a pool has to do now."""

    size: int
    """How many agents were asked for."""
    ready: int
    """How many of these are there and well."""
    held: int
    """How many tasks they hold."""
    waiting: int
    """How many more could start if there were a free agent of the pool."""
    oldest_wait_ms: int
    run_ms: float | None
    """How long such a task takes, where that is known."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier decisions leave behind."""

    since_ms: int | None = None
    """When the load was looked at first."""
    grown_ms: int | None = None
    needs: tuple[tuple[int, int], ...] = ()
    """When how many were needed, within the calm period; the most of later ones only."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How many agents there should be, and why."""

    size: int
    text: str


def needed(policy: PoolPolicy, load: Load) -> int:
    """Return how many agents would end every wait within the target, within the pool's bounds."""
    per_slot = 1.0 if not load.run_ms else max(1.0, policy.target_wait_ms / load.run_ms)
    slots = load.held + load.waiting / per_slot
    return min(policy.most, max(policy.least, math.ceil(slots / policy.slots)))


def expected_wait_ms(policy: PoolPolicy, load: Load) -> float:
    """Return how long the last of those that wait would wait with the agents asked for."""
    slots = load.size * policy.slots
    if load.waiting == 0 or load.held + load.waiting <= slots:
        return 0.0
    if not load.run_ms or slots == 0:
        return math.inf
    return load.waiting * load.run_ms / slots


def decide(policy: PoolPolicy, load: Load, memory: Memory, now_ms: int) -> tuple[Decision, Memory]:
    """Say how many agents there should be at *now_ms*, on a clock that never goes back."""
    need = needed(policy, load)
    wait_ms = expected_wait_ms(policy, load)
    is_late = load.oldest_wait_ms > policy.target_wait_ms and load.ready >= load.size
    memory = _remember(policy, memory, need, now_ms)
    if load.size < policy.least:
        return _grow(policy, load, memory, policy.least, now_ms, "the least is more")
    if wait_ms > policy.target_wait_ms or (load.waiting > 0 and is_late):
        size = min(policy.most, max(need, load.size + 1))
        why = _of_wait(policy, load, wait_ms)
        if load.size >= policy.most:
            return Decision(load.size, f"{why}; {policy.most} is the most"), memory
        if memory.grown_ms is not None and now_ms - memory.grown_ms < policy.grow_after_ms:
            return Decision(load.size, f"{why}; what was started last is still to come"), memory
        return _grow(policy, load, memory, size, now_ms, why)
    return _perhaps_fewer(policy, load, memory, now_ms), memory


def _perhaps_fewer(policy: PoolPolicy, load: Load, memory: Memory, now_ms: int) -> Decision:
    lately = min(policy.most, max(need for _, need in memory.needs))
    if load.size > policy.most:
        return Decision(policy.most, f"{load.size} agents, and {policy.most} is the most now")
    if lately >= load.size:
        agents = "1 agent is" if load.size == 1 else f"{load.size} agents are"
        return Decision(load.size, f"{agents} enough and not too many")
    watched_ms = now_ms - (now_ms if memory.since_ms is None else memory.since_ms)
    calm_s = policy.calm_ms / 1000
    if watched_ms < policy.calm_ms:
        return Decision(load.size, f"{lately} would do; fewer after {calm_s:g} s of calm")
    why = f"{lately} were the most that were needed within {calm_s:g} s"
    return Decision(lately, f"{load.size} → {lately} agents: {why}")


def _grow(
    policy: PoolPolicy, load: Load, memory: Memory, size: int, now_ms: int, why: str
) -> tuple[Decision, Memory]:
    size = min(policy.most, size)
    grown = Memory(memory.since_ms, now_ms, memory.needs)
    return Decision(size, f"{load.size} → {size} agents: {why}"), grown


def _of_wait(policy: PoolPolicy, load: Load, wait_ms: float) -> str:
    tasks = "1 task waits" if load.waiting == 1 else f"{load.waiting} tasks wait"
    target_s = policy.target_wait_ms / 1000
    if load.size == 0:
        return f"{tasks} and there is no agent; the target is {target_s:g} s"
    if math.isinf(wait_ms):
        return f"{tasks}, nobody knows yet for how long; the target is {target_s:g} s"
    longest_s = max(wait_ms, load.oldest_wait_ms) / 1000
    return f"{tasks}, up to {longest_s:.0f} s with {load.size}; the target is {target_s:g} s"


def _remember(policy: PoolPolicy, memory: Memory, need: int, now_ms: int) -> Memory:
    """Keep *need*, and of those before only what was more: the rest never decides anything."""
    kept = [
        (at_ms, before)
        for at_ms, before in memory.needs
        if before > need and now_ms - at_ms < policy.calm_ms
    ]
    since_ms = now_ms if memory.since_ms is None else memory.since_ms
    return Memory(since_ms, memory.grown_ms, (*kept, (now_ms, need)))
