"""Hosts of a fleet on a virtual clock: each does what it is told, and starts bots for it.

A start takes ``start_s``. A process that is killed is proven dead, unless the test lies.
"""

from dataclasses import dataclass, field
from typing import Any

from coordinator.core.effects import Effect, SayHostDesired
from protocol.messages import HostActual, HostedAgent, HostOrder, HostPresence, Seen
from protocol.vocabulary import HostedState, PresenceState
from tests.support.fleet import Fleet


@dataclass
class Machine:
    """One host, as the core sees it."""

    fleet: Fleet
    machine_id: str
    stands_in: bool = False
    slots: int = 1
    start_s: float = 1.0
    boot: str = "b" * 32
    epoch: int = 1
    conn: int = 1
    seq: int = 0
    seen: tuple[int, int] = (0, 0)
    orders: dict[str, HostOrder] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    """Agents that come up, and when."""
    dead: dict[str, tuple[str, ...]] = field(default_factory=dict)
    states: dict[str, HostedState] = field(default_factory=dict)
    ever: list[str] = field(default_factory=list)
    """Every agent that it started, in order."""

    @property
    def name(self) -> str:
        return f"host-{self.machine_id}"

    def begin(self) -> "Machine":
        """Say that it is there, and do from now on what it is told."""
        self.fleet.observers.append(self._observe)
        self.fleet.hear_host(self._presence(PresenceState.ONLINE))
        self.state()
        return self

    def will(self) -> None:
        self.fleet.hear_host(self._presence(PresenceState.LOST))

    def state(self) -> None:
        """Say how everything is."""
        self.fleet.hear_host(self.actual())

    def actual(self) -> HostActual:
        self.seq += 1
        names = dict.fromkeys([*self.orders, *self.dead, *self.states])
        return HostActual(
            **self._envelope(),
            seq=self.seq,
            interval_s=5.0,
            seen=Seen(term=self.seen[0], rev=self.seen[1]),
            agents=tuple(self._hosted(name) for name in names),
        )

    def prove(self, agent: str, boot: str | None = None) -> None:
        """Say that a boot is dead: the one that the agent had last, or another."""
        last = self.fleet.bots[agent].boot if boot is None else boot
        self.dead[agent] = (*self.dead.get(agent, ()), last)
        self.state()

    def gave_up(self, agent: str) -> None:
        self.states[agent] = HostedState.ERROR
        self.state()

    def come_up(self) -> None:
        """Let come up whose time has come."""
        now = self.fleet.now.mono_ms
        for name in [name for name, due in self.due.items() if due <= now]:
            del self.due[name]
            order = self.orders[name]
            bot = self.fleet.bots.get(name)
            if bot is None:
                capabilities = order.capabilities
                self.fleet.agent(name, *capabilities, slots=order.slots or self.slots)
            else:
                self.fleet.restart(name)

    def _observe(self, _fleet: Fleet, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, SayHostDesired) and effect.desired.host == self.name:
                desired = effect.desired
                if desired.boot == self.boot:
                    self.seen = (self.fleet.state.term, desired.rev)
                    self._obey({order.agent: order for order in desired.agents})

    def _obey(self, wanted: dict[str, HostOrder]) -> None:
        for name in [name for name in self.orders if name not in wanted]:
            del self.orders[name]
            self.due.pop(name, None)
            bot = self.fleet.bots.get(name)
            if bot is not None and bot.alive:
                assert not bot.jobs, f"{name} was stopped at work"
                self.fleet.crash(name)
                self.dead[name] = (*self.dead.get(name, ()), bot.boot)[-8:]
        for name, order in wanted.items():
            if name not in self.orders:
                self.due[name] = self.fleet.now.mono_ms + int(self.start_s * 1000)
                self.ever.append(name)
            self.orders[name] = order

    def _hosted(self, name: str) -> HostedAgent:
        bot = self.fleet.bots.get(name)
        alive = bot is not None and bot.alive
        usual = HostedState.RUNNING if name in self.orders else HostedState.STOPPED
        state = self.states.get(name, usual)
        return HostedAgent(
            agent=name,
            state=state,
            boot=bot.boot if bot is not None and alive else None,
            since_ms=0,
            exit="ended with exit status 3" if state is HostedState.ERROR else None,
            last_lines=("no game", "here") if state is HostedState.ERROR else (),
            dead_boots=self.dead.get(name, ()),
        )

    def _presence(self, state: PresenceState) -> HostPresence:
        return HostPresence(**self._envelope(), seq=1, state=state, stands_in=self.stands_in)

    def _envelope(self) -> dict[str, Any]:
        return {
            "ts_ms": 0,
            "host": self.name,
            "machine_id": self.machine_id,
            "boot": self.boot,
            "epoch": self.epoch,
            "conn": self.conn,
        }
