"""The bots of the README and of the how-to pages are run as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.fleet_process import (
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
    wait_until_idle,
)

ROOT: Final = Path(__file__).parents[2]
MOST_LINES: Final = 20


def code_of(page: str, mark: str) -> str:
    """Return the first Python block of *page* that has *mark* in it."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return next(block for block in blocks if mark in block)


def test_the_bot_of_the_readme_works_as_it_is_printed(tmp_path: Path) -> None:
    bot = code_of("README.md", "agent.run()")
    assert len(bot.strip().splitlines()) <= MOST_LINES
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "bot.py").write_text(bot)
    with (
        broker_for_a_fleet(brokers_to_test()[0], tmp_path) as where,
        running_fleet(where, folder, [], plan_of(["Main"])) as fleet,
    ):
        fleet.start(
            "Main",
            "bot",
            environment={
                "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
                "FLEETBUS_BROKER": where.url,
                "FLEETBUS_ROOT": where.root,
            },
        )
        client = fleet.client("me")
        wait_until_idle(client, ["Main"])
        task = client.create("hello", "quest")
        assert client.wait_for(f"tasks/{task}", 40, status="completed")["result"] == {"gold": 42}


def test_the_tests_of_the_how_to_pass_as_they_are_printed(tmp_path: Path) -> None:
    (tmp_path / "test_bot.py").write_text(
        code_of("docs/how-to/testing-a-bot.md", "FakeCoordinator")
    )
    tried = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bot.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout
    assert "4 passed" in tried.stdout
