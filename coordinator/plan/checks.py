"""What the parts of a plan must be to each other, beyond what each must be by itself.

Every check takes a plan that was read and yields problems; none stops at the first. What can
never work is an error; what works but is surely not meant is a warning. Here: names, and what they
refer to; numbers and hours have modules of their own.
"""

from collections.abc import Iterator

from coordinator.plan.check_alerts import check_alerts
from coordinator.plan.check_hours import check_hours
from coordinator.plan.check_limits import check_limits
from coordinator.plan.check_pools import check_pools
from coordinator.plan.pools import PoolAgent, member_names
from coordinator.plan.problems import Problem, Severity, did_you_mean, warning
from coordinator.plan.rules import IdleBlock
from coordinator.plan.schema import MODE_LIMIT, AgentPlan, FleetPlan


def check(plan: FleetPlan, *, fleet_is_known: bool = True) -> list[Problem]:
    """Return every problem between the parts of *plan*, in no particular order.

    ``fleet_is_known`` is false when the agents could be read only in part: then nobody can say
    what no agent can do.
    """
    return [
        *_names(plan),
        *_references(plan),
        *(_reachable(plan) if fleet_is_known else ()),
        *check_alerts(plan),
        *check_limits(plan),
        *check_hours(plan),
        *check_pools(plan),
    ]


def _names(plan: FleetPlan) -> Iterator[Problem]:
    names: dict[str, int] = {}
    places: dict[tuple[str, str], int] = {}
    for index, agent in enumerate(plan.agents):
        first = names.setdefault(agent.name, index)
        if first != index:
            yield Problem(
                f"agents[{index}].name",
                agent.name,
                f"agents[{first}] has this name too",
                "every agent needs its own name",
            )
        if not agent.window_id:
            continue
        holder = places.setdefault((agent.machine_id, agent.window_id), index)
        if holder != index and first == index:
            other = plan.agents[holder].name
            yield Problem(
                f"agents[{index}].window_id",
                agent.window_id,
                f"{other!r} uses this window of machine {agent.machine_id!r} too",
                "two agents cannot steer one window",
            )
    schedules: dict[str, int] = {}
    for index, schedule in enumerate(plan.schedules):
        first = schedules.setdefault(schedule.name, index)
        if first != index:
            yield Problem(
                f"schedules[{index}].name", schedule.name, f"schedules[{first}] has this name too"
            )


def _references(plan: FleetPlan) -> Iterator[Problem]:
    """Find names of things that are not in the plan."""
    agents = {agent.name for agent in plan.agents}
    agents |= {name for pool, its in plan.pools.items() for name in member_names(pool, its.max)}
    for path, name, severity in _agents_mentioned(plan):
        if name not in agents:
            hint = did_you_mean(name, agents)
            yield Problem(path, name, "no agent of the plan has this name", hint, severity)
    for index, schedule in enumerate(plan.schedules):
        window = schedule.time_window
        if window is not None and window not in plan.schedule_windows:
            hint = did_you_mean(window, plan.schedule_windows)
            path = f"schedules[{index}].time_window"
            yield Problem(path, window, "no window of the plan has this name", hint)
    for rule, alert in plan.monitoring.alerts.items():
        for index, channel in enumerate(alert.notify):
            if channel not in plan.notifications.channels:
                hint = did_you_mean(channel, plan.notifications.channels)
                path = f"monitoring.alerts.{rule}.notify[{index}]"
                yield Problem(path, channel, "no channel of the plan has this name", hint)


def _agents_mentioned(plan: FleetPlan) -> Iterator[tuple[str, str, Severity]]:
    """Yield where an agent is named. One that is not in the plan may still join: a warning.

    A block is for agents of the plan only, so there a name that is not in it is an error.
    """
    for name, rule in plan.anti_pattern_rules.items():
        if isinstance(rule, IdleBlock):
            for index, member in enumerate(rule.applies_to or ()):
                path = f"anti_pattern_rules.{name}.applies_to[{index}]"
                yield path, member, Severity.ERROR
    for index, schedule in enumerate(plan.schedules):
        if schedule.agent is not None:
            yield f"schedules[{index}].agent", schedule.agent, Severity.WARNING
    for path, scope in _capped(plan):
        kind, _, agent = scope.partition(":")
        if kind == "agent":
            yield path, agent, Severity.WARNING


def _capped(plan: FleetPlan) -> Iterator[tuple[str, str]]:
    """Yield every scope that has a cap, with its path."""
    constraints = plan.global_constraints
    for scope in constraints.daily_caps:
        yield f"global_constraints.daily_caps.{scope}", scope
    for scope in constraints.weekly_caps:
        yield f"global_constraints.weekly_caps.{scope}", scope


def _reachable(plan: FleetPlan) -> Iterator[Problem]:
    """Find modes and capabilities that no agent of the plan has."""
    kinds: list[AgentPlan | PoolAgent] = [
        *plan.agents,
        *(pool.agent for pool in plan.pools.values()),
    ]
    able = {word for agent in kinds for word in agent.capabilities}
    modes = able | {agent.mode for agent in kinds if agent.mode is not None}
    asked = [
        (f"global_constraints.{MODE_LIMIT}{m}", m) for m in plan.global_constraints.mode_limits
    ]
    asked += [(f"schedules[{i}].mode", s.mode) for i, s in enumerate(plan.schedules)]
    asked += [(path, s.removeprefix("mode:")) for path, s in _capped(plan) if s[:5] == "mode:"]
    for path, mode in asked:
        if mode not in modes:
            yield warning(path, mode, f"no agent has the mode {mode!r}", did_you_mean(mode, modes))
    for index, schedule in enumerate(plan.schedules):
        for position, word in enumerate(schedule.capabilities):
            if word not in able:
                path = f"schedules[{index}].capabilities[{position}]"
                hint = did_you_mean(word, able)
                yield warning(path, word, f"no agent has the capability {word!r}", hint)
