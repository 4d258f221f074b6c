"""The stage of one trial: a broker, a scripted coordinator, and the agent program under test.

The coordinator answers heartbeats and acknowledges reports by itself, unless it is told not to.
"""

import contextlib
import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from coordinator.cli.conformance.bus import Bus, Heard
from protocol.errors import FleetBusError
from protocol.topics import DEFAULT_ROOT, AgentChannel, Topics

AGENT: Final = "candidate"
MODE: Final = "conformance"
HEARTBEAT_S: Final = 1.0
QUIET_S: Final = 2.5
"""How long nothing may begin that must not."""
TERM: Final = 1
ENDS_WITHIN_S: Final = 15.0
GONE_WITHIN_S: Final = 5.0
STARTS_WITHIN_S: Final = 45.0


class NotStarted(FleetBusError):
    """The program says nothing that could be judged."""


class Stage:
    """One broker and one coordinator; agents come and go, one at a time."""

    def __init__(self, command: str, folder: Path, port: int, bus: Bus) -> None:
        self.bus = bus
        self.bus.on_heard = self._answer
        self.answers = True
        """Whether heartbeats are answered with leases."""
        self.acknowledges = True
        self.grants: frozenset[str] | None = None
        """Which tasks a lease may name; None: all that are held."""
        self.held: dict[str, dict[str, Any]] = {}
        self.rev = 0
        self.boot = ""
        self.seq = 0
        self.acks: dict[str, int] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self._command = command
        self._folder = folder
        self._port = port
        self._began = 0.0
        self._processes = 0

    # --- the program

    def start(self) -> None:
        """Start the program and wait for its first heartbeat."""
        self._processes += 1
        self.boot, self.seq, self.held = "", 0, {}
        self._began = time.monotonic()
        environment = {
            "FLEETBUS_BROKER": f"mqtt://127.0.0.1:{self._port}",
            "FLEETBUS_HOST": "127.0.0.1",
            "FLEETBUS_PORT": str(self._port),
            "FLEETBUS_ROOT": DEFAULT_ROOT,
            "FLEETBUS_AGENT": AGENT,
            "FLEETBUS_HEARTBEAT_S": str(HEARTBEAT_S),
        }
        with (self._folder / f"agent-{self._processes}.log").open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the command is the user's own
                shlex.split(self._command),
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # An agent may use a connection for each message: what it says may come in any order.
        if not self.bus.wait(
            lambda: (self.boot and self.of(AgentChannel.PRESENCE)) or self.status is not None,
            STARTS_WITHIN_S,
        ):
            missing = "presence" if self.boot else "heartbeat"
            raise NotStarted(f"no {missing} within {STARTS_WITHIN_S:g} s; it said: {self.said()}")
        if not self.boot:
            raise NotStarted(f"it ended with status {self.status}; it said: {self.said()}")

    @property
    def status(self) -> int | None:
        """The exit status of the program; None while it runs."""
        return None if self.process is None else self.process.poll()

    def said(self) -> str:
        """Return the end of what the program wrote."""
        logs = sorted(self._folder.glob("agent-*.log"), key=lambda log: log.stat().st_mtime)
        return logs[-1].read_text(errors="replace")[-600:].strip() if logs else ""

    def signal(self, number: signal.Signals) -> None:
        """Send the program, with whatever it has started, a signal."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                if number is signal.SIGKILL:
                    os.killpg(self.process.pid, number)
                else:
                    self.process.send_signal(number)

    def wait_for_end(self) -> int | None:
        """Wait for the end of the program; None if it does not come."""
        if self.process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDS_WITHIN_S)
        return self.process.poll()

    def kill(self) -> None:
        """End the program by force, and everything that it has started."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(GONE_WITHIN_S)

    # --- what the coordinator says

    def assign(self, task: str, fence: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Make an assignment; :meth:`desire` says it."""
        assignment = {
            "task": task,
            "name": task,
            "mode": MODE,
            "fence": fence,
            "lease_s": 30.0,
            "margin_s": 0.2,
            "cancel_grace_s": 1.0,
            "want": "run",
            "on_lease_lost": "stop",
            "args": {},
        } | fields
        self.held[task] = assignment
        return assignment

    def desire(self, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Say what the agent should have; *fields* replace what is usual."""
        self.rev += 1
        document = {
            **self._envelope(),
            "rev": self.rev,
            "for_boot": self.boot,
            "as_of": self.seq,
            "mode": "active",
            "report_ack": self.acks,
            "tasks": list(self.held.values()),
        } | fields
        self.bus.say(f"inbox/{AGENT}/desired", document)
        return document

    def state(self) -> None:
        """Say that the coordinator is there."""
        self.bus.say("coordinator/presence", {**self._envelope(), "state": "online"})

    def roll_call(self) -> None:
        """Ask every agent to state itself."""
        self.bus.say("coordinator/rollcall", {**self._envelope(), "jitter_ms": 100}, retain=False)

    def _envelope(self) -> dict[str, Any]:
        return {"v": "1.0", "ts_ms": time.time_ns() // 1_000_000, "coord": "kit", "term": TERM}

    def _answer(self, heard: Heard) -> None:
        """Do what a coordinator does by itself; on the bus's thread."""
        said = heard.said
        if heard.channel is AgentChannel.REPORT and self.acknowledges:
            boot, seq = said.get("boot"), said.get("seq")
            if isinstance(boot, str) and isinstance(seq, int) and seq == self.acks.get(boot, 0) + 1:
                self.acks[boot] = seq
        if heard.channel is not AgentChannel.HEARTBEAT or heard.retain or heard.fault:
            return
        self.boot, self.seq = said["boot"], said["seq"]
        if self.answers:
            holding = said.get("holding", [])
            granted = [
                {"task": held["task"], "fence": held["fence"]}
                for held in holding
                if held["phase"] != "reporting"
                and (self.grants is None or held["task"] in self.grants)
            ]
            lease = {
                "boot": self.boot,
                "as_of": self.seq,
                "rev": self.rev,
                "granted": granted,
                "report_ack": self.acks,
            }
            self.bus.say(f"inbox/{AGENT}/lease", self._envelope() | lease, retain=False)

    # --- what the agent said

    def of(self, channel: AgentChannel, since: float | None = None) -> list[Heard]:
        """List what this process said, live, on *channel*, from *since* on."""
        start = self._began if since is None else since
        return [
            heard
            for heard in list(self.bus.heard)
            if heard.channel is channel and not heard.retain and heard.at >= start
        ]

    def reports(self, task: str, since: float | None = None) -> list[str]:
        """List the events reported of *task*."""
        return [
            str(heard.said.get("event"))
            for heard in self.of(AgentChannel.REPORT, since)
            if heard.said.get("task") == task
        ]

    def wait_for_report(self, task: str, *events: str, within_s: float = 8.0) -> Heard | None:
        """Wait for a report of *task* that is one of *events*."""
        return self.bus.wait(
            lambda: next(
                (
                    heard
                    for heard in self.of(AgentChannel.REPORT)
                    if heard.said.get("task") == task and heard.said.get("event") in events
                ),
                None,
            ),
            within_s,
        )

    def wait_for_state(self, state: str, since: float, within_s: float = 8.0) -> Heard | None:
        """Wait for a presence that says *state*."""
        return self.bus.wait(
            lambda: next(
                (
                    heard
                    for heard in self.of(AgentChannel.PRESENCE, since)
                    if heard.said.get("state") == state
                ),
                None,
            ),
            within_s,
        )

    def beats(self, count: int, within_s: float = 10.0) -> list[Heard]:
        """Wait for *count* more heartbeats, and return those that came."""
        since = time.monotonic()
        self.bus.wait(lambda: len(self.of(AgentChannel.HEARTBEAT, since)) >= count, within_s)
        return self.of(AgentChannel.HEARTBEAT, since)

    def holding(self) -> list[tuple[str, int, str]]:
        """Say what the newest heartbeat lists: task, fence, phase."""
        beats = self.of(AgentChannel.HEARTBEAT)
        held = beats[-1].said.get("holding", []) if beats else []
        return [(one["task"], one["fence"], one["phase"]) for one in held]

    def stays_quiet(self, task: str, seconds: float, *, since: float) -> list[str]:
        """Watch for *seconds* that *task* is not begun; return the reports that say it was."""
        begun = {"started", "progress", "succeeded"}
        self.bus.wait(lambda: begun & set(self.reports(task, since)), seconds)
        return [event for event in self.reports(task, since) if event in begun]


@contextlib.contextmanager
def staged(command: str) -> Iterator[Stage]:
    """Run a broker and a coordinator for *command*, and leave nothing behind."""
    with (
        tempfile.TemporaryDirectory(prefix="fleetbus-conformance-") as name,
        _broker(Path(name)) as (port, password),
    ):
        bus = Bus(port, password, Topics(DEFAULT_ROOT))
        stage = Stage(command, Path(name), port, bus)
        try:
            stage.state()
            yield stage
        finally:
            stage.kill()
            bus.close()


@contextlib.contextmanager
def _broker(folder: Path) -> Iterator[tuple[int, str]]:
    secret = folder / "coordinator.secret"
    secret.write_text(secrets.token_urlsafe(16))
    secret.chmod(0o600)
    options = ["--mqtt-port", "0", "--ws-port", "0", "--rate", "500"]
    options += ["--secret-file", str(secret), "--credentials-file", str(folder / "credentials")]
    with (
        (folder / "broker.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - our own broker
            [sys.executable, "-m", "broker", *options], stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise NotStarted(f"no broker: {(folder / 'broker.log').read_text()[-600:]}")
            yield json.loads(line)["mqtt_port"], secret.read_text()
        finally:
            process.terminate()
