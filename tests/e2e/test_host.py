"""A host, a coordinator and agents as real processes: killed, crashing, adopted and scaled."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.bus_client import WITHIN_S, BusClient
from tests.support.control_room import control_room
from tests.support.fleet_process import (
    HEARTBEAT_S,
    Fleet,
    Part,
    broker_for_a_fleet,
    plan_of,
    running_fleet,
)
from tests.support.processes import is_alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux proves a death")

MACHINE: Final = "pc"
HOST: Final = "host-pc"
LONG_LEASE: Final = {"heartbeat": HEARTBEAT_S, "lease_s": 120, "margin_s": 3}


def bot(folder: Path, name: str, **more: Any) -> dict[str, Any]:
    """Plan a ready-made agent that notes what it does."""
    command = [sys.executable, "-m", "agent_client", name, "--capability", "quest"]
    command += ["--heartbeat", str(HEARTBEAT_S), "--record", str(folder / "record.jsonl")]
    return script(name, command=command, **more)


def script(name: str, **more: Any) -> dict[str, Any]:
    plan = {"name": name, "machine_id": MACHINE, "capabilities": ["quest"], "auto_start": True}
    return plan | {"heartbeat_interval": HEARTBEAT_S} | more


def start_host(fleet: Fleet, *words: str) -> Part:
    return fleet.start(
        "host",
        "agent_client.host",
        *("--machine", MACHINE, "--broker", fleet.where.url, "--root", fleet.where.root),
        *("--state-dir", str(fleet.folder / "host"), "--interval", "0.5", "--patience", "4"),
        *words,
    )


@contextlib.contextmanager
def hosted(folder: Path, *agents: dict[str, Any], **more: Any) -> Iterator[tuple[Fleet, BusClient]]:
    """Run a fleet whose agents are their host's to start."""
    plan = {**plan_of([]), "agents": list(agents), **more}
    with (
        broker_for_a_fleet("embedded", folder) as where,
        running_fleet(where, folder / "fleet", [], plan) as fleet,
    ):
        try:
            yield fleet, fleet.client("ops")
        finally:
            end_all_of(fleet)


def end_all_of(fleet: Fleet) -> None:
    """Leave nothing of a host behind, whatever has become of it."""
    for part in fleet.parts:
        if part.name == "host":
            part.end()
    with contextlib.suppress(OSError, ValueError):
        for noted in json.loads((fleet.folder / "host" / "host.json").read_bytes())["processes"]:
            with contextlib.suppress(OSError, TypeError):
                os.killpg(noted["pid"], signal.SIGKILL)


def on_host(ops: BusClient, agent: str) -> dict[str, Any]:
    agents = ops.latest(f"hosts/{HOST}/actual").get("agents", [])
    found: dict[str, Any] = next((one for one in agents if one["agent"] == agent), {})
    return found


def wait_for_agent(ops: BusClient, agent: str, **fields: Any) -> dict[str, Any]:
    """Wait until the host says *fields* of *agent*."""

    def found() -> dict[str, Any]:
        said = on_host(ops, agent)
        return said if all(said.get(key) == value for key, value in fields.items()) else {}

    return ops.wait(f"{agent} with {fields}", found)


def wait_until(done: Callable[[], object]) -> None:
    end = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < end, "not within the deadline"
        time.sleep(0.02)


def test_a_host_starts_stops_and_starts_anew_what_it_is_told_to(tmp_path: Path) -> None:
    with hosted(tmp_path, script("Main"), script("Idle", auto_start=False)) as (fleet, ops):
        host = start_host(fleet)
        ops.wait_for("registry/Main", status="idle")
        first = wait_for_agent(ops, "Main", state="running")
        assert on_host(ops, "Idle") == {}

        assert ops.ask("start", agent="Idle")["ok"]
        ops.wait_for("registry/Idle", status="idle")
        assert ops.ask("restart", agent="Main")["ok"]
        second = ops.wait(
            "another process",
            lambda: (
                (said := on_host(ops, "Main")).get("pid") != first["pid"]
                and said["state"] == "running"
                and said
            ),
        )
        assert second["dead_boots"] == [first["boot"]]
        assert ops.ask("stop", agent="Idle")["ok"]
        wait_for_agent(ops, "Idle", state="stopped")
        ops.wait_for("registry/Idle", status="offline")
        numbers = ops.wait_for(f"hosts/{HOST}/metrics")["m"]
        assert {"cpu_usage", "memory_usage", "load_1m", "disk_usage"} <= numbers.keys()

        assert host.stop() == 0
        ops.wait_for(f"hosts/{HOST}/presence", state="offline")
        assert not is_alive(second["pid"])


def test_the_control_room_has_hosts_start_stop_and_start_anew(tmp_path: Path) -> None:
    own = [sys.executable, "-c", "from agent_client import Agent; Agent().run()"]
    planned = script("Main", auto_start=False, command=own)
    with (
        hosted(tmp_path, planned) as (fleet, ops),
        control_room(fleet) as room,
        room.client("operate") as operator,
    ):
        start_host(fleet)
        ops.wait_for(f"hosts/{HOST}/presence", state="online")

        def act(verb: str, agent: str = "Main") -> int:
            body = {"verb": verb, "reason": "a test"}
            return operator.post(f"/agents/{agent}/actions", json=body).status_code

        assert act("start") == 200
        # It was given neither its name nor its rhythm: they came from the host.
        ops.wait_for("registry/Main", status="idle")
        assert ops.latest("agents/Main/info")["heartbeat_s"] == HEARTBEAT_S
        first = wait_for_agent(ops, "Main", state="running")
        assert act("start") == 409

        assert act("restart") == 200
        ops.wait(
            "another process", lambda: on_host(ops, "Main").get("pid") not in {first["pid"], None}
        )
        assert act("stop") == 200
        wait_for_agent(ops, "Main", state="stopped")
        assert act("start", "Nobody") == 422


def test_what_a_killed_agent_held_is_with_another_long_before_its_lease_is_over(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "fleet"
    with hosted(tmp_path, bot(folder, "Main"), bot(folder, "Heals"), leases=LONG_LEASE) as (
        fleet,
        ops,
    ):
        start_host(fleet)
        for name in ("Main", "Heals"):
            ops.wait_for(f"registry/{name}", status="idle")
        task = ops.create("long", args={"sleep": 3})
        holder = ops.wait_for(f"tasks/{task}", status="running")["agent"]
        wait_until(lambda: fleet.runs_of(task))
        os.kill(on_host(ops, holder)["pid"], signal.SIGKILL)
        ops.wait_for(f"tasks/{task}", status="completed", attempt=2)  # a lease lasts 120 s
        first, second = fleet.runs_of(task)
        assert first.end is None
        assert second.begin > first.begin
        deaths = [heard.document for heard in ops.on("events")]
        assert [said["subject"] for said in deaths if said["kind"] == "agent_dead"] == [holder]
        ops.wait_for(f"registry/{holder}", status="idle")


def test_a_host_that_is_killed_adopts_its_agents_and_nothing_runs_twice(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    with hosted(tmp_path, bot(folder, "Main"), bot(folder, "Heals"), leases=LONG_LEASE) as (
        fleet,
        ops,
    ):
        host = start_host(fleet)
        for name in ("Main", "Heals"):
            ops.wait_for(f"registry/{name}", status="idle")
        before = {name: on_host(ops, name)["pid"] for name in ("Main", "Heals")}
        tasks = [ops.create(f"long-{n}", args={"sleep": 3}) for n in range(2)]
        for task in tasks:
            ops.wait_for(f"tasks/{task}", status="running")
        host.kill()
        ops.wait_for(f"hosts/{HOST}/presence", state="lost")
        os.kill(before["Heals"], signal.SIGKILL)  # this one dies while nobody looks
        start_host(fleet)
        ops.wait_for(f"hosts/{HOST}/presence", state="online")
        boot = ops.latest(f"hosts/{HOST}/presence")["boot"]
        ops.wait_for(f"hosts/{HOST}/actual", boot=boot)  # not that of the one before
        adopted = wait_for_agent(ops, "Main", state="running")
        assert adopted["pid"] == before["Main"]
        replaced = wait_for_agent(ops, "Heals", state="running")
        assert replaced["pid"] != before["Heals"]
        mine = next(t for t in tasks if ops.latest(f"tasks/{t}")["agent"] == "Main")
        ops.wait_for(f"tasks/{mine}", status="completed", attempt=1)
        assert len(fleet.runs_of(mine)) == 1
        assert wait_for_agent(ops, "Main", state="running")["pid"] == before["Main"]
        theirs = next(task for task in tasks if task != mine)
        (cut,) = fleet.runs_of(theirs)  # its lease is not over, and nobody proves a death unseen
        assert cut.end is None
        assert ops.latest(f"tasks/{theirs}")["attempt"] == 1


def test_an_adopted_agent_is_stopped_when_it_is_not_wanted_any_more(tmp_path: Path) -> None:
    with hosted(tmp_path, script("Main")) as (fleet, ops):
        host = start_host(fleet)
        ops.wait_for("registry/Main", status="idle")
        pid = on_host(ops, "Main")["pid"]
        host.kill()
        ops.wait_for(f"hosts/{HOST}/presence", state="lost")
        assert ops.ask("stop", agent="Main")["ok"]
        assert is_alive(pid)
        start_host(fleet)
        wait_until(lambda: not is_alive(pid))


def test_a_second_host_on_the_same_directory_says_who_has_it(tmp_path: Path) -> None:
    with hosted(tmp_path) as (fleet, ops):
        first = start_host(fleet)
        ops.wait_for(f"hosts/{HOST}/presence", state="online")
        second = start_host(fleet)
        assert second.process.wait(WITHIN_S) == 1
        assert f"a host runs already on {fleet.folder / 'host'}" in second.said()
        assert f"pid {first.process.pid}" in second.said()


def test_a_crash_looping_agent_ends_in_error_with_its_last_lines(tmp_path: Path) -> None:
    code = "print('looking for the game'); import sys; sys.exit('no game here')"
    broken = script("Broken", command=[sys.executable, "-c", code])
    with hosted(tmp_path, broken) as (fleet, ops):
        start_host(fleet, "--restarts", "2", "--restart-after", "0.1")
        card = ops.wait_for("registry/Broken", status="error")
        assert "no game here" in card["last_error"]
        said = wait_for_agent(ops, "Broken", state="error")
        assert said["last_lines"] == ["looking for the game", "no game here"]
        assert said["exit"] == "ended with exit status 1, 3 times now: given up"
        assert said["restarts"] == 2
        stories = [heard.document for heard in ops.on("events")]
        (story,) = [one for one in stories if one["kind"] == "agent_gave_up"]
        assert story["data"]["last_lines"] == ["looking for the game", "no game here"]
        assert ops.ask("start", agent="Broken")["ok"]
        ops.wait("three more", lambda: on_host(ops, "Broken").get("restarts") == 5)


def test_a_program_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with hosted(tmp_path, script("Broken", command=["/no/such/bot"])) as (fleet, ops):
        start_host(fleet, "--restarts", "0")
        card = ops.wait_for("registry/Broken", status="error")
        assert "cannot be started: /no/such/bot: No such file" in card["last_error"]


LEAVES_CHILD: Final = """
import os, subprocess, sys, time
{environment}
child = subprocess.Popen(["sleep", "60"], start_new_session=True, env=environment)
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(0.2)
sys.exit(3)
"""


@pytest.mark.parametrize(
    ("environment", "is_proven"),
    [("environment = None", True), ("environment = {}", False)],
    ids=["who left the group", "whose it is cannot be told"],
)
def test_a_death_is_proven_only_when_nothing_is_left_for_sure(
    environment: str, is_proven: bool, tmp_path: Path
) -> None:
    place = tmp_path / "child"
    code = LEAVES_CHILD.format(environment=environment)
    leaver = script("Leaver", command=[sys.executable, "-c", code, str(place)])
    with hosted(tmp_path, leaver) as (fleet, ops):
        start_host(fleet, "--restarts", "0")
        said = wait_for_agent(ops, "Leaver", state="error")
        child = int(place.read_text())
        assert len(said.get("dead_boots", [])) == is_proven
        assert is_alive(child) is not is_proven
        if not is_proven:
            os.kill(child, signal.SIGKILL)


def test_a_pool_grows_with_the_work_and_shrinks_when_it_is_done(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent_client", "--capability", "quest"]
    record = ["--heartbeat", str(HEARTBEAT_S), "--record", str(tmp_path / "fleet/record.jsonl")]
    starter = (
        "import os, sys; os.execv(sys.executable, [*sys.argv[1:], os.environ['FLEETBUS_AGENT']])"
    )
    pool = {
        "min": 1,
        "max": 3,
        "target_wait": "1s",
        "decide_every": 0.5,
        "calm": "3s",
        "machines": [MACHINE],
        "agent": {
            "capabilities": ["quest"],
            "command": [sys.executable, "-c", starter, *command, *record],
            "heartbeat_interval": HEARTBEAT_S,
        },
    }
    with hosted(tmp_path, pools={"miners": pool}) as (fleet, ops):
        start_host(fleet)
        ops.wait_for("registry/miners-1", status="idle")
        tasks = [ops.create(f"dig-{n}", args={"sleep": 1.5}) for n in range(9)]
        for name in ("miners-2", "miners-3"):
            wait_for_agent(ops, name, state="running")
        for task in tasks:
            ops.wait_for(f"tasks/{task}", status="completed", attempt=1)
        assert all(run.end is not None for run in fleet.runs())
        for name in ("miners-2", "miners-3"):
            wait_for_agent(ops, name, state="stopped")
        assert on_host(ops, "miners-1")["state"] == "running"
        stories = [heard.document for heard in ops.on("events")]
        told = [one["text"] for one in stories if one["kind"] == "pool_scaled"]
        assert "the least is more" in told[0]
        assert "tasks wait" in told[1]
        assert "were the most that were needed within 3 s" in told[-1]
