"""Every topic on the bus, built and parsed here and nowhere else.

A topic is ``<root>/v1/...``: the version sits in the topic rather than in the payload so that
two protocol versions can share one broker and an access rule can tell them apart without
opening a message. One root is one fleet.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from protocol import names
from protocol.errors import BadName, BadTopic
from protocol.vocabulary import Word

VERSION: Final = "v1"
MAX_TOPIC_BYTES: Final = 200
DEFAULT_ROOT: Final = "fleet"
REMEMBERED_TOPICS: Final = 100_000


class AgentChannel(Word):
    """What an agent says, below ``agents/<agent>/``."""

    PRESENCE = "presence"
    INFO = "info"
    HEARTBEAT = "heartbeat"
    METRICS = "metrics"
    REPORT = "report"


class InboxChannel(Word):
    """What the coordinator tells one agent, below ``inbox/<agent>/``."""

    DESIRED = "desired"
    LEASE = "lease"


class HostChannel(Word):
    """What is said of one machine, below ``hosts/<host>/``: by its host, and ``desired`` to it."""

    PRESENCE = "presence"
    ACTUAL = "actual"
    METRICS = "metrics"
    DESIRED = "desired"


class CoordinatorChannel(Word):
    """What the coordinator says of itself and the fleet, below ``coordinator/``."""

    PRESENCE = "presence"
    SUMMARY = "summary"
    ROLLCALL = "rollcall"


@dataclass(frozen=True, slots=True)
class AgentTopic:
    """``agents/<agent>/<channel>``: one agent speaks."""

    agent: str
    channel: AgentChannel


@dataclass(frozen=True, slots=True)
class InboxTopic:
    """``inbox/<agent>/<channel>``: the coordinator speaks to one agent."""

    agent: str
    channel: InboxChannel


@dataclass(frozen=True, slots=True)
class HostTopic:
    """``hosts/<host>/<channel>``: about the agents of one machine."""

    host: str
    channel: HostChannel


@dataclass(frozen=True, slots=True)
class RegistryTopic:
    """``registry/<agent>``: the coordinator's view of one agent."""

    agent: str


@dataclass(frozen=True, slots=True)
class TaskTopic:
    """``tasks/<task>``: the coordinator's view of one task."""

    task: str


@dataclass(frozen=True, slots=True)
class CoordinatorTopic:
    """``coordinator/<channel>``: the coordinator speaks to everyone."""

    channel: CoordinatorChannel


@dataclass(frozen=True, slots=True)
class EventsTopic:
    """``events``: the numbered story of the fleet."""


@dataclass(frozen=True, slots=True)
class SubmitTopic:
    """``submit/<client>``: a client asks."""

    client: str


@dataclass(frozen=True, slots=True)
class ReplyTopic:
    """``replies/<client>``: the coordinator answers."""

    client: str


Address: TypeAlias = (
    AgentTopic
    | InboxTopic
    | HostTopic
    | RegistryTopic
    | TaskTopic
    | CoordinatorTopic
    | EventsTopic
    | SubmitTopic
    | ReplyTopic
)

_AGENT_CHANNELS: Final = {channel.value: channel for channel in AgentChannel}
_INBOX_CHANNELS: Final = {channel.value: channel for channel in InboxChannel}
_HOST_CHANNELS: Final = {channel.value: channel for channel in HostChannel}
_COORDINATOR_CHANNELS: Final = {channel.value: channel for channel in CoordinatorChannel}


@dataclass(frozen=True)
class Topics:
    """The topics of the fleet whose root is ``root``."""

    root: str = DEFAULT_ROOT

    def __post_init__(self) -> None:
        names.root(self.root)

    @cached_property
    def base(self) -> str:
        """The prefix of every topic of this fleet, without a slash at its end."""
        return f"{self.root}/{VERSION}"

    def agent(self, name: str, channel: AgentChannel) -> str:
        """Name the topic on which agent *name* speaks about *channel*."""
        return f"{self.base}/agents/{name}/{channel.value}"

    def inbox(self, name: str, channel: InboxChannel) -> str:
        """Name the topic on which agent *name* is told about *channel*."""
        return f"{self.base}/inbox/{name}/{channel.value}"

    def host(self, name: str, channel: HostChannel) -> str:
        """Name the topic of *channel* of the host *name*."""
        return f"{self.base}/hosts/{name}/{channel.value}"

    def registry(self, name: str) -> str:
        """Name the topic of the coordinator's view of agent *name*."""
        return f"{self.base}/registry/{name}"

    def task(self, task: str) -> str:
        """Name the topic of the coordinator's view of *task*."""
        return f"{self.base}/tasks/{task}"

    def coordinator(self, channel: CoordinatorChannel) -> str:
        """Name the topic on which the coordinator speaks about *channel*."""
        return f"{self.base}/coordinator/{channel.value}"

    @cached_property
    def events(self) -> str:
        """The topic of the fleet's story."""
        return f"{self.base}/events"

    def submit(self, client: str) -> str:
        """Name the topic on which *client* asks."""
        return f"{self.base}/submit/{client}"

    def replies(self, client: str) -> str:
        """Name the topic on which *client* is answered."""
        return f"{self.base}/replies/{client}"

    def under(self, pattern: str) -> str:
        """Make a filter of this fleet from one without a root, such as ``agents/+/report``."""
        return f"{self.base}/{pattern}"

    @cached_property
    def _parsed(self) -> dict[str, Address]:
        """Topics that were read before: a fleet has few, and each comes thousands of times."""
        return {}

    def parse(self, raw: str) -> Address:
        """Read a topic off the wire, or raise :class:`BadTopic`."""
        known = self._parsed.get(raw)
        if known is not None:
            return known
        address = self._parse(raw)
        if len(self._parsed) >= REMEMBERED_TOPICS:
            self._parsed.clear()
        self._parsed[raw] = address
        return address

    def _parse(self, raw: str) -> Address:
        prefix = self.base + "/"
        if not raw.startswith(prefix) or len(raw.encode()) > MAX_TOPIC_BYTES:
            raise BadTopic(raw)
        try:
            return _address(raw[len(prefix) :].split("/"), raw)
        except BadName as error:
            raise BadTopic(raw) from error


def _address(levels: list[str], raw: str) -> Address:
    match levels:
        case ["agents", agent, channel] if channel in _AGENT_CHANNELS:
            return AgentTopic(names.agent_name(agent), _AGENT_CHANNELS[channel])
        case ["inbox", agent, channel] if channel in _INBOX_CHANNELS:
            return InboxTopic(names.agent_name(agent), _INBOX_CHANNELS[channel])
        case ["hosts", host, channel] if channel in _HOST_CHANNELS:
            return HostTopic(names.client_name(host), _HOST_CHANNELS[channel])
        case ["registry", agent]:
            return RegistryTopic(names.agent_name(agent))
        case ["tasks", task]:
            return TaskTopic(names.task_id(task))
        case ["coordinator", channel] if channel in _COORDINATOR_CHANNELS:
            return CoordinatorTopic(_COORDINATOR_CHANNELS[channel])
        case ["events"]:
            return EventsTopic()
        case ["submit", client]:
            return SubmitTopic(names.client_name(client))
        case ["replies", client]:
            return ReplyTopic(names.client_name(client))
        case _:
            raise BadTopic(raw)


def matches(pattern: str, topic: str) -> bool:
    """Say whether the subscription filter *pattern* selects *topic* (MQTT 3.1.1 §4.7)."""
    if topic.startswith("$") and pattern[:1] in {"+", "#"}:
        return False
    wanted, levels = pattern.split("/"), topic.split("/")
    for n, want in enumerate(wanted):
        if want == "#":
            return True
        if n >= len(levels) or want not in {"+", levels[n]}:
            return False
    return len(wanted) == len(levels)


def overlaps(one: str, other: str) -> bool:
    """Say whether some topic is selected by both filters."""
    left, right = one.split("/"), other.split("/")
    for n in range(max(len(left), len(right))):
        a = left[n] if n < len(left) else None
        b = right[n] if n < len(right) else None
        if a == "#" or b == "#":
            return True  # "a/#" also selects its parent "a", so a missing level is no hindrance
        if a is None or b is None or (a != b and "+" not in {a, b}):
            return False
    return True
