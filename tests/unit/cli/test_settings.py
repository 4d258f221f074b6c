"""Where a setting comes from, and what is said of one that is wrong."""

import os
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent_client.__main__ import main as agent_main
from coordinator.address import BadAddress, BrokerAddress
from coordinator.cli.app import app
from coordinator.settings import (
    BadSettings,
    CoordinatorSettings,
    holds_password,
    load,
    shipped_plan,
)
from protocol.servers import Server

SHIPPED = Path(__file__).parents[3] / "config" / "fleetbus.toml"


@pytest.fixture(autouse=True)
def _a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in CoordinatorSettings.model_fields:
        monkeypatch.delenv(f"FLEETBUS_{name.upper()}", raising=False)
    monkeypatch.delenv("FLEETBUS_CONFIG", raising=False)


def test_a_flag_beats_a_variable_beats_the_file_beats_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load({}).mqtt_port == 1883
    (tmp_path / "fleetbus.toml").write_text("mqtt_port = 1001")
    assert load({}).mqtt_port == 1001
    monkeypatch.setenv("FLEETBUS_MQTT_PORT", "1002")
    assert load({"mqtt_port": None}).mqtt_port == 1002
    assert load({"mqtt_port": 1003}).mqtt_port == 1003


def test_the_file_beside_us_beats_the_one_in_config_and_a_named_one_beats_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "fleetbus.toml").write_text('root = "in-config"')
    assert load({}).root == "in-config"
    (tmp_path / "fleetbus.toml").write_text('root = "beside"')
    assert load({}).root == "beside"
    (tmp_path / "other.toml").write_text('root = "named"')
    monkeypatch.setenv("FLEETBUS_CONFIG", "other.toml")
    assert load({}).root == "named"


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("mqtt_prot = 1884", "fleetbus.toml: unknown key 'mqtt_prot'; did you mean 'mqtt_port'?"),
        ("colour = 1", "fleetbus.toml: unknown key 'colour'; see config/fleetbus.toml"),
        ("mqtt_port = true", "fleetbus.toml: mqtt_port: must be a port number, not True"),
        ("ws_port = 70000", "fleetbus.toml: ws_port: input should be less than or equal to 65535"),
        ('root = "a b"', "fleetbus.toml: root: not a valid root name: 'a b'"),
        ("mqtt_port = ", "fleetbus.toml: not TOML: Invalid value (at end of document)"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(
    tmp_path: Path, toml: str, said: str
) -> None:
    (tmp_path / "fleetbus.toml").write_text(toml)
    with pytest.raises(BadSettings) as raised:
        load({})
    assert raised.value.problems[0].startswith(said)


def test_every_problem_is_reported_at_once_with_the_flag_or_variable_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fleetbus.toml").write_text("wrong = 1")
    monkeypatch.setenv("FLEETBUS_LOG_LEVEL", "loud")
    with pytest.raises(BadSettings) as raised:
        load({"http_port": -1})
    places = sorted(problem.split(":")[0] for problem in raised.value.problems)
    assert places == ["--http-port", "FLEETBUS_LOG_LEVEL", "fleetbus.toml"]


def test_a_settings_file_that_is_named_but_missing_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLEETBUS_CONFIG", "gone.toml")
    with pytest.raises(BadSettings, match=r"FLEETBUS_CONFIG: there is no file 'gone\.toml'"):
        load({})


def test_a_password_shows_neither_in_errors_nor_in_settings() -> None:
    with pytest.raises(BadSettings) as raised:
        load({"broker": "http://me:hunter2@there"})
    assert "hunter2" not in str(raised.value)
    settings = load({"broker": "mqtt://me:hunter2@there:1"})
    assert "hunter2" not in f"{settings!r} {settings.broker_address!r} {settings.broker_address}"


def test_a_profile_that_does_not_exist_is_refused_with_those_that_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLEETBUS_BROKER_PROFILE", "rabbit")
    with pytest.raises(BadSettings, match=r"must be one of embedded, .*nats, not 'rabbit'"):
        load({})
    monkeypatch.setenv("FLEETBUS_BROKER_PROFILE", "nats")
    assert load({}).profile.subscribe_qos == 0


def test_without_a_broker_of_its_own_it_is_ours_on_this_machine() -> None:
    assert str(load({"mqtt_port": 1999}).broker_address) == "mqtt://127.0.0.1:1999"


def test_the_plan_beside_us_beats_the_shipped_example(tmp_path: Path) -> None:
    assert load({}).plan_file == shipped_plan()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "fleet_plan.json").write_text("{}")
    assert load({}).plan_file == Path("config/fleet_plan.json")
    assert load({"plan": "mine.json"}).plan_file == Path("mine.json")


def test_the_shipped_file_lists_every_key_with_its_default() -> None:
    text = SHIPPED.read_text()
    assert load(tomllib.loads(text)) == load({})
    for name, field in CoordinatorSettings.model_fields.items():
        start = "\n# " if field.default is None else "\n"
        assert f"{start}{name} = " in text, name


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://here", BrokerAddress("here", 1883)),
        ("mqtt://here:99", BrokerAddress("here", 99)),
        ("mqtt://me@here", BrokerAddress("here", 1883, "me")),
        ("mqtt://me:p%40ss@here:99/", BrokerAddress("here", 99, "me", "p@ss")),
        ("mqtt://[::1]:99", BrokerAddress("::1", 99)),
        (
            "mqtt://me:p%40ss@one,two:99,[::1]:7",
            BrokerAddress("one", 1883, "me", "p@ss", more=(Server("two", 99), Server("::1", 7))),
        ),
    ],
)
def test_a_broker_url_names_host_port_and_credentials(url: str, address: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "here:99",
        "http://here",
        "mqtt://",
        "mqtt://here:0",
        "mqtt://h:x",
        "mqtt://h/topic",
        "mqtt://h,",
        "mqtt://,h",
        "mqtt://h:1,i:0",
        "mqtt://h i",
    ],
)
def test_what_is_no_broker_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(BadAddress, match="mqtt://host:port"):
        BrokerAddress.parse(url)


@pytest.mark.skipif(os.name != "posix", reason="platform: file modes are POSIX's")
@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("broker", "mqtt://me:hunter2@there:1"),
        ("store", "postgresql://me:hunter2@there/fleet"),
        ("store", "postgresql://there/fleet?user=me&password=hunter2"),
    ],
)
def test_a_password_in_a_settings_file_that_others_may_read_is_refused(
    tmp_path: Path, key: str, url: str
) -> None:
    file = tmp_path / "fleetbus.toml"
    file.write_text(f'{key} = "{url}"\n')
    file.chmod(0o644)
    with pytest.raises(BadSettings, match=r"chmod 600 fleetbus\.toml") as refused:
        load({})
    assert "hunter2" not in str(refused.value)
    file.chmod(0o600)
    assert getattr(load({}), key) == url


def test_a_password_on_the_command_line_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    url = "mqtt://me:hunter2@127.0.0.1:1"
    done = CliRunner().invoke(app, ["agents", "--broker", url])
    assert "FLEETBUS_PASSWORD_FILE" in str(done.exception)
    assert agent_main(["Main", "--broker", url]) == 1
    said = f"{done.exception} {done.output} {capfd.readouterr().err}"
    assert "FLEETBUS_PASSWORD_FILE" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@there/fleet", "postgresql://there/fleet?password=hunter2"]
)
@pytest.mark.parametrize("command", [["coordinator"], ["export", "--to", "x"], ["import", "x"]])
def test_a_password_of_the_store_on_the_command_line_is_refused(
    command: list[str], url: str
) -> None:
    done = CliRunner().invoke(app, [*command, "--store", url])
    assert "FLEETBUS_STORE" in str(done.exception)
    assert "hunter2" not in f"{done.exception} {done.output}"


@pytest.mark.parametrize(
    "url",
    ["postgresql://me@there/fleet", "postgresql://there:5432/fleet?options=-csearch_path%3Dname"],
)
def test_an_address_without_a_password_may_stand_on_the_command_line(url: str) -> None:
    assert not holds_password(url)
