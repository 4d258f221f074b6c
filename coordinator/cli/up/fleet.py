"""Starts the parts of a fleet in turn, each when the one that it needs is ready."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from agent_client.settings import machine_id_of
from coordinator.address import DEFAULT_PORT
from coordinator.cli import clock, screen
from coordinator.cli.bus import Bus, BusError
from coordinator.cli.fleet_state import FleetState
from coordinator.cli.local_secrets import enroll_here, with_local_operator
from coordinator.cli.up import ports
from coordinator.cli.up.data import write_state
from coordinator.cli.up.parts import broker_part, coordinator_part, host_part, web_part
from coordinator.cli.up.readiness import Before, BrokerPorts, broker_ports
from coordinator.cli.up.supervisor import PartFailed, Supervisor
from coordinator.cli.web_commands import sign_in_link
from coordinator.http.auth.sessions import make_link
from coordinator.plan.pools import member_names
from coordinator.settings import CoordinatorSettings
from protocol.names import host_name
from protocol.topics import DEFAULT_ROOT
from protocol.vocabulary import CoordinatorState

if TYPE_CHECKING:
    from coordinator.cli.up.plan import PlanInForce

HOST: Final = host_name(machine_id_of(None))
BROKER_READY_S: Final = 10.0
COORDINATOR_READY_S: Final = 20.0
WEB_READY_S: Final = 15.0
AGENTS_READY_S: Final = 20.0


class Fleet:
    """One start of everything: what was decided, and what came of it."""

    def __init__(
        self, chosen: CoordinatorSettings, in_force: "PlanInForce", say: Callable[[str], None]
    ) -> None:
        self.chosen = chosen
        self.plan = in_force.plan
        self.source = in_force.source
        self.say = say
        self.data = chosen.data.absolute()
        self.supervisor = Supervisor(chosen.data, say)
        self._own_broker = chosen.broker is None

    def start(self) -> None:
        """Start every part in turn, each when the one it needs is ready."""
        self.say(f"fleet {screen.printable(self.plan.fleet_name)!r} from {self.source}")
        self._settle_ports()
        if self._own_broker:
            self._start_broker()
        with Bus(with_local_operator(self.chosen, starter=True), self.chosen.root) as bus:
            state = FleetState(bus.topics)
            bus.listen(state.apply)
            bus.snapshot(state.filters)
            before = Before.of(state)
            self._start_coordinator(bus, state, before)
            if not self.chosen.no_web:
                self._start_web(bus)
            if not self.chosen.no_agents:
                self._start_agents(bus, state, before)
        self.supervisor.changed = self._write_state
        self._write_state()
        self._tell()

    def _settle_ports(self) -> None:
        """Find out now, in our own words, rather than later in a part's log."""
        chosen = self.chosen
        http_port = chosen.http_port
        if not chosen.no_web:
            http_port = ports.usable("--http-port", chosen.host, chosen.http_port)
        if self._own_broker:
            # Port 0 stays 0: the broker chooses and says which, so nobody can come in between.
            ports.usable("--mqtt-port", chosen.host, chosen.mqtt_port)
            ports.usable("--ws-port", chosen.host, chosen.ws_port)
        self.chosen = chosen.model_copy(update={"http_port": http_port})

    def _start_broker(self) -> None:
        here = [] if self.chosen.no_agents else [*self._auto_started(), *self._members()]
        enroll_here(self.chosen, here, [] if self.chosen.no_agents else [HOST])
        process = self.supervisor.start(broker_part(self.chosen))
        found: list[BrokerPorts] = []

        def ready() -> bool:
            said = broker_ports(process.said())
            found.extend([said] if said else [])
            return said is not None

        if not self.supervisor.wait(ready, BROKER_READY_S):
            raise PartFailed(process, f"was not ready within {BROKER_READY_S:g} s")
        update = {"mqtt_port": found[0].mqtt, "ws_port": found[0].ws}
        self.chosen = self.chosen.model_copy(update=update)
        # When it is started again it must be where everybody looks for it.
        process.part = broker_part(self.chosen)
        self.say(
            f"{screen.GOOD} broker       pid {process.pid}  "
            f"mqtt {self.chosen.mqtt_port}, websocket {self.chosen.ws_port}"
        )

    def _start_coordinator(self, bus: Bus, state: FleetState, before: Before) -> None:
        process = self.supervisor.start(coordinator_part(self.chosen))
        if not self._wait(bus, lambda: before.coordinator_is_up(state), COORDINATOR_READY_S):
            raise PartFailed(process, f"was not ready within {COORDINATOR_READY_S:g} s")
        said = state.coordinator
        if said is not None and said.state is CoordinatorState.SAFE:
            reason = screen.printable(said.reason or "", limit=1000)
            self.say(f"{screen.WARN} coordinator  pid {process.pid}  {said.state.value}: {reason}")
            return
        state_word = said.state.value if said is not None else ""
        self.say(f"{screen.GOOD} coordinator  pid {process.pid}  {state_word}")

    def _start_web(self, bus: Bus) -> None:
        process = self.supervisor.start(web_part(self.chosen))
        where = self.chosen.broker_address.host, self.chosen.http_port

        def settled() -> bool:
            return process.status is not None or ports.answers(*where, within_s=0.1)

        if not self._wait(bus, settled, WEB_READY_S) or process.status is not None:
            said = [screen.printable(line, limit=300) for line in process.said()[-1:]]
            self.say(
                f"{screen.WARN} web          does not serve: {' '.join(said) or 'it said nothing'} "
                f"(log: {process.log}); the fleet runs without it"
            )
            return
        self.say(f"{screen.GOOD} web          pid {process.pid}  {self.chosen.http_address}")

    def _start_agents(self, bus: Bus, state: FleetState, before: Before) -> None:
        process = self.supervisor.start(host_part(self.chosen))
        self.say(f"{screen.GOOD} host         pid {process.pid}")
        waiting = self._auto_started()
        if waiting:
            self.say(f"starting {', '.join(waiting)}")

        def ready() -> bool:
            self.supervisor.look_at_agents()
            gave_up = self.supervisor.agents.ailing
            waiting[:] = [
                name
                for name in waiting
                if name not in gave_up and not before.agent_is_up(state, name)
            ]
            return not waiting

        if not self._wait(bus, ready, AGENTS_READY_S):
            names = ", ".join(waiting)
            self.say(
                f"{screen.WARN} not on the bus after {AGENTS_READY_S:g} s, but running: {names}; "
                f"their logs are in {self.data / 'logs'}"
            )

    def _auto_started(self) -> list[str]:
        return [agent.name for agent in self.plan.agents if agent.auto_start]

    def _members(self) -> list[str]:
        return [
            name for pool, its in self.plan.pools.items() for name in member_names(pool, its.max)
        ]

    def _wait(self, bus: Bus, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait on the bus, while looking after the processes."""

        def done() -> bool:
            self.supervisor.check_starting()
            return ready()

        try:
            return bus.wait_for(done, seconds)
        except BusError:
            self.supervisor.check_starting()  # if our own broker is the reason, say that
            raise

    def _write_state(self) -> None:
        processes = self.supervisor.processes
        chosen = self.chosen
        state: dict[str, Any] = {
            "pid": os.getpid(),
            "host": chosen.host,
            "mqtt_port": chosen.mqtt_port if self._own_broker else chosen.broker_address.port,
            "ws_port": chosen.ws_port if self._own_broker else None,
            "http_port": None if chosen.no_web else chosen.http_port,
            "broker": str(chosen.broker_address),
            "root": chosen.root,
            "plan": str(chosen.plan_file),
            "logs": str(self.data / "logs"),
            "parts": {
                process.part.name: {
                    "kind": process.part.kind.value,
                    "name": process.part.name,
                    "pid": process.pid,
                    "log": str(process.log.absolute()),
                }
                for process in processes
            }
            | {
                f"agent {name}": {
                    "kind": "agent",
                    "name": name,
                    "pid": pid,
                    "log": str(self.data / "logs" / f"agent-{name}.log"),
                }
                for name, pid in self.supervisor.agents.running.items()
            },
        }
        write_state(chosen.data, state)

    def _tell(self) -> None:
        chosen, address = self.chosen, self.chosen.broker_address
        # Where a name is needed it is in the variables, and the commands find it there as well.
        is_plain = address.port != DEFAULT_PORT and address.username is None
        flags = f" --broker {address}" if is_plain else ""
        flags += "" if chosen.root == DEFAULT_ROOT else f" --root {chosen.root}"
        sub = f"mosquitto_sub -h {address.host} -p {address.port} -t '{chosen.root}/v1/#' -v"
        rows = {
            "data, store and logs": str(self.data),
            "watch it": f"fleetbus watch{flags}",
            "watch the raw bus": sub,
            "add a task": f"fleetbus task add --name hello --mode quest{flags}",
        }
        if not chosen.no_web:
            link = sign_in_link(chosen, make_link(chosen.data, clock.now_ms()))
            rows["control room, once"] = link
        for what, where in rows.items():
            self.say(f"  {what:<21} {where}")
        self.say("Ctrl-C stops everything in order.")
