"""A fleet of two machines, begun with ``fleetbus init`` and carried as its words say."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.test_cli_up import WITHIN_S, up_in
from tests.support.command_line import environment, fleetbus


@pytest.mark.long
def test_what_init_writes_comes_up_and_the_other_machine_joins(tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    agents = ("--agent", "Main:quest", "--agent", "Far@LAPTOP:farming")
    begun = fleetbus("init", home, "--yes", *agents, "--reached-by", "127.0.0.1", cwd=tmp_path)
    assert begun.returncode == 0, begun.stderr
    shutil.move(home / ".fleetbus" / "machines" / "LAPTOP", away)
    with up_in(home) as running:
        # Both work already: this machine stands in for the other.
        assert {"agent Main", "agent Far"} <= set(running.state["parts"]), running.said()
        address = f"mqtts://127.0.0.1:{running.state['mqtt_port']}"
        log = (tmp_path / "host.log").open("w")
        host = subprocess.Popen(
            ["sh", away / "start-host.sh"],
            env={**environment(), "FLEETBUS_BROKER": address, "PYTHON": sys.executable},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            running.wait(lambda: "agent Far" not in running.state["parts"])
            asked = ("task", "add", "--name", "far", "--mode", "farming", "--wait", "--json")
            ports = {"FLEETBUS_MQTT_PORT": str(running.state["mqtt_port"])}
            added = fleetbus(*asked, cwd=home, variables=ports)
            assert added.returncode == 0, added.stderr + (tmp_path / "host.log").read_text()
            assert json.loads(added.stdout)["agent"] == "Far"
            listed = fleetbus("hosts", "--json", cwd=home, variables=ports)
            [there] = [one for one in json.loads(listed.stdout) if one["machine_id"] == "LAPTOP"]
            assert [one["agent"] for one in there["agents"]] == ["Far"]
        finally:
            host.terminate()
            host.wait(WITHIN_S)
            log.close()
    assert not (home / ".fleetbus" / "up.json").exists()
