"""Checks of pools: names that agents can bear, numbers that make sense, and machines."""

from collections.abc import Iterator
from typing import Final

from coordinator.plan.pools import member_names
from coordinator.plan.problems import Problem, did_you_mean, warning
from coordinator.plan.schema import FleetPlan

_SHORTEST_S: Final = 0.2


def check_pools(plan: FleetPlan) -> Iterator[Problem]:
    """Yield what is wrong with the pools of *plan*."""
    taken = {agent.name: f"agents[{n}].name" for n, agent in enumerate(plan.agents)}
    machines = {agent.machine_id for agent in plan.agents if agent.machine_id}
    for name, pool in plan.pools.items():
        path = f"pools.{name}"
        if pool.min > pool.max:
            yield Problem(f"{path}.min", pool.min, f"more than max ({pool.max})", "swap the two?")
        for member in member_names(name, pool.max):
            if member in taken:
                hint = "call the pool or the agent otherwise"
                yield Problem(path, member, f"{taken[member]} is {member!r} too", hint)
            taken[member] = path
        if not pool.agent.capabilities and pool.agent.mode is None:
            hint = "name what the tasks ask for"
            yield Problem(f"{path}.agent.capabilities", None, "its agents can do nothing", hint)
        for key, seconds in (("decide_every", pool.decide_every), ("calm", pool.calm)):
            if seconds < _SHORTEST_S:
                hint = f"at least {_SHORTEST_S:g} s"
                yield Problem(f"{path}.{key}", seconds, "too often to see any effect", hint)
        if pool.calm < pool.decide_every:
            hint = f"at least decide_every ({pool.decide_every:g} s)"
            yield warning(f"{path}.calm", pool.calm, "looks at one moment only", hint)
        for index, machine in enumerate(pool.machines):
            near = did_you_mean(machine, machines - {machine})
            if machine not in machines and near is not None:
                at = f"{path}.machines[{index}]"
                yield warning(at, machine, "no agent of the plan is on this machine", near)
