"""What keeps one agent from starting anything now, and until when.

Each rule about a single agent is one line of :func:`judge`. Blocks are judged again when one of
them may change, by a timer of the agent; nothing is polled.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from coordinator.core.caps import cap_key
from coordinator.core.charging import caps_of_agent, reserved
from coordinator.core.civil import Window
from coordinator.core.civil.hours import hours_windows
from coordinator.core.civil.unions import any_open, next_change_of
from coordinator.core.gating import usage_of
from coordinator.core.usage import DAY

if TYPE_CHECKING:
    from coordinator.core.agents import Agent
    from coordinator.core.state import State

NEVER_MS = 2**62


class Block(NamedTuple):
    """A reason why an agent starts nothing, and when that may change (wall clock)."""

    code: str
    until_ms: int
    text: str


def judge(state: "State", agent: "Agent", wall_ms: int) -> tuple[tuple[Block, ...], int]:
    """Return what blocks *agent* now, and when to judge it again."""
    blocks: list[Block] = []
    again_ms = NEVER_MS
    for block, change_ms in _rules(state, agent, wall_ms):
        if block is not None:
            blocks.append(block)
        if change_ms is not None:
            again_ms = min(again_ms, change_ms)
    return tuple(blocks), again_ms


def _rules(
    state: "State", agent: "Agent", wall_ms: int
) -> Iterator[tuple[Block | None, int | None]]:
    policy = agent.policy
    if agent.verb is not None:
        yield agent.verb.block(), agent.verb.until_ms
    if policy.avoid_hours and not policy.avoid_is_soft:
        hours = hours_windows(policy.avoid_hours, policy.zone)
        yield _in_range("AVOID_HOURS", hours, wall_ms, "these are hours that it avoids")
    if policy.cooldown_periods:
        open_now = [w for w in policy.cooldown_periods if any_open((w,), wall_ms)]
        reason = open_now[0].reason or open_now[0].name if open_now else ""
        yield _in_range("IDLE_BLOCK", policy.cooldown_periods, wall_ms, reason)
    if policy.max_daily_runtime_ms is not None:
        yield _runtime(state, agent, policy.max_daily_runtime_ms, wall_ms)
    for cap in caps_of_agent(state, agent):
        used = usage_of(state, cap_key(cap), cap.period, wall_ms)
        if used.amount + reserved(agent, cap) >= cap.limit:
            text = f"{used.amount} of {cap.limit} starts of this {cap.period} are used"
            yield Block("CAP_REACHED", used.period.end_ms, text), used.period.end_ms
    for cooldown in agent.cooldowns.values():
        if cooldown.type_key == "*" and cooldown.is_closed(wall_ms):
            if wall_ms < cooldown.until_ms:
                until_ms = cooldown.until_ms
                yield Block("FAILURE_COOLDOWN", until_ms, cooldown.text), until_ms
            else:  # no clock ends it, but the probe does
                text = f"{cooldown.probe} tries whether it works again"
                yield Block("FAILURE_COOLDOWN", NEVER_MS, text), None
    if agent.resting_until_ms is not None and agent.resting_until_ms > wall_ms:
        until_ms = agent.resting_until_ms
        yield Block("IDLE_BLOCK", until_ms, "it rests after long work"), until_ms


def _in_range(
    code: str, windows: tuple[Window, ...], wall_ms: int, text: str
) -> tuple[Block | None, int | None]:
    change_ms = next_change_of(windows, wall_ms)
    if not any_open(windows, wall_ms):
        return None, change_ms
    return Block(code, change_ms if change_ms is not None else NEVER_MS, text), change_ms


def _runtime(
    state: "State", agent: "Agent", cap_ms: int, wall_ms: int
) -> tuple[Block | None, int | None]:
    used = usage_of(state, runtime_key(agent), DAY, wall_ms)
    running_ms = sum(
        used.period.overlap_ms(task.attempt.started_ms, wall_ms)
        for task in agent.held.values()
        if task.attempt is not None and task.attempt.started_ms is not None
    )
    total_ms = used.amount + running_ms
    if total_ms < cap_ms:
        if not 0 < len(agent.held) < agent.slots:
            return None, None  # judged again when something that it runs ends
        return None, wall_ms + max(1, (cap_ms - total_ms) // len(agent.held))
    text = f"it has run {total_ms / 3_600_000:.1f} of {cap_ms / 3_600_000:g} h today"
    return Block("RUNTIME_CAP", used.period.end_ms, text), used.period.end_ms


def runtime_key(agent: "Agent") -> str:
    """Name what counts the running time of *agent*."""
    return f"runtime:{agent.name}"
