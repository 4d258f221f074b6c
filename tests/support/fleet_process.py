"""A coordinator and agents as real processes, started, killed and judged by their own records.

Everything is in one folder: the plan, the coordinator's data, a log for each process, and the
record in which the agents note when their handlers really begin and end.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support.brokers import BROKERS, chosen_brokers
from tests.support.bus_client import BusClient, Where
from tests.support.ground_truth import Run, read_runs

OUTSIDE: Final = "outside"
HEARTBEAT_S: Final = 0.3
LEASE_S: Final = 3.0
MARGIN_S: Final = 0.3
CAPABILITIES: Final = ("quest", "combat")
_ROOT: Final = Path(__file__).parents[2]
READY_WITHIN_S: Final = 60.0
_ENDS_WITHIN_S: Final = 60.0
_IS_KILLED_AFTER_S: Final = 8.0
_LOG_SHOWN: Final = 40


def brokers_to_test() -> list[str]:
    """Name the brokers to test against; ``FLEETBUS_BROKER`` chooses one that runs already."""
    return [OUTSIDE] if os.environ.get("FLEETBUS_BROKER") else chosen_brokers()


@contextlib.contextmanager
def broker_for_a_fleet(kind: str, folder: Path) -> Iterator[Where]:
    """Run a broker of *kind* in *folder*; the outside one gets a root that is new to it."""
    if kind == OUTSIDE:
        parts = urlsplit(os.environ["FLEETBUS_BROKER"])
        root = f"test-{secrets.token_hex(6)}"
        yield Where(parts.hostname or "", parts.port or 1883, root, parts.password or "")
        return
    with BROKERS[kind](folder) as broker:
        yield Where(broker.host, broker.port, "fleet", broker.coordinator_password)


def plan_of(agents: Sequence[str], **more: Any) -> dict[str, Any]:
    """Make a plan with short leases; *more* replaces whole keys of it."""
    plan: dict[str, Any] = {
        "fleet_name": "Test fleet",
        "agents": [
            {"name": name, "capabilities": CAPABILITIES, "heartbeat_interval": HEARTBEAT_S}
            for name in agents
        ],
        "leases": {"heartbeat": HEARTBEAT_S, "lease_s": LEASE_S, "margin_s": MARGIN_S},
    }
    return plan | more


@dataclass
class Part:
    """One process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(_ENDS_WITHIN_S)

    def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_ENDS_WITHIN_S)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(_IS_KILLED_AFTER_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass
class Fleet:
    """The parts of one fleet; see :func:`running_fleet`."""

    where: Where
    folder: Path
    parts: list[Part] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of every part."""
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def record(self) -> Path:
        return self.folder / "record.jsonl"

    def part(self, name: str) -> Part:
        """Return the newest process of that name."""
        return next(part for part in reversed(self.parts) if part.name == name)

    @property
    def coordinator_environment(self) -> dict[str, str]:
        return {
            "FLEETBUS_PLAN": str(self.folder / "plan.json"),
            "FLEETBUS_DATA": str(self.folder / "data"),
            "FLEETBUS_BROKER": self.where.coordinator_url,
            "FLEETBUS_BROKER_PROFILE": self.where.profile,
            "FLEETBUS_ROOT": self.where.root,
        }

    def start_coordinator(
        self, module: str = "coordinator", *words: str, broker: str | None = None
    ) -> Part:
        environment = self.coordinator_environment
        if broker is not None:
            environment["FLEETBUS_BROKER"] = broker
        return self.start("coordinator", module, *words, environment=environment)

    def start_agent(
        self, name: str, *words: str, broker: str | None = None, module: str = "agent_client"
    ) -> Part:
        """Start a ready-made agent, or one that *module* makes; *words* are further arguments."""
        can = [word for capability in CAPABILITIES for word in ("--capability", capability)]
        return self.start(
            name,
            module,
            name,
            *("--broker", broker or self.where.url, "--root", self.where.root),
            *("--heartbeat", str(HEARTBEAT_S), "--record", str(self.record), "--verbose"),
            *can,
            *words,
            environment={"FLEETBUS_BROKER_PROFILE": self.where.profile},
        )

    def start(
        self, name: str, module: str, *words: str, environment: Mapping[str, str] | None = None
    ) -> Part:
        """Run ``python -m module`` as a part called *name*."""
        clean = {key: value for key, value in os.environ.items() if key[:9] != "FLEETBUS_"}
        log = self.folder / f"{len(self.parts):02}-{name}.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                cwd=self.folder,
                env=clean
                | {"PYTHONPATH": os.pathsep.join([*_before_it(), str(_ROOT)])}
                | dict(self.environment)
                | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        part = Part(name, process, log)
        self.parts.append(part)
        return part

    def client(
        self, name: str | None = None, *, topics: str = "#", comes_back: bool = False
    ) -> BusClient:
        """Connect to the fleet's bus until the fleet ends."""
        client = BusClient(self.where, name, topics=topics, comes_back=comes_back)
        return self.stack.enter_context(client)

    def runs(self) -> list[Run]:
        """Read what the agents noted, in the order of the beginnings."""
        return read_runs(self.record)

    def runs_of(self, task: str) -> list[Run]:
        return [run for run in self.runs() if run.task == task]

    def show_logs(self) -> None:
        """Print the ends of all logs; pytest shows them when a test has failed."""
        for part in self.parts:
            lines = part.said().splitlines()[-_LOG_SHOWN:]
            print(f"--- {part.log.name} (exit status {part.process.poll()})", *lines, sep="\n")  # noqa: T201 -- for whoever reads the failure


def machine_now() -> float:
    """Return the time on the clock of the agents' records."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@contextlib.contextmanager
def running_fleet(
    where: Where,
    folder: Path,
    agents: Sequence[str],
    plan: Mapping[str, Any],
    words: Sequence[str] = (),
    *,
    watched_at: Where | None = None,
    coordinator: str = "coordinator",
    coordinator_at: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Fleet]:
    """Run a coordinator and *agents*, and wait until all are idle; end them all in the end.

    *words* are further arguments of every agent, *environment* is every part's. Of several servers,
    *watched_at* is the one where they will meet. *coordinator* is the module to run as such, and
    *coordinator_at* its own way to the broker.
    """
    folder.mkdir(exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan))
    fleet = Fleet(where, folder, environment=environment or {})
    fleet.record.touch()
    with fleet.stack:
        fleet.stack.callback(fleet.show_logs)
        try:
            fleet.start_coordinator(coordinator, broker=coordinator_at)
            for name in agents:
                fleet.start_agent(name, *words)
            with BusClient(watched_at or where) as watcher:
                wait_until_idle(watcher, agents)
            yield fleet
        finally:
            for part in reversed(fleet.parts):
                part.end()


def wait_until_idle(watcher: BusClient, agents: Sequence[str]) -> None:
    """Wait until the coordinator is online and has nothing for any of *agents* to do."""
    watcher.wait_for("coordinator/presence", READY_WITHIN_S, state="online")
    for name in agents:
        watcher.wait_for(f"registry/{name}", READY_WITHIN_S, status="idle")


def _before_it() -> list[str]:
    """Return where code lies that goes before this tree's: what was compiled of it."""
    return list(filter(None, [os.environ.get("PYTHONPATH")]))
