"""Real brokers, as processes of their own, for tests that need a bus.

Which ones a test runs against is chosen with ``FLEETBUS_TEST_BROKER=embedded|mosquitto|both``.
"""

import contextlib
import json
import os
import queue
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HOST: Final = "127.0.0.1"
READY_WITHIN_S: Final = 60.0
_ENDS_WITHIN_S: Final = 5.0
_ATTEMPTS: Final = 3  # a free port may be taken between its choice and its use


@dataclass(frozen=True)
class BrokerAddress:
    """Where a running broker is, and what a coordinator needs to get in."""

    host: str
    port: int
    ws_port: int | None
    coordinator_password: str
    secret_file: Path
    process: subprocess.Popen[str]
    answers_within_s: float = 30.0
    """How long a test waits for its next packet."""
    settles_s: float = 0.0
    """How long after its answer what was said takes effect; others answer when it has."""
    keeps_out_times: int = 0
    """How often in a row it may hold and then drop a client id that came back before it had seen
    the last connection's end."""

    def url(self, user: str | None = None) -> str:
        """Return the broker's URL for *user*; a coordinator's holds its password."""
        if user is None:
            return f"mqtt://{self.host}:{self.port}"
        if user == "coordinator" or user.startswith("coordinator-"):
            user = f"{user}:{self.coordinator_password}"
        return f"mqtt://{user}@{self.host}:{self.port}"


HABITS: Final[dict[str, dict[str, Any]]] = {"nats": {"settles_s": 0.2, "keeps_out_times": 3}}
"""How servers of one kind behave otherwise than all others."""


@contextlib.contextmanager
def embedded_broker(
    tmp_path: Path,
    *,
    mqtt_port: int = 0,
    ws_port: int = 0,
    root: str = "fleet",
    require_credentials: bool = False,
    rate: float = 50.0,
    patience: float = 10.0,
    data: Path | None = None,
) -> Iterator[BrokerAddress]:
    """Run the embedded broker with the folder's secret, or a fresh one; a port of 0 is free.

    Who is in the folder's ``credentials.json`` is enrolled.
    """
    secret_file = tmp_path / "coordinator.secret"
    if not secret_file.exists():
        secret_file.touch(mode=0o600)
        secret_file.write_text(secrets.token_urlsafe(16) + "\n")
    password = secret_file.read_text().strip()
    options = {
        "--mqtt-port": mqtt_port,
        "--ws-port": ws_port,
        "--root": root,
        "--secret-file": secret_file,
        "--credentials-file": tmp_path / "credentials.json",
        "--rate": rate,
        "--patience": patience,
    }
    arguments = [str(part) for option in options.items() for part in option]
    arguments += ["--require-credentials"] if require_credentials else []
    arguments += ["--data", str(data)] if data else []
    log = tmp_path / "broker.log"
    with process_of([sys.executable, "-m", "broker", *arguments], log) as process:
        ports = json.loads(_first_line(process, log))
        wait_for_port(ports["mqtt_port"], process, log)
        yield BrokerAddress(
            host=HOST,
            port=ports["mqtt_port"],
            ws_port=ports["ws_port"],
            coordinator_password=password,
            secret_file=secret_file,
            process=process,
        )


@contextlib.contextmanager
def open_broker(
    tmp_path: Path, limits: Mapping[str, int] | None = None, *, data: Path | None = None
) -> Iterator[BrokerAddress]:
    """Run the embedded broker without the fleet's rules, with other *limits* where given.

    What it is to keep over a restart is in *data*.
    """
    log = tmp_path / "open-broker.log"
    command = [
        sys.executable,
        "-m",
        "tests.support.open_broker",
        "--limits",
        json.dumps(limits or {}),
    ]
    command += ["--data", str(data)] if data else []
    with process_of(command, log) as process:
        ports = json.loads(_first_line(process, log))
        yield BrokerAddress(
            host=HOST,
            port=ports["mqtt_port"],
            ws_port=ports["ws_port"],
            coordinator_password="",
            secret_file=tmp_path,
            process=process,
        )


@contextlib.contextmanager
def mosquitto_broker(tmp_path: Path, *, mqtt_port: int = 0) -> Iterator[BrokerAddress]:
    """Run mosquitto without access rules or persistence; a port of 0 is a free one."""
    binary = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if binary is None:
        raise FileNotFoundError("mosquitto is not installed; `make test` installs it")
    secret_file = tmp_path / "coordinator.secret"
    secret_file.write_text("mosquitto asks for none\n")
    for attempt in range(1, _ATTEMPTS + 1):
        port = mqtt_port or free_port()
        config = tmp_path / f"mosquitto-{port}.conf"
        config.write_text(
            f"listener {port} {HOST}\n"
            "allow_anonymous true\n"
            "persistence false\n"
            "set_tcp_nodelay true\n"
            "max_queued_messages 0\n"  # the default of 1000 drops messages in a burst
            "max_inflight_messages 1000\n"
            "user root\n"  # when started by root: stay who can read the temporary folder
            "log_dest stderr\n"
        )
        log = tmp_path / "mosquitto.log"
        with process_of([binary, "-c", str(config)], log) as process:
            try:
                wait_for_port(port, process, log)
            except ChildProcessError:
                if attempt == _ATTEMPTS or mqtt_port:
                    raise
                continue
            yield BrokerAddress(
                host=HOST,
                port=port,
                ws_port=None,
                coordinator_password="",
                secret_file=secret_file,
                process=process,
            )
            return


@contextlib.contextmanager
def nats_broker(tmp_path: Path, *, mqtt_port: int = 0) -> Iterator[BrokerAddress]:
    """Run nats-server with its MQTT gateway, open to everyone; a port of 0 is a free one."""
    port = mqtt_port or free_port()
    config = tmp_path / f"nats-{port}.conf"
    config.write_text(
        "server_name: test\n"
        f'host: "{HOST}"\nport: -1\n'
        f'jetstream {{ store_dir: "{tmp_path}/jetstream" }}\n'
        f'mqtt {{ host: "{HOST}", port: {port}, max_ack_pending: 1000 }}\n'
    )
    binary = Path(sys.executable).with_name("nats-server")
    log = tmp_path / "nats.log"
    with process_of([str(binary), "-c", str(config)], log) as process:
        wait_for_port(port, process, log)
        yield BrokerAddress(HOST, port, None, "", tmp_path, process, **HABITS["nats"])


BROKERS: Final[dict[str, Callable[[Path], AbstractContextManager[BrokerAddress]]]] = {
    "embedded": embedded_broker,
    "mosquitto": mosquitto_broker,
}


def chosen_brokers() -> list[str]:
    """Name the brokers to test against, for ``pytest.mark.parametrize``."""
    chosen = os.environ.get("FLEETBUS_TEST_BROKER", "both")
    if chosen == "both":
        return list(BROKERS)
    if chosen not in BROKERS:
        raise ValueError(
            f"FLEETBUS_TEST_BROKER is {chosen!r}; it must be one of {', '.join(BROKERS)} or both"
        )
    return [chosen]


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def process_of(
    command: list[str], log: Path, cwd: Path = Path(__file__).parents[2]
) -> Iterator[subprocess.Popen[str]]:
    """Run *command* until the end of the context, with its errors in *log*."""
    with (
        log.open("a") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=cwd,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _first_line(process: subprocess.Popen[str], log: Path) -> str:
    lines: queue.Queue[str] = queue.Queue()
    stdout = process.stdout
    if stdout is None:
        raise ValueError("the process has no standard output to read")
    reader = threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True)
    reader.start()
    try:
        line = lines.get(timeout=READY_WITHIN_S)
    except queue.Empty:
        raise TimeoutError(f"no broker after {READY_WITHIN_S} s: {log.read_text()}") from None
    if not line:
        raise ChildProcessError(f"the broker ended early: {log.read_text()}")
    return line


def wait_for_port(port: int, process: subprocess.Popen[str], log: Path) -> None:
    """Return once *port* accepts; a refused attempt returns at once, so there is a pause."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ChildProcessError(f"the broker ended early: {log.read_text()}")
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port} after {READY_WITHIN_S} s")
