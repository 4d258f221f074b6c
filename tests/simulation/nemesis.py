"""Who makes things go wrong: each fault of the plan, carried out on whoever is there then."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.simulation.coordinator_process import CRASH_POINTS
from tests.simulation.scenario import Fault

if TYPE_CHECKING:
    from tests.simulation.agent_process import AgentProcess
    from tests.simulation.world import World


class Nemesis:
    """Carries the fault plan out."""

    def __init__(self, world: "World") -> None:
        self.world = world

    def begin(self) -> None:
        """Plan every fault."""
        for fault in self.world.scenario.faults:
            self.world.after(fault.at, self.strike, fault)

    def strike(self, fault: Fault) -> None:
        """Let *fault* happen."""
        self.world.note("fault", str(fault))
        if (on_world := _ON_WORLD.get(fault.kind)) is not None:
            on_world(self, fault)
            return
        named = [p for p in self.world.processes if p.name == f"a{fault.agent}"]
        if named:
            victim = named[int(fault.more * len(named))]
            _ON_AGENT[fault.kind](self, fault, victim)

    # --- what befalls one agent

    def cut_agent(self, fault: Fault, agent: "AgentProcess") -> None:
        kind = ("both", "both", "deaf", "mute")[int(fault.pick * 4)]
        self._cut(agent, fault.seconds, kind)

    def _cut(self, agent: "AgentProcess", seconds: float, kind: str) -> None:
        bus, boot = self.world.bus, agent.boot
        if self.world.broken("wrong_proof"):
            self.world.undertaker.bury(agent.name, boot)  # it lives, and only cannot be heard
        if kind != "mute":
            bus.deaf.add(boot)
        if kind != "deaf":
            bus.mute.add(boot)

        def heal() -> None:
            bus.deaf.discard(boot)
            bus.mute.discard(boot)
            agent.fine_since = self.world.now
            agent.in_loop(agent.lost)

        self.world.after(seconds, heal)

    def half_open(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.go_deaf()

    def freeze_all(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.freeze(fault.seconds, kind="all")

    def suspend(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.freeze(fault.seconds, kind="suspend")

    def freeze_loop(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.freeze(fault.seconds, kind="loop")

    def freeze_at_start(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.freeze_next_start_s = fault.seconds

    def kill_agent(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.die()
        self.world.after(60 * fault.pick, self.world.supervise, agent.name, agent.host)

    def kill_before_it_tells(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.dies_at_success = 30 * fault.pick

    def stop_agent(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.in_loop(agent.leave, "restarted")
        self.world.after(10 + 30 * fault.pick, self.world.supervise, agent.name, agent.host)

    def stale_will(self, fault: Fault, agent: "AgentProcess") -> None:
        if agent.will is not None:
            self.world.bus.state_will(f"agents/{agent.name}/presence", agent.will)

    def twin(self, fault: Fault, agent: "AgentProcess") -> None:
        """Start a second process of the name elsewhere, because the first seems to be gone."""
        self._cut(agent, fault.seconds, "both")
        host = self.world.new_host(durable=fault.pick < 0.7)
        if fault.more < 0.5:
            host.last_boot = "e" * 32
        self.world.boot_agent(agent.name, host)

    def forget_a_job(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.in_loop(agent.forget_a_job)

    def wall_back(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.host.wall_off_ms -= int(3_600_000 * fault.pick)

    def hot(self, fault: Fault, agent: "AgentProcess") -> None:
        agent.hot = True
        self.world.after(60 + fault.seconds, self._cool, agent)

    def _cool(self, agent: "AgentProcess") -> None:
        agent.hot = False

    # --- what befalls the coordinator, the broker and the disk

    def crash(self, fault: Fault) -> None:
        point = CRASH_POINTS[int(fault.pick * len(CRASH_POINTS))]
        coordinator = self.world.coordinator
        if point == "now":
            coordinator.crash()
        elif coordinator.up:
            coordinator.crash_at = point

    def stall(self, fault: Fault) -> None:
        self.world.coordinator.stall(fault.seconds)

    def cut_coordinator(self, fault: Fault) -> None:
        self.world.coordinator.cut(fault.seconds, noticed=fault.more < 0.5)

    def slow_disk(self, fault: Fault) -> None:
        self.world.coordinator.disk_takes_s = 4 * fault.pick
        self.world.after(fault.seconds, self._quick_disk)

    def _quick_disk(self) -> None:
        self.world.coordinator.disk_takes_s = 0.0

    def broker_forgets(self, fault: Fault) -> None:
        self.world.bus.retained.clear()
        for process in list(self.world.processes):
            delay = process.random.uniform(0, 10)
            self.world.after(delay, process.in_loop, process.lost)
        if fault.pick < 0.7 or self.world.scenario.profile == "ideal":
            self.world.coordinator.reconnect()

    def broker_restart(self, fault: Fault) -> None:
        self.world.bus.restart()
        for process in list(self.world.processes):
            self.world.after(0.0, process.in_loop, process.lost)
        self.world.coordinator.reconnect()

    def new_lease(self, fault: Fault) -> None:
        leases_ms = self.world.scenario.shape.leases_ms
        self.world.coordinator.plan(leases_ms[int(fault.pick * len(leases_ms))])
        if fault.more < 0.5:
            self.world.after(3 * self.world.scenario.shape.heartbeat_s, self._cut_some, fault)

    def _cut_some(self, fault: Fault) -> None:
        """Cut agents off that work on the terms of the plan before."""
        for agent in self.world.processes[:3]:
            self._cut(agent, 5 * self.world.scenario.shape.heartbeat_s + fault.seconds, "both")


_ON_AGENT: Final[dict[str, Callable[[Nemesis, Fault, "AgentProcess"], None]]] = {
    "cut_agent": Nemesis.cut_agent,
    "half_open": Nemesis.half_open,
    "freeze_all": Nemesis.freeze_all,
    "suspend": Nemesis.suspend,
    "freeze_loop": Nemesis.freeze_loop,
    "freeze_at_start": Nemesis.freeze_at_start,
    "kill_agent": Nemesis.kill_agent,
    "stop_agent": Nemesis.stop_agent,
    "kill_before_it_tells": Nemesis.kill_before_it_tells,
    "stale_will": Nemesis.stale_will,
    "twin": Nemesis.twin,
    "forget_a_job": Nemesis.forget_a_job,
    "wall_back": Nemesis.wall_back,
    "hot": Nemesis.hot,
}
_ON_WORLD: Final[dict[str, Callable[[Nemesis, Fault], None]]] = {
    "crash": Nemesis.crash,
    "stall": Nemesis.stall,
    "cut_coordinator": Nemesis.cut_coordinator,
    "slow_disk": Nemesis.slow_disk,
    "broker_forgets": Nemesis.broker_forgets,
    "broker_restart": Nemesis.broker_restart,
    "new_lease": Nemesis.new_lease,
}
