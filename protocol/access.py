"""The table of who may do what on the bus, as data.

The embedded broker asks it directly; the configurations of other brokers are generated from it.
``{self}`` stands for the principal's own name. A subscription is granted when something under it
may be read, and every delivery is checked again: so ``fleet/v1/#`` is a fine subscription for
anyone, and shows each what it may see.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.topics import Topics, matches, overlaps


class Role(StrEnum):
    """In which capacity somebody uses the bus."""

    AGENT = "agent"
    HOST = "host"
    COORDINATOR = "coordinator"
    OPERATOR = "operator"
    OBSERVER = "observer"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one role may do: filters below ``<root>/v1/``, with ``{self}`` for its own name."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    will: tuple[str, ...] = ()
    publish_outside: tuple[str, ...] = ()
    """Whole filters that are not below the root."""
    subscribe_outside: tuple[str, ...] = ()


HOME_ASSISTANT: Final = "homeassistant"
"""The first level of the topics by which Home Assistant discovers what there is."""

WATCHED: Final = (
    "agents/#",
    "inbox/#",
    "hosts/#",
    "registry/#",
    "tasks/#",
    "coordinator/#",
    "events",
)
"""What anyone may watch. Requests and replies are between a client and the coordinator."""

TABLE: Final[dict[Role, Grant]] = {
    Role.AGENT: Grant(
        publish=(
            "agents/{self}/presence",
            "agents/{self}/info",
            "agents/{self}/heartbeat",
            "agents/{self}/metrics",
            "agents/{self}/report",
        ),
        subscribe=("agents/{self}/presence", "registry/{self}", "inbox/{self}/#", "coordinator/#"),
        will=("agents/{self}/presence",),
    ),
    Role.HOST: Grant(
        publish=("hosts/{self}/presence", "hosts/{self}/actual", "hosts/{self}/metrics"),
        subscribe=("hosts/{self}/presence", "hosts/{self}/desired", "coordinator/#"),
        will=("hosts/{self}/presence",),
    ),
    Role.COORDINATOR: Grant(
        publish=(
            "agents/#",
            "inbox/#",
            "hosts/#",
            "registry/#",
            "tasks/#",
            "coordinator/#",
            "events",
            "replies/#",
        ),
        subscribe=("#",),
        will=("coordinator/presence",),
        publish_outside=(f"{HOME_ASSISTANT}/device/+/config",),
    ),
    Role.OPERATOR: Grant(
        publish=("submit/{self}",),
        subscribe=("replies/{self}", *WATCHED),
        subscribe_outside=(f"{HOME_ASSISTANT}/#",),
    ),
    Role.OBSERVER: Grant(publish=(), subscribe=WATCHED, subscribe_outside=(f"{HOME_ASSISTANT}/#",)),
}


@dataclass(frozen=True, slots=True)
class Rights:
    """What one connected principal may do, as full filters: its roles' grants together."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    will: tuple[str, ...]

    def may_publish(self, topic: str) -> bool:
        """Say whether a message to *topic* is allowed."""
        return any(matches(pattern, topic) for pattern in self.publish)

    def may_will(self, topic: str) -> bool:
        """Say whether a last will on *topic* is allowed."""
        return any(matches(pattern, topic) for pattern in self.will)

    def may_subscribe(self, pattern: str) -> bool:
        """Say whether a subscription to *pattern* could ever deliver something."""
        return any(overlaps(pattern, allowed) for allowed in self.subscribe)

    def may_read(self, topic: str) -> bool:
        """Say whether a message on *topic* may be delivered."""
        return any(matches(pattern, topic) for pattern in self.subscribe)


def rights(topics: Topics, name: str, *roles: Role) -> Rights:
    """Spell out what principal *name* may do in *roles* on the fleet of *topics*."""

    def full(patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(topics.under(pattern.replace("{self}", name)) for pattern in patterns)

    granted = [TABLE[role] for role in roles]
    outside = [pattern for grant in granted for pattern in grant.publish_outside]
    read_outside = [pattern for grant in granted for pattern in grant.subscribe_outside]
    return Rights(
        publish=(*(p for grant in granted for p in full(grant.publish)), *outside),
        subscribe=(*(p for grant in granted for p in full(grant.subscribe)), *read_outside),
        will=tuple(p for grant in granted for p in full(grant.will)),
    )
