"""The fleet as the bus shows it: what is retained, kept as it came, and read when somebody looks.

A busy fleet says thousands of things a second, and a person looks at a few of them. So a message is
only put in its place here, and decoded when it is asked for. What has changed is noted by name.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from coordinator.http.schemas.fleet import Coordination
from protocol import codec
from protocol.errors import WireError
from protocol.messages import (
    CoordinatorPresence,
    FleetEvent,
    Heartbeat,
    Info,
    Message,
    Metrics,
    Presence,
    Registry,
    Summary,
    TaskView,
)
from protocol.topics import (
    AgentChannel,
    CoordinatorChannel,
    Topics,
)
from protocol.vocabulary import CoordinatorState

FILTERS: Final = (
    "agents/+/presence",
    "agents/+/info",
    "agents/+/heartbeat",
    "agents/+/metrics",
    "registry/+",
    "tasks/+",
    "coordinator/summary",
    "coordinator/presence",
    "events",
)
MOST_EVENTS: Final = 500
MOST_TASKS: Final = 50_000
"""Cards of tasks; the oldest are let go, as the store has them all."""
SILENT_AFTER_S: Final = 5.0

M = TypeVar("M", bound=Message)


@dataclass(slots=True)
class News:
    """What has changed since it was taken last."""

    agents: set[str] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)
    events: list[FleetEvent] = field(default_factory=list)
    fleet: bool = False
    """Whether the numbers or the coordinator's state have changed."""

    def __bool__(self) -> bool:
        return bool(self.agents or self.tasks or self.events or self.fleet)


@dataclass(slots=True)
class Mirror:
    """What the bus shows of one fleet; one thread uses it."""

    topics: Topics
    bus: bool = False
    """Whether there is a connection to the bus."""
    heard_s: float = float("-inf")
    """When the coordinator spoke last, on a clock that is never set."""
    now_s: float = 0.0
    """That clock, as whoever keeps the mirror last read it."""
    events: deque[FleetEvent] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    unreadable: int = 0
    _raw: dict[str, bytes] = field(default_factory=dict)
    _read: dict[str, Message] = field(default_factory=dict)
    _agents: dict[str, None] = field(default_factory=dict)
    _tasks: dict[str, None] = field(default_factory=dict)
    _news: News = field(default_factory=News)
    _rendered: dict[str, bytes] = field(default_factory=dict)
    _rendered_as: tuple[object, ...] = ()

    # --- taking in

    def apply(self, topic: str, payload: bytes, now_s: float) -> None:
        """Put one message in its place; an empty one clears it."""
        base = self.topics.base + "/"
        if not topic.startswith(base):
            return
        place = topic[len(base) :]
        family, _, rest = place.partition("/")
        match family:
            case "tasks":
                self._note(self._tasks, rest, kept=bool(payload))
                self._news.tasks.add(rest)
            case "agents":
                self._news.agents.add(rest.partition("/")[0])
                self._keep(place, payload)
                return
            case "registry":
                self._note(self._agents, rest, kept=bool(payload))
                self._news.agents.add(rest)
            case "coordinator":
                self._news.fleet = True
            case "events":
                self._take_event(payload)
                self.heard_s = self.now_s = now_s
                return
            case _:
                return
        self._keep(place, payload)
        self.heard_s = self.now_s = now_s
        if len(self._tasks) > MOST_TASKS:
            oldest = next(iter(self._tasks))
            self._note(self._tasks, oldest, kept=False)
            self._keep(f"tasks/{oldest}", b"")

    def connected(self, *, bus: bool) -> None:
        """Note that the bus is there, or is not."""
        if bus and not self.bus:  # it tells everything again; what it does not is no more
            self._news.agents.update(self._agents)
            self._news.tasks.update(self._tasks)
            for kept in (self._raw, self._read, self._agents, self._tasks):
                kept.clear()
        self.bus = bus
        self._news.fleet = True

    def answered(self, now_s: float) -> None:
        """Note that the coordinator has answered somebody."""
        self.heard_s = self.now_s = now_s

    def take_news(self) -> News:
        """Return what has changed since the last time."""
        news, self._news = self._news, News()
        return news

    def _take_event(self, payload: bytes) -> None:
        try:
            event = codec.decode(FleetEvent, payload)
        except WireError:
            self.unreadable += 1
            return
        self.events.append(event)
        self._news.events.append(event)
        if len(self._news.events) > MOST_EVENTS:
            del self._news.events[0]

    def _keep(self, place: str, payload: bytes) -> None:
        self._read.pop(place, None)
        if payload:
            self._raw[place] = payload
        else:
            self._raw.pop(place, None)

    @staticmethod
    def _note(names: dict[str, None], name: str, *, kept: bool) -> None:
        names.pop(name, None)  # the newest last
        if kept:
            names[name] = None

    # --- looking

    def agent_names(self) -> Iterable[str]:
        """Return the names of the agents that the coordinator knows."""
        return self._agents.keys()

    def task_ids(self) -> Iterable[str]:
        """Return the ids of the tasks that are shown: held, or over a short while ago."""
        return self._tasks.keys()

    def registry(self, agent: str) -> Registry | None:
        """Return the coordinator's card of *agent*."""
        return self._message(Registry, f"registry/{agent}")

    def presence(self, agent: str) -> Presence | None:
        """Return what *agent*, or its last will, says of its being there."""
        return self._message(Presence, f"agents/{agent}/{AgentChannel.PRESENCE.value}")

    def info(self, agent: str) -> Info | None:
        """Return how *agent* introduced itself."""
        return self._message(Info, f"agents/{agent}/{AgentChannel.INFO.value}")

    def heartbeat(self, agent: str) -> Heartbeat | None:
        """Return the newest heartbeat of *agent*."""
        return self._message(Heartbeat, f"agents/{agent}/{AgentChannel.HEARTBEAT.value}")

    def metrics(self, agent: str) -> Metrics | None:
        """Return the newest numbers of *agent*."""
        return self._message(Metrics, f"agents/{agent}/{AgentChannel.METRICS.value}")

    def task(self, task: str) -> TaskView | None:
        """Return the coordinator's card of *task*."""
        return self._message(TaskView, f"tasks/{task}")

    @property
    def summary(self) -> Summary | None:
        """The fleet in numbers."""
        return self._message(Summary, f"coordinator/{CoordinatorChannel.SUMMARY.value}")

    @property
    def coordinator(self) -> CoordinatorPresence | None:
        """What the coordinator, or its last will, said of itself."""
        return self._message(
            CoordinatorPresence, f"coordinator/{CoordinatorChannel.PRESENCE.value}"
        )

    @property
    def state(self) -> Coordination:
        """How the coordinator is, as far as is known: its own word for it, or ``unknown``."""
        said = self.coordinator
        if not self.bus or said is None:
            return "unknown"
        if said.state is not CoordinatorState.OFFLINE and self.behind_s > SILENT_AFTER_S:
            return "unknown"
        state: Coordination = said.state.value
        return state

    @property
    def behind_s(self) -> float:
        """How long ago the coordinator was heard."""
        return max(0.0, self.now_s - self.heard_s) if self.heard_s > float("-inf") else 0.0

    @property
    def is_stale(self) -> bool:
        """Whether what is shown may be out of date, because nobody coordinates or is heard."""
        return self.state in {"unknown", "offline"}

    def rendered(self, name: str, render: Callable[[], bytes]) -> bytes:
        """Return what *render* writes of the fleet's numbers, again only when they have changed."""
        state = (self.summary, self.coordinator, self.bus, self.state)
        if len(state) != len(self._rendered_as) or any(
            new is not old for new, old in zip(state, self._rendered_as, strict=True)
        ):
            self._rendered.clear()
            self._rendered_as = state
        if name not in self._rendered:
            self._rendered[name] = render()
        return self._rendered[name]

    def _message(self, model: type[M], place: str) -> M | None:
        known = self._read.get(place)
        if known is None:
            raw = self._raw.get(place)
            if raw is None:
                return None
            try:
                known = codec.decode(model, raw)
            except WireError:
                self.unreadable += 1
                del self._raw[place]
                return None
            self._read[place] = known
        return known if isinstance(known, model) else None
