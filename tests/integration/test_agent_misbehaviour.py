"""A bot whose handlers do everything wrong: it stays a good bot, or ends so that all can see it.

Isolated handlers can do nothing to the bot. Handlers in threads share its process: what they may
do without harm is tried first, then what ends it, then what leaves it standing.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.bus_client import WITHIN_S
from tests.support.fleet_process import (
    HEARTBEAT_S,
    Fleet,
    Part,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
    wait_until_idle,
)
from tests.support.processes import is_alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends groups and guards")

ROOT: Final = str(Path(__file__).parents[2])

BOT: Final = """
import sys, os
from agent_client import Agent
from tests.unit.agent_client import misbehaviour

broker, root, heartbeat_s, *modes = sys.argv[1:]
agent = Agent("bot-1", broker=broker, root=root, heartbeat_s=float(heartbeat_s),
              capabilities=modes, slots=int(os.environ["SLOTS"]))
for name in modes:
    isolation = os.environ.get("ISOLATION")
    agent.add_handler(getattr(misbehaviour, name), name, isolation=isolation)

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


@contextlib.contextmanager
def a_fleet(tmp_path: Path) -> Iterator[Fleet]:
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "bot.py").write_text(BOT)
    with (
        broker_for_a_fleet(brokers_to_test()[0], tmp_path) as where,
        running_fleet(where, folder, [], plan_of(["bot-1"])) as fleet,
    ):
        yield fleet


def start_bot(fleet: Fleet, *modes: str, **variables: str) -> Part:
    path = {"PYTHONPATH": os.pathsep.join([str(fleet.folder), ROOT])}
    words = (fleet.where.url, fleet.where.root, str(HEARTBEAT_S), *modes)
    return fleet.start("bot-1", "bot", *words, environment=path | variables)


def test_no_misbehaviour_of_an_isolated_handler_reaches_the_bot(tmp_path: Path) -> None:
    with a_fleet(tmp_path) as fleet:
        bot = start_bot(fleet, *ENDS, *GOOD, SLOTS="1", ISOLATION="process")
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


def test_a_handler_in_a_thread_fails_its_task_or_ends_its_bot_and_all_can_see_it(
    tmp_path: Path,
) -> None:
    modes = ("raises", "sys_exit", "forks", "deaf", "closes_files", "holds_the_gil", "good")
    with a_fleet(tmp_path) as fleet:
        bot = start_bot(fleet, *modes, SLOTS="2")
        client = fleet.client("me")
        wait_until_idle(client, ["bot-1"])

        for mode, code in (("raises", "ValueError"), ("sys_exit", "SystemExit")):
            task = client.create(mode, mode, max_attempts=1)
            assert client.wait_for(f"tasks/{task}", status="failed")["error"]["code"] == code

        # Of two processes that return, one is the bot; the other would keep its connection open.
        task = client.create("forks", "forks")
        copy = client.wait_for(f"tasks/{task}", status="completed", attempt=1)["result"]
        client.wait("the end of the copy", lambda: not is_alive(copy))

        # A thread cannot be killed: its slot is lost, and said to be, and the bot works on.
        hanging = client.create("deaf", "deaf")
        client.wait_for(f"tasks/{hanging}", phase="running")
        assert client.ask("cancel", task=hanging)["ok"]
        task = client.create("good", "good")
        client.wait_for(f"tasks/{task}", status="completed", attempt=1)
        beats = len(client.on("agents/bot-1/heartbeat"))
        later = client.wait(
            "two heartbeats more", lambda: client.on("agents/bot-1/heartbeat")[beats + 1 :]
        )
        assert [one["task"] for one in later[-1].document["holding"]] == [hanging]
        assert client.latest(f"tasks/{hanging}")["status"] == "running"

        # Without its sockets it cannot be an agent: it says so by ending.
        task = client.create("closes files", "closes_files", max_attempts=1)
        client.wait_for("agents/bot-1/presence", state="lost")
        assert bot.process.wait(WITHIN_S) != 0
        assert client.wait_for(f"tasks/{task}", status="failed")["error"]["code"] == "lost"

        # Who holds the interpreter silences the whole bot; the fleet does not wait for it.
        bot = start_bot(fleet, *modes, SLOTS="2")
        wait_until_idle(client, ["bot-1"])
        task = client.create("holds the GIL", "holds_the_gil", max_attempts=1)
        assert client.wait_for(f"tasks/{task}", status="failed")["error"]["code"] == "lost"
        client.wait_for("registry/bot-1", status="offline")
        assert bot.process.poll() is None
        bot.kill()
