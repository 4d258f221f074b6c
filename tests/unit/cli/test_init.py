"""``fleetbus init`` by itself: what it asks, writes, refuses, and never overwrites."""

import json
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from broker.credentials.file import CredentialsFile
from coordinator.cli.app import app
from coordinator.plan.load import examine_file
from protocol.access import Role

HERE = socket.gethostname()


def init(folder: Path, *words: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["init", str(folder), *words], input=typed)


def plan_in(folder: Path) -> dict[str, Any]:
    examined = examine_file(folder / "config" / "fleet_plan.json")
    assert examined.problems == ()
    assert examined.plan is not None
    return examined.plan.document()


def test_without_questions_there_is_a_fleet_of_one_agent_on_this_machine(tmp_path: Path) -> None:
    said = init(tmp_path / "farm", "--yes")
    assert said.exit_code == 0, said.output
    plan = plan_in(tmp_path / "farm")
    assert plan["fleet_name"] == "farm"
    [agent] = plan["agents"]
    assert (agent["name"], agent["machine_id"], agent["auto_start"]) == ("Main", HERE, True)
    assert 'host = "127.0.0.1"' in (tmp_path / "farm" / "fleetbus.toml").read_text()
    assert not (tmp_path / "farm" / ".fleetbus").exists()
    following = [line.strip().partition("   ")[0] for line in said.output.splitlines()[-3:]]
    assert following == [f"cd {tmp_path / 'farm'}", "fleetbus up", "fleetbus watch"]


def test_what_is_typed_becomes_the_plan(tmp_path: Path) -> None:
    typed = "My farm\nEurope/Berlin\n\nMain, Heals\nquest combat\nmedic_follow\n"
    said = init(tmp_path, typed=typed)
    assert said.exit_code == 0, said.output
    plan = plan_in(tmp_path)
    assert (plan["fleet_name"], plan["timezone"]) == ("My farm", "Europe/Berlin")
    assert [(a["name"], a["capabilities"]) for a in plan["agents"]] == [
        ("Main", ["quest", "combat"]),
        ("Heals", ["medic_follow"]),
    ]


@pytest.mark.parametrize(
    ("nonsense", "complaint"),
    [
        (["Mars/Base"], "timezone 'Mars/Base'"),
        (["", "la/ptop"], "machine 'la/ptop'"),
        (["", " , ,"], "machines ' , ,'"),
        (["", "", "a/b"], "agent 'a/b'"),
        (["", "", "coordinator"], "agent 'coordinator'"),
        (["", "", "", "Quest!"], "capability 'Quest!': must be 1-63 of a-z 0-9 _ . -,"),
        (["", "", "", ","], "capabilities ','"),
        (["", "LAPTOP", "", "", "mqtt://x"], "address 'mqtt://x'"),
    ],
)
def test_nonsense_is_named_and_asked_again(
    tmp_path: Path, nonsense: list[str], complaint: str
) -> None:
    said = init(tmp_path, typed="\n".join(["Farm", *nonsense]) + "\n" * 10)
    assert said.exit_code == 0, said.output
    assert complaint in said.stderr
    asked = [line.partition(" [")[0] for line in said.stdout.splitlines() if " [" in line]
    assert len(asked) == len(set(asked)) + 1, said.stdout
    assert plan_in(tmp_path)["fleet_name"] == "Farm"


def test_input_that_ends_early_leaves_nothing_written(tmp_path: Path) -> None:
    said = init(tmp_path, typed="Farm\n")
    assert said.exit_code == 1
    assert "nothing was written; to be asked nothing: fleetbus init --yes" in said.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        ("--agent", "Main:Quest!"),
        ("--agent", "@LAPTOP"),
        ("--agent", "Main:"),
        ("--agent", "Main", "--agent", "Main@LAPTOP"),
        ("--timezone", "Mars/Base"),
        ("--reached-by", "a b"),
        ("--name", "x" * 200),
    ],
)
def test_a_wrong_option_ends_with_the_status_of_wrong_usage(
    tmp_path: Path, wrong: tuple[str, ...]
) -> None:
    said = init(tmp_path, "--yes", *wrong)
    assert said.exit_code == 2, said.output
    assert "nothing was written" in said.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["config/fleet_plan.json", "fleetbus.toml"])
def test_a_file_that_is_there_is_overwritten_by_force_only(tmp_path: Path, place: str) -> None:
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    said = init(tmp_path, "--yes")
    assert said.exit_code == 1
    assert f"{file} would be overwritten; nothing was written" in said.stderr
    assert file.read_text() == "mine"
    assert init(tmp_path, "--yes", "--force").exit_code == 0
    assert file.read_text() != "mine"


def test_each_other_machine_gets_what_it_needs_to_join(tmp_path: Path) -> None:
    words = ("--agent", "Main", "--agent", "Far@LAP TOP:farming", "--reached-by", "hub.lan")
    said = init(tmp_path, "--json", "--service", *words)
    assert said.exit_code == 0, said.output
    folder = Path(json.loads(said.stdout)["machines"]["LAP TOP"])
    assert folder == tmp_path / ".fleetbus" / "machines" / "LAP-TOP"
    settings = (tmp_path / "fleetbus.toml").read_text()
    assert 'host = "0.0.0.0"\nmqtt_port = 8883\nhttp_hosts = ["hub.lan"]' in settings
    book = CredentialsFile(tmp_path / ".fleetbus" / "credentials.json").load()
    roles = {name: entry.role for name, entry in book.entries.items()}
    assert roles == {"host-LAP-TOP": Role.HOST, "Far": Role.AGENT}
    for secret in (folder / "host.secret", folder / "secrets" / "Far.secret"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (tmp_path / ".fleetbus" / ".gitignore").read_text() == "*\n"
    assert (folder / "ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")
    unit = (folder / "fleetbus-host.service").read_text()
    assert "--broker mqtts://hub.lan:8883 " in unit
    assert "--machine 'LAP TOP'" in unit
    assert "-m coordinator.cli up\n" in (tmp_path / "config" / "fleetbus.service").read_text()


def test_making_files_anew_changes_nobodys_secret(tmp_path: Path) -> None:
    words = ("--yes", "--agent", "Far@LAPTOP")
    secret = tmp_path / ".fleetbus" / "machines" / "LAPTOP" / "secrets" / "Far.secret"
    assert init(tmp_path, *words).exit_code == 0
    before = secret.read_text()
    assert init(tmp_path, *words, "--force", "--agent", "New@LAPTOP").exit_code == 0
    assert secret.read_text() == before
    assert secret.with_name("New.secret").exists()
