"""Checks of windows and hours: what never opens, what never closes, what contradicts itself."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from coordinator.core.civil import DAY_MIN, Window, always_open, hours_windows, skipped_by_dst
from coordinator.plan.compile import agent_blocks, all_windows, cooldown_windows
from coordinator.plan.hours import CooldownPeriod, ScheduleWindow
from coordinator.plan.problems import Problem, warning
from coordinator.plan.rules import IdleBlock
from coordinator.plan.schema import AgentPlan, FleetPlan

# Zones change their clocks in a yearly pattern, so any two years show what a plan has to expect;
# fixed ones keep the answer from depending on the day on which it is asked.
_FROM_MS: Final = 1_767_225_600_000
_UNTIL_MS: Final = _FROM_MS + 2 * 366 * 86_400_000
_LONGEST_GAP_MIN: Final = 180


def check_hours(plan: FleetPlan) -> Iterator[Problem]:
    """Yield what is wrong with the windows, blocks and hours of *plan*."""
    for path, window in _ranges(plan):
        yield from _range(path, window)
    for path, resolved in all_windows(plan):
        yield from _skipped(path, resolved)
    for index, agent in enumerate(plan.agents):
        yield from _preferences(f"agents[{index}]", plan, agent)


def _ranges(plan: FleetPlan) -> Iterator[tuple[str, ScheduleWindow | IdleBlock | CooldownPeriod]]:
    for name, window in plan.schedule_windows.items():
        yield f"schedule_windows.{name}", window
    for name, rule in plan.anti_pattern_rules.items():
        if isinstance(rule, IdleBlock):
            yield f"anti_pattern_rules.{name}", rule
    for index, agent in enumerate(plan.agents):
        for at, period in enumerate(agent.schedule_preferences.cooldown_periods):
            yield f"agents[{index}].schedule_preferences.cooldown_periods[{at}]", period


def _range(path: str, window: ScheduleWindow | IdleBlock | CooldownPeriod) -> Iterator[Problem]:
    match window:
        case ScheduleWindow():
            key, start, end = "end_time", window.start_time, window.end_time
            hint = "use all_day: true for whole days"
        case IdleBlock():
            key, start, end = "idle_end", window.idle_start, window.idle_end
            hint = "00:00 to 24:00 is the whole day"
        case CooldownPeriod():
            key, start, end = "end", window.start, window.end
            hint = "00:00 to 24:00 is the whole day"
    if start is not None and start == end:
        yield Problem(f"{path}.{key}", end, "ends when it starts, so it is never open", hint)
    days = window.days_of_week
    at = f"{path}.days_of_week"
    if not days:
        yield Problem(at, [], "names no day, so it is never open", "leave it out for every day")
    elif len(set(days)) < len(days):
        yield warning(at, list(days), "names a day twice", f"use {sorted(set(days))}")


def _skipped(path: str, window: Window) -> Iterator[Problem]:
    first, last = window.span
    if last - first > _LONGEST_GAP_MIN:
        return
    # A fleet has thousands of breaks and few different ones.
    day = _first_skipped(Window("", window.zone, window.start_min, window.end_min, window.days))
    if day is not None:
        yield warning(
            path,
            f"{first // 60:02}:{first % 60:02}",
            f"does not open on days when the clock of {window.zone} skips it, such as {day}",
            "move it, or make it longer",
        )


@lru_cache(maxsize=4096)
def _first_skipped(window: Window) -> date | None:
    return next(iter(skipped_by_dst(window, _FROM_MS, _UNTIL_MS)), None)


def _preferences(path: str, plan: FleetPlan, agent: AgentPlan) -> Iterator[Problem]:
    likes = agent.schedule_preferences
    at = f"{path}.schedule_preferences"
    both = sorted(set(likes.preferred_hours) & set(likes.avoid_hours))
    if both:
        message = f"{_hours(both)} also in avoid_hours, which wins"
        hint = "take them out of one of the two"
        yield warning(f"{at}.preferred_hours", list(likes.preferred_hours), message, hint)
    for key in ("preferred_hours", "avoid_hours"):
        hours: Sequence[int] = getattr(likes, key)
        if len(set(hours)) < len(hours):
            hint = f"use {sorted(set(hours))}"
            yield warning(f"{at}.{key}", list(hours), "names an hour twice", hint)
    if likes.avoid_is_soft:
        avoided: tuple[Window, ...] = ()
    else:
        zone = agent.timezone or plan.timezone
        avoided = hours_windows(frozenset(likes.avoid_hours), zone)
    breaks = (*cooldown_windows(plan, agent), *agent_blocks(plan, agent.name))
    # A range that ends when it starts is told as such, and is no round-the-clock block.
    blocks = (*avoided, *(span for span in breaks if span.start_min != span.end_min))
    if always_open(blocks):
        message = "avoided hours, breaks and idle blocks leave this agent no time to work"
        hint = "free some hours, or give the idle block applies_to"
        place, value = (f"{at}.avoid_hours", list(likes.avoid_hours)) if avoided else (at, None)
        yield Problem(place, value, message, hint)
    elif likes.max_daily_runtime is not None and likes.max_daily_runtime > _free_hours(blocks):
        yield warning(
            f"{at}.max_daily_runtime",
            likes.max_daily_runtime,
            "can never be reached",
            f"no day has more than {_free_hours(blocks):g} free hours",
        )


def _free_hours(blocks: Sequence[Window]) -> float:
    """Return the most hours that blocks of every day leave; a bound, whatever their zones."""
    if len({block.zone for block in blocks}) > 1:
        return 24.0
    taken: set[int] = set()
    for block in blocks:
        if len(block.days) == 7:  # noqa: PLR2004  # a block of every day
            first, last = block.span
            taken |= {minute % DAY_MIN for minute in range(first, last)}
    return (DAY_MIN - len(taken)) / 60


def _hours(hours: Sequence[int]) -> str:
    return f"hour {hours[0]} is" if len(hours) == 1 else f"hours {', '.join(map(str, hours))} are"
