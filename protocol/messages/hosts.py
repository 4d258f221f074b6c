"""What is said about the agents of one machine: by its host, and by the coordinator to it."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from protocol.limits import MAX_METRICS, MAX_SLOTS
from protocol.messages.base import (
    AgentName,
    BootId,
    Capability,
    Count,
    Flag,
    FromCoordinator,
    FromHost,
    Message,
    Millis,
    Text,
)
from protocol.messages.from_agents import MetricName, MetricValue, Seen
from protocol.vocabulary import HostedState, PresenceState

MAX_HOSTED: Final = 256
MAX_LAST_LINES: Final = 20
MAX_DEAD_BOOTS: Final = 8

Line = Annotated[str, StringConstraints(strict=True, max_length=500)]


class HostPresence(FromHost):
    """Whether a machine's host is there; also, with ``state`` lost, its last will.

    One that ``stands_in`` runs the agents of all machines that have no host of their own.
    """

    state: PresenceState
    reason: Text | None = None
    stands_in: Flag = False


class HostedAgent(Message):
    """One agent as its host knows it.

    ``dead_boots`` are boots of it that the host knows to be dead, with everything that they had
    started: it chose the boot, was the parent of the process, collected its end, and found nothing
    of it left. What such a boot held can be given to somebody else at once.
    """

    agent: AgentName
    state: HostedState
    boot: BootId | None = None
    pid: Count | None = None
    since_ms: Millis
    restarts: Count = 0
    exit: Text | None = None
    last_lines: tuple[Line, ...] = Field(default=(), max_length=MAX_LAST_LINES)
    dead_boots: tuple[BootId, ...] = Field(default=(), max_length=MAX_DEAD_BOOTS)


class HostActual(FromHost):
    """The full list of what the host runs, said when it changes and every ``interval_s``."""

    interval_s: Annotated[float, Field(strict=True, ge=0.05, le=3600)]
    seen: Seen = Seen()
    agents: tuple[HostedAgent, ...] = Field(default=(), max_length=MAX_HOSTED)


class HostMetrics(FromHost):
    """The latest numbers of the machine."""

    m: dict[MetricName, MetricValue] = Field(max_length=MAX_METRICS)


class HostOrder(Message):
    """One agent that the host should run, and how.

    Without a ``command`` it is the ready-made agent, with the other fields as its options. A higher
    ``start`` than before starts it anew, whatever became of it.
    """

    agent: AgentName
    start: Count = 0
    command: tuple[str, ...] = Field(default=(), max_length=256)
    capabilities: tuple[Capability, ...] = Field(default=(), max_length=64)
    slots: Annotated[int, Field(strict=True, ge=1, le=MAX_SLOTS)] | None = None
    machine_id: Text = ""
    window_id: Text = ""
    heartbeat_s: Annotated[float, Field(strict=True, ge=0.05, le=3600)] = 10.0
    config_path: Text | None = None


class HostDesired(FromCoordinator):
    """The full list of agents that one boot of a host should run: no other may."""

    rev: Count
    for_boot: BootId
    agents: tuple[HostOrder, ...] = Field(default=(), max_length=MAX_HOSTED)
