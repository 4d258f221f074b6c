"""A pool as it is now: its members, on whose machines, and what was decided last."""

from dataclasses import asdict, dataclass, field
from typing import Any

from coordinator.core.pools.decision import Memory


@dataclass(slots=True)
class Member:
    """One agent of a pool that a host is asked to run."""

    host: str
    leaving: bool = False
    """It is given nothing new, and is stopped when it holds nothing any more."""


@dataclass(slots=True)
class Pool:
    """The members of one pool. They are stored; what was observed of the load is not."""

    name: str
    members: dict[str, Member] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    timer_ms: int | None = None
    waiting: int = 0
    wait_ms: int = 0
    """How long the task that has waited longest has waited, at the last decision."""
    text: str = "nothing was decided yet"
    """The last decision, and why."""

    @property
    def size(self) -> int:
        """How many members there should be, those not counted that leave."""
        return sum(not member.leaving for member in self.members.values())


def pool_record(pool: Pool) -> dict[str, Any]:
    """Write down who belongs to *pool*."""
    return {"members": {name: asdict(member) for name, member in pool.members.items()}}


def pool_from(name: str, record: dict[str, Any]) -> Pool:
    """Read a pool back."""
    members = {agent: Member(**said) for agent, said in record["members"].items()}
    return Pool(name, members)
