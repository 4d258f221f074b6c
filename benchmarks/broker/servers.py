"""The brokers that are compared, each as a process of its own on its own core."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import psutil

from broker.credentials.file import CredentialsFile
from broker.credentials.records import Book, Entry, fingerprint, new_secret
from protocol.access import Role

BROKER_CORE: Final = 0
LOAD_CORE: Final = 1
_ENROLLED: Final = 10_000

_NO_UVLOOP: Final = "import sys; sys.modules['uvloop'] = None; "
_OURS: Final = "from broker.__main__ import main; main(sys.argv[1:])"
_STOCK: Final = """
import asyncio, sys
from amqtt.broker import Broker

async def main():
    broker = Broker({"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{sys.argv[1]}"}}})
    await broker.start()
    await asyncio.Event().wait()

factory = None
if sys.argv[2] == "uvloop":
    import uvloop
    factory = uvloop.new_event_loop
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(main())
"""
_MOSQUITTO: Final = """listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_queued_messages 0
max_inflight_messages 1000
max_connections -1
user root
log_dest none
"""


def agent_name(number: int) -> str:
    """Return the name of an agent of the load."""
    return f"bot-{number:05}"


@dataclass(frozen=True)
class Server:
    """A running broker."""

    port: int
    process: psutil.Process
    secret: str | None = None
    """What every agent has to show, if anything."""

    def cpu_s(self) -> float:
        spent = self.process.cpu_times()
        return spent.user + spent.system

    def memory(self) -> int:
        return int(self.process.memory_info().rss)


DURABLE: Final = ("ours, durable", "mosquitto, persistent")
"""What is kept on disk: ours before it is acknowledged, mosquitto's every second."""

ENROLLED: Final = "ours, enrolled"
"""Ours, where everybody is enrolled and shows a secret."""

NAMES: Final = ("ours, uvloop", "ours, asyncio", "stock amqtt", "stock amqtt, uvloop", "mosquitto")


@contextlib.contextmanager
def running(name: str) -> Iterator[Server]:
    """Run broker *name* until the block ends."""
    port = _free_port()
    secret = new_secret() if name == ENROLLED else None
    with tempfile.TemporaryDirectory() as folder:
        command = _command(name, port, Path(folder), secret)
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path.cwd()
        )
        try:
            if len(os.sched_getaffinity(0)) > 1:
                os.sched_setaffinity(process.pid, {BROKER_CORE})
            _wait(process, port)
            yield Server(port, psutil.Process(process.pid), secret)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(name: str, port: int, folder: Path, secret: str | None) -> list[str]:
    ours = ["--mqtt-port", str(port), "--ws-port", "0"]
    match name:
        case "ours, uvloop":
            return [sys.executable, "-c", "import sys; " + _OURS, *ours]
        case "ours, durable":
            return [sys.executable, "-m", "broker", *ours, "--data", str(folder / "kept")]
        case "ours, enrolled" if secret is not None:
            file = CredentialsFile(folder / "credentials.json")
            names, hashed = map(agent_name, range(_ENROLLED)), (fingerprint(secret),)
            entries = {name: Entry(name, Role.AGENT, hashed) for name in names}
            file.change(lambda _: Book(MappingProxyType(entries)))
            rules = ["--credentials-file", str(file.path), "--require-credentials"]
            return [sys.executable, "-m", "broker", *ours, *rules]
        case "ours, asyncio":
            return [sys.executable, "-c", _NO_UVLOOP + _OURS, *ours]
        case "stock amqtt":
            return [sys.executable, "-c", _STOCK, str(port), "asyncio"]
        case "stock amqtt, uvloop":
            return [sys.executable, "-c", _STOCK, str(port), "uvloop"]
        case "mosquitto" | "mosquitto, persistent":
            binary = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
            if binary is None:
                raise FileNotFoundError("mosquitto is not installed")
            config = folder / "mosquitto.conf"
            text = _MOSQUITTO.format(port=port)
            if name == "mosquitto, persistent":
                text = text.replace("persistence false", "persistence true\nautosave_interval 1")
                text += f"persistence_location {folder}/\n"
            config.write_text(text)
            return [binary, "-c", str(config)]
        case _:
            raise ValueError(f"no broker {name!r}; there are {json.dumps(NAMES)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ChildProcessError(f"the broker ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise TimeoutError(f"no broker on port {port}")
