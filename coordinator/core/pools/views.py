"""What people are shown of pools: pure renderings of what was decided last."""

from typing import Any

from coordinator.core.pools.scaling import could_take
from coordinator.core.queue.shapes import Shape
from coordinator.core.state import State
from protocol.messages import PoolView


def pool_views(state: State) -> dict[str, PoolView]:
    """Render every pool of the plan."""
    views = {}
    for name, policy in state.policy.pools.items():
        pool = state.pools.get(name)
        if pool is None:
            continue
        staying = [member for member, said in pool.members.items() if not said.leaving]
        ready = sum(state.agents[m].is_present for m in staying if m in state.agents)
        views[name] = PoolView.model_construct(
            size=pool.size,
            ready=ready,
            min=policy.least,
            max=policy.most,
            target_wait_s=policy.target_wait_ms / 1000,
            waiting=pool.waiting,
            wait_s=pool.wait_ms / 1000,
            text=pool.text[:1000],
        )
    return views


def pools_for(state: State, shape: Shape) -> list[dict[str, Any]]:
    """Say which pools could take tasks of *shape*, and what was decided of them last."""
    return [
        {"pool": name, **view.model_dump(mode="json")}
        for name, view in pool_views(state).items()
        if could_take(state, state.policy.pools[name], shape)
    ]
