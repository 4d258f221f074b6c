"""A broker that does what brokers do: it loses, doubles, delays, reorders and forgets.

Topics are those of the protocol without their root. Every message takes two hops; each may go
wrong while faults are on. What is retained is replayed, marked as such, to whoever connects.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from protocol.codec import decode, encode
from protocol.messages import Message

CODEC_EVERY: Final = 16
"""Every so many messages go through the real codec; it would take half of the time otherwise."""

_DIRECT: Final = frozenset({"heartbeat", "metrics", "report", "lease"})

Deliver = Callable[[str, Message, bool], object]


class Scheduler(Protocol):
    """Who knows the time and calls back."""

    now: float

    def after(self, delay: float, act: Callable[..., object], *args: object) -> None: ...

    @property
    def is_faulty(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Profile:
    """What a kind of broker does to messages."""

    loss: float = 0.0
    doubles: float = 0.0
    slow: float = 0.0
    slow_s: float = 0.0
    keeps_retained: bool = True
    """Whether retained messages survive its restart."""
    keeps_order: bool = False


PROFILES: Final = {
    "ideal": Profile(keeps_order=True),
    "mosquitto": Profile(loss=0.02, doubles=0.05, slow=0.05, slow_s=30.0),
    "embedded": Profile(loss=0.005, doubles=0.02, slow=0.03, slow_s=12.0, keeps_retained=False),
}


class Bus:
    """One broker."""

    def __init__(self, world: Scheduler, random: Random, profile: Profile) -> None:
        self.retained: dict[str, Message] = {}
        self.deaf: set[str] = set()
        """Who receives nothing: boots, or ``C``."""
        self.mute: set[str] = set()
        """Whose words are lost."""
        self.to_agent: Callable[[str, Message], object] = lambda _name, _message: None
        self.to_coordinator: Callable[[Message, bool], object] = lambda _message, _retained: None
        self.messages = 0
        self._world = world
        self._random = random
        self._profile = profile
        self._in_order_at = 0.0

    def publish(self, sender: str, topic: str, message: Message, *, retain: bool) -> None:
        """Take a message from *sender* on its way."""
        if sender in self.mute:
            return
        self.messages += 1
        if self.messages % CODEC_EVERY == 0:
            message = decode(type(message), encode(message))
        level, _, rest = topic.partition("/")
        name, _, channel = rest.partition("/")
        if channel in _DIRECT:
            # Both hops in one: nobody reads these from the broker's memory but at a start.
            if retain:
                self.retained[topic] = message
            if level == "agents":
                self.hop(self.to_coordinator, message, False, hops=2)
            else:
                self.hop(self.to_agent, name, message, hops=2)
        else:
            self.hop(self._route, topic, message, retain)

    def hop(self, act: Callable[..., object], *args: object, hops: int = 1) -> None:
        """Let one leg of a way, or both at once, go wrong or not."""
        world, profile, draw = self._world, self._profile, self._random.random
        if profile.keeps_order:
            # A later message never overtakes an earlier one.
            self._in_order_at = max(self._in_order_at, world.now + 0.01 * draw())
            world.after(self._in_order_at - world.now, act, *args)
            return
        copies = 1
        slow = False
        if world.is_faulty:
            if draw() < profile.loss * hops:
                return
            if draw() < profile.doubles * hops:
                copies = 2
            slow = draw() < profile.slow * hops
        for _ in range(copies):
            world.after(profile.slow_s * draw() if slow else 0.1 * draw() ** 2, act, *args)

    def _route(self, topic: str, message: Message, retain: bool) -> None:
        if retain:
            self.retained[topic] = message
        level, _, rest = topic.partition("/")
        match level:
            case "inbox" | "registry":
                self.hop(self.to_agent, rest.partition("/")[0], message)
            case "agents":
                name, _, channel = rest.partition("/")
                if channel == "presence":
                    self.hop(self.to_agent, name, message)
                self.hop(self.to_coordinator, message, False)
            case "coordinator":
                self.hop(self.to_agent, "", message)
            case _:
                raise AssertionError(topic)

    def replay(self, topic: str, take: Callable[[Message], object]) -> None:
        """Hand what is retained at *topic* to one who has just subscribed."""
        message = self.retained.get(topic)
        if message is not None:
            self.hop(take, message)

    def state_will(self, topic: str, message: Message) -> None:
        """Publish a will: nobody sends it, and nobody can be mute."""
        self._route(topic, message, retain=True)

    def restart(self) -> None:
        """Forget what this kind of broker forgets when it starts anew."""
        if not self._profile.keeps_retained:
            self.retained.clear()
