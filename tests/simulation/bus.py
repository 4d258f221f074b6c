"""A broker that does what brokers do: it loses, doubles, delays, reorders and forgets.

Topics are those of the protocol without their root. Every message takes two hops; each may go
wrong while faults are on. What is retained is replayed, marked as such, to whoever connects.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Final, Protocol

from protocol.codec import decode, encode
from protocol.messages import Message

CODEC_EVERY: Final = 32
"""Every so many messages go through the real codec; it would take half of the time otherwise."""

TOGETHER: Final = 0.8
"""How often what is said in one breath is heard in one breath, if nothing befalls it."""

_DIRECT: Final = frozenset({"heartbeat", "metrics", "report", "lease"})


@cache
def _way(topic: str) -> tuple[str | None, bool]:
    """Say whose agent's messages at *topic* go the short way, and whether the agent says them."""
    level, name, *channel = topic.split("/")
    is_direct = bool(channel) and channel[0] in _DIRECT
    return name if is_direct else None, level == "agents"


class Scheduler(Protocol):
    """Who knows the time and calls back."""

    now: float
    faults_end_s: float

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
    """How late a message may come."""
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
        self.to_coordinator: Callable[[list[Message]], object] = lambda _messages: None
        self.messages = 0
        self._world = world
        self._random = random
        self._profile = profile
        self._in_order_at = 0.0
        self._breath: tuple[str, float, list[Message]] = ("", 0.0, [])
        """Who spoke last, when, and what is under way of it."""

    @property
    def loses_nothing(self) -> bool:
        """Whether what is said now reaches the broker, and nothing older comes after it."""
        profile, now = self._profile, self._world.now
        return profile.keeps_order or now > self._world.faults_end_s + profile.slow_s

    def publish(self, sender: str, topic: str, message: Message, *, retain: bool) -> None:
        """Take a message from *sender* on its way."""
        if sender in self.mute:
            return
        self.messages += 1
        if self.messages % CODEC_EVERY == 0:
            message = decode(type(message), encode(message))
        agent, is_said_by_it = _way(topic)
        if agent is None:
            self.hop(self._route, topic, message, retain)
            return
        # Both hops in one: nobody reads these from the broker's memory but at a start.
        if retain:
            self.retained[topic] = message
        if is_said_by_it:
            self._hop_in_a_breath(sender, message)
        else:
            self.hop(self.to_agent, agent, message, hops=2)

    def keep(self, sender: str, topic: str, message: Message | None) -> None:
        """Retain what only people read, or, without a *message*, clear the topic."""
        if sender not in self.mute:
            self.messages += 1
            self.hop(self._keep, topic, message)

    def _keep(self, topic: str, message: Message | None) -> None:
        if message is None:
            self.retained.pop(topic, None)
        else:
            self.retained[topic] = message

    def hop(self, act: Callable[..., object], *args: object, hops: int = 1) -> None:
        """Let one leg of a way, or both at once, go wrong or not."""
        for delay in self._delays(hops):
            self._world.after(delay, act, *args)

    def _delays(self, hops: int) -> tuple[float, ...]:
        """Draw how long each copy of a message takes, of which there may be none."""
        world, profile, draw = self._world, self._profile, self._random.random
        if profile.keeps_order or not world.is_faulty:
            # A later message never overtakes an earlier one.
            self._in_order_at = max(self._in_order_at, world.now + 0.01 * draw())
            return (self._in_order_at - world.now,)
        fate = draw()
        if fate < profile.loss * hops:
            return ()
        is_double = draw() < profile.doubles * hops
        is_slow = draw() < profile.slow * hops
        delay = profile.slow_s * draw() if is_slow else 0.1 * draw() ** 2
        if not is_double:
            return (delay,)
        return delay, profile.slow_s * draw() if is_slow else 0.1 * draw() ** 2

    def _hop_in_a_breath(self, sender: str, message: Message) -> None:
        """Let *message* reach the coordinator; more that is said at once may come with it."""
        now = self._world.now
        speaker, said_at, under_way = self._breath
        for delay in self._delays(2):
            is_apart = speaker != sender or said_at != now or delay > 0.1
            if is_apart or self._random.random() > TOGETHER:
                under_way = [message]
                self._world.after(delay, self.to_coordinator, under_way)
            else:
                under_way.append(message)
        self._breath = sender, now, under_way

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
                self.hop(self.to_coordinator, [message])
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
