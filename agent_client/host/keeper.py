"""What becomes of each agent's process: when it is started, stopped and started again. Pure.

What is wanted, what has started and what has ended goes in; orders to start, to ask and to kill
come out. Times are milliseconds on a clock that never goes back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from agent_client.host.restarts import OF_AN_AGENT, Restarts
from protocol.messages import HostOrder
from protocol.messages.hosts import MAX_DEAD_BOOTS, MAX_HOSTED
from protocol.vocabulary import HostedState


@dataclass(frozen=True, slots=True)
class Start:
    """Start a process for *order*, under a boot that is new."""

    order: HostOrder


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the process of *agent* to finish and go."""

    agent: str


@dataclass(frozen=True, slots=True)
class Kill:
    """End the process of *agent* at once."""

    agent: str


Action: TypeAlias = Start | Ask | Kill


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended: in words, whether well, and whether nothing of it is left for sure."""

    boot: str
    text: str
    is_well: bool
    last_lines: tuple[str, ...] = ()
    is_proven: bool = False


@dataclass(slots=True)
class Kept:
    """One agent, as long as it is wanted, runs, or something is to be told of it."""

    agent: str
    order: HostOrder | None
    since_ms: int
    runs: HostOrder | None = None
    """The order that its process was started for."""
    state: HostedState = HostedState.STOPPED
    boot: str | None = None
    pid: int | None = None
    due_ms: int | None = None
    """When it is started again while it waits, and when it is killed while it stops."""
    ends: list[int] = field(default_factory=list)
    restarts: int = 0
    exit: str | None = None
    last_lines: tuple[str, ...] = ()
    dead_boots: tuple[str, ...] = ()

    def become(self, state: HostedState, now_ms: int, due_ms: int | None = None) -> None:
        """Note that it is in another state since now."""
        self.state, self.since_ms, self.due_ms = state, now_ms, due_ms


class Keeper:
    """The agents of one machine."""

    def __init__(self, patience_ms: int, restarts: Restarts = OF_AN_AGENT) -> None:
        self.agents: dict[str, Kept] = {}
        self._patience_ms = patience_ms
        self._restarts = restarts
        self._is_closing = False

    def next_due(self) -> int | None:
        """When :meth:`tick` has something to do."""
        dues = [kept.due_ms for kept in self.agents.values() if kept.due_ms is not None]
        return min(dues, default=None)

    @property
    def alive(self) -> list[Kept]:
        """Those that have a process."""
        return [kept for kept in self.agents.values() if kept.pid is not None]

    # --- what is wanted

    def adopt(self, order: HostOrder, boot: str, pid: int, now_ms: int) -> None:
        """Go on with a process that an earlier host of this machine has started."""
        kept = self.agents[order.agent] = Kept(order.agent, order, now_ms)
        kept.runs, kept.boot, kept.pid = order, boot, pid
        kept.become(HostedState.RUNNING, now_ms)

    def want(self, orders: Iterable[HostOrder], now_ms: int) -> list[Action]:
        """Take in the full list of what should run; say what follows."""
        wanted = {order.agent: order for order in orders}
        actions: list[Action] = []
        for name, order in wanted.items():
            kept = self.agents.setdefault(name, Kept(name, None, now_ms))
            actions += self._order(kept, order, now_ms)
        for kept in self.agents.values():
            if kept.agent not in wanted:
                actions += self._dismiss(kept, now_ms)
        self._forget_old(wanted)
        return actions

    def _order(self, kept: Kept, order: HostOrder, now_ms: int) -> list[Action]:
        before, kept.order = kept.order, order
        if kept.state is HostedState.STOPPING:
            return []  # it is started when it has ended
        if kept.state is HostedState.RUNNING:
            return [] if order == kept.runs else self._stop(kept, now_ms)
        if before == order:
            return []  # it waits, has given up, or has ended by itself
        kept.ends.clear()
        return [self._start(kept, order)]

    def _dismiss(self, kept: Kept, now_ms: int) -> list[Action]:
        kept.order = None
        if kept.state is HostedState.RUNNING:
            return self._stop(kept, now_ms)
        if kept.state in {HostedState.WAITING, HostedState.ERROR}:
            kept.become(HostedState.STOPPED, now_ms)
        return []

    def _forget_old(self, wanted: Iterable[str]) -> None:
        """Tell no more of the oldest that are stopped than there is room for."""
        spare = MAX_HOSTED - len(set(wanted))
        old = [
            name
            for name, kept in self.agents.items()
            if kept.order is None and kept.state is HostedState.STOPPED
        ]
        for name in old[: max(0, len(old) - spare)]:
            del self.agents[name]

    def stop_all(self, now_ms: int) -> list[Action]:
        """Stop everything, and start nothing any more."""
        self._is_closing = True
        return self.want((), now_ms)

    # --- what happened

    def started(self, agent: str, boot: str, pid: int, now_ms: int) -> None:
        """Note that the process of *agent* runs."""
        kept = self.agents[agent]
        kept.boot, kept.pid, kept.runs = boot, pid, kept.order
        kept.become(HostedState.RUNNING, now_ms)

    def ended(self, agent: str, end: End, now_ms: int) -> list[Action]:
        """Note that the process of *agent* has ended, or could not even be started."""
        kept = self.agents[agent]
        was_to_end = kept.state is HostedState.STOPPING
        kept.pid, kept.boot, kept.exit = None, None, end.text
        kept.last_lines = () if end.is_well else end.last_lines
        if end.is_proven:
            kept.dead_boots = (*kept.dead_boots, end.boot)[-MAX_DEAD_BOOTS:]
        if was_to_end or kept.order is None:
            kept.become(HostedState.STOPPED, now_ms)
            if kept.order is None or self._is_closing:
                return []
            kept.ends.clear()
            return [self._start(kept, kept.order)]
        if end.is_well:
            kept.become(HostedState.STOPPED, now_ms)
            return []
        kept.ends.append(now_ms)
        due_s = self._restarts.next_start([at_ms / 1000 for at_ms in kept.ends])
        if due_s is None:
            kept.exit = f"{end.text}, {len(kept.ends)} times now: given up"
            kept.become(HostedState.ERROR, now_ms)
        else:
            kept.become(HostedState.WAITING, now_ms, round(due_s * 1000))
        return []

    def tick(self, now_ms: int) -> list[Action]:
        """Say what has come due."""
        actions: list[Action] = []
        for kept in self.agents.values():
            if kept.due_ms is None or kept.due_ms > now_ms:
                continue
            kept.due_ms = None
            if kept.state is HostedState.STOPPING:
                actions.append(Kill(kept.agent))
            elif kept.order is not None:
                actions.append(self._start(kept, kept.order))
        return actions

    def _start(self, kept: Kept, order: HostOrder) -> Start:
        kept.restarts += kept.runs is not None
        kept.due_ms = None
        return Start(order)

    def _stop(self, kept: Kept, now_ms: int) -> list[Action]:
        kept.become(HostedState.STOPPING, now_ms, now_ms + self._patience_ms)
        return [Ask(kept.agent)]
