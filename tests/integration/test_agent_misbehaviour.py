"""A bot whose isolated handlers do everything wrong, one after the other, stays a good bot."""

import os
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.fleet_process import (
    HEARTBEAT_S,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
    wait_until_idle,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends groups and guards")

ROOT: Final = str(Path(__file__).parents[2])

BOT: Final = """
import sys
from agent_client import Agent
from tests.unit.agent_client import misbehaviour

broker, root, heartbeat_s, *modes = sys.argv[1:]
agent = Agent("bot-1", broker=broker, root=root, heartbeat_s=float(heartbeat_s),
              capabilities=modes)
for name in modes:
    agent.add_handler(getattr(misbehaviour, name), name, isolation="process")

if __name__ == "__main__":
    agent.run()
"""

ENDS: Final = {
    "raises": "ValueError",
    "sys_exit": "SystemExit",
    "os_exit": "exit_3",
    "segfault": "signal_11",
    "closes_files": "exit_121",
    "holds_the_gil": "run_limit",
    "hangs": "run_limit",
}
GOOD: Final = ("forks", "good")


def test_no_misbehaviour_of_an_isolated_handler_reaches_the_bot(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "bot.py").write_text(BOT)
    with (
        broker_for_a_fleet(brokers_to_test()[0], tmp_path) as where,
        running_fleet(where, folder, [], plan_of(["bot-1"])) as fleet,
    ):
        bot = fleet.start(
            "bot-1",
            "bot",
            *(where.url, where.root, str(HEARTBEAT_S), *ENDS, *GOOD),
            environment={"PYTHONPATH": os.pathsep.join([str(folder), ROOT])},
        )
        client = fleet.client("me")
        wait_until_idle(client, ["bot-1"])
        first = client.latest("agents/bot-1/presence")
        for mode, code in ENDS.items():
            spec = {"max_attempts": 1, "run_limit_s": 1.0 if code == "run_limit" else 30.0}
            task = client.create(mode, mode, **spec)
            ended = client.wait_for(f"tasks/{task}", status="failed")
            assert ended["error"]["code"] == code
        for mode in GOOD:
            task = client.create(mode, mode)
            client.wait_for(f"tasks/{task}", status="completed", attempt=1)
        assert bot.process.poll() is None
        assert client.latest("agents/bot-1/heartbeat")["boot"] == first["boot"]
