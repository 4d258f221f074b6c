"""The README's commands, copied from it and run as they are printed."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.brokers import free_port

ROOT: Final = Path(__file__).parents[2]
WITHIN_S: Final = 60.0
ELSEWHERE: Final = {
    "make demo": "tests/e2e/test_cli_demo.py",
    "make test": "what runs this",
    "pip install": "tests/e2e/test_package.py",
    "fleetbus up": "tests/e2e/test_cli_init.py",
}
"""Commands that another test runs, by how they begin."""
ENDLESS: Final = ("mosquitto_sub", ".venv/bin/fleetbus watch")
NOT_HERE: Final = {".fleetbus", "build", ".git"}


class Checkout:
    """A fresh directory with everything of the sources, where the README's reader stands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for entry in ROOT.iterdir():
            if entry.name not in NOT_HERE:
                (folder / entry.name).symlink_to(entry)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("FLEETBUS_", "MAKE"))}
        self.port = free_port()
        ports = {"MQTT": self.port, "WS": free_port(), "HTTP": free_port()}
        more = {f"FLEETBUS_{kind}_PORT": str(port) for kind, port in ports.items()}
        own = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
        self.environment = {**clean, **more, "PATH": own, "COLUMNS": "160"}

    def start(self, command: str, log: Path) -> subprocess.Popen[bytes]:
        # Only the port is another one: somebody else may use the usual one on this machine.
        text = command.replace("-h 127.0.0.1", f"-h 127.0.0.1 -p {self.port}")
        with log.open("wb") as output:
            return subprocess.Popen(
                ["bash", "-c", f"exec {text}"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Whoever runs the tests in the background has made them deaf to Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 -- one thread
            )

    def run(self, command: str) -> str:
        log = self.folder / "said.log"
        process = self.start(command, log)
        try:
            if command.startswith(ENDLESS):
                wait_for(log, "", process)
                process.send_signal(signal.SIGINT)
                process.wait(WITHIN_S)
                assert log.read_text(), f"{command} says nothing"
            else:
                status = process.wait(WITHIN_S)
                assert status == 0, f"{command}: {status}\n{log.read_text()}"
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(WITHIN_S)
        return log.read_text()


def wait_for(log: Path, text: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until *process* has said *text*, or anything at all."""
    end = time.monotonic() + WITHIN_S
    while not (said := log.read_text()) or text not in said:
        assert process.poll() is None, said
        assert time.monotonic() < end, said
        time.sleep(0.05)


def commands() -> list[str]:
    """Return every command of the README's shell blocks, in its order."""
    page = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.partition("  #")[0] for line in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """Where the first command of the README was given, and everything is up."""
    here = Checkout(tmp_path)
    log, state = tmp_path / "up.log", tmp_path / ".fleetbus" / "up.json"
    up = here.start(commands()[0], log)
    try:
        wait_for(log, "Ctrl-C stops everything", up)
        assert state.exists()
        yield here
        os.killpg(up.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        up.wait(WITHIN_S)
        assert not state.exists(), log.read_text()
    finally:
        if up.poll() is None:
            os.killpg(up.pid, signal.SIGINT)
            up.wait(WITHIN_S)


@pytest.mark.long
def test_the_commands_of_the_readme_do_what_it_says(checkout: Checkout, tmp_path: Path) -> None:
    first, *others = commands()
    assert first == "make up"
    said: dict[str, str] = {}
    for command in others:
        if command.startswith(tuple(ELSEWHERE)):
            continue
        given = command.replace("fleetbus init", f"fleetbus init {tmp_path / 'own'}")
        said[command] = checkout.run(given.replace(" ID", " t1-000001"))
    assert "completed" in said[".venv/bin/fleetbus task add --name hello --mode quest --wait"]
    assert "Heals" in said[".venv/bin/fleetbus agents"]
    asked = next(command for command in said if command.startswith("mosquitto_pub"))
    assert asked.count("submit/me") == 1
    assert "t1-000002" in checkout.run(".venv/bin/fleetbus tasks")
    assert len(said) >= 10


def test_every_command_of_the_readme_is_run_by_some_test() -> None:
    for named in ELSEWHERE.values():
        assert " " in named or (ROOT / named).is_file()
    assert {
        start for start in ELSEWHERE if not any(c.startswith(start) for c in commands())
    } == set()
