"""The tutorial, followed to the letter: each block is run as it is printed, in its order."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.brokers import free_port

ROOT: Final = Path(__file__).parents[2]
WITHIN_S: Final = 60.0
BLOCK: Final = re.compile(
    r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
STAYS: Final = {"fleetbus up": "Ctrl-C stops everything", "python bot.py": ""}
"""What runs in a terminal of its own, and what it says when it is ready."""


@dataclass(frozen=True)
class Block:
    """One block of the page: its language, the file that it is, and its text."""

    language: str
    file: str
    text: str


class Terminals:
    """One terminal in which commands follow one another, and one for each that stays."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.variables = variables
        self.staying: list[subprocess.Popen[bytes]] = []
        self.said = ""

    @property
    def home(self) -> Path:
        return self.folder / "first-fleet"

    def run(self, text: str) -> None:
        # The second and third terminal begin where the first one did.
        where = self.folder if "cd first-fleet" in text else self.home
        port = self.variables["FLEETBUS_MQTT_PORT"]
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text.replace("127.0.0.1", f"127.0.0.1 -p {port}")],
            cwd=where,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        self.said = ran.stdout
        assert ran.returncode == 0, f"{text}\n{ran.stdout}"

    def stay(self, command: str, ready: str) -> None:
        log = self.home / f"{command.rsplit(maxsplit=1)[-1]}.log"
        broker = f"mqtt://127.0.0.1:{self.variables['FLEETBUS_MQTT_PORT']}"
        more = {"FLEETBUS_BROKER": broker} if command.startswith("python") else {}
        with log.open("wb") as output:
            process = subprocess.Popen(
                command.split(),
                cwd=self.home,
                env=self.variables | more,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.staying.append(process)
        end = time.monotonic() + WITHIN_S
        while ready not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)

    def leave(self) -> list[int]:
        """Press Ctrl-C in each terminal, the newest first."""
        for process in reversed(self.staying):
            process.send_signal(signal.SIGINT)
        return [process.wait(WITHIN_S) for process in self.staying]


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    """Terminals with this environment's commands, on ports that are free."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEETBUS_")}
    ports = {f"FLEETBUS_{kind}_PORT": str(free_port()) for kind in ("MQTT", "WS", "HTTP")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    opened = Terminals(tmp_path, {**clean, **ports, "PATH": path, "COLUMNS": "160"})
    try:
        yield opened
    finally:
        for process in opened.staying:
            if process.poll() is None:  # asked, because `fleetbus up` ends what it has started
                process.send_signal(signal.SIGINT)
                process.wait(WITHIN_S)


def blocks() -> list[Block]:
    page = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    return [Block(*found) for found in BLOCK.findall(page)]


@pytest.mark.long
def test_whoever_follows_the_tutorial_sees_what_it_says(terminals: Terminals) -> None:
    kinds = [block.language for block in blocks()]
    assert set(kinds) == {"sh", "text", "python"}
    assert kinds.count("text") >= 6
    for block in blocks():
        command = block.text.strip()
        if block.language == "python":
            (terminals.home / block.file).write_text(block.text)
        elif block.language == "text":
            for line in block.text.splitlines():
                assert line in terminals.said, f"{line!r} is not in\n{terminals.said}"
        elif command in STAYS:
            terminals.stay(command, STAYS[command])
        else:
            terminals.run(block.text)
    assert terminals.leave() == [0, 0]
