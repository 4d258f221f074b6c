"""The doctor tells sound brokers from careless ones, on real brokers, and says so to scripts."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from coordinator.cli.app import app
from coordinator.cli.local_secrets import secret_file, write_secret
from coordinator.settings import load
from tests.support.brokers import embedded_broker, free_port, mosquitto_broker
from tests.support.other_brokers import guarded_broker

GOOD_RULES = {"publish": True, "subscribe": True, "will": True}


@pytest.fixture(autouse=True)
def _a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def examine(*words: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["doctor", "--json", "--listen", "0.1", *words])
    return done.exit_code, json.loads(done.output)


def figures(report: dict[str, Any], probe: str, key: str, value: str) -> dict[Any, Any]:
    return {one[key]: one[value] for one in report["findings"] if one["probe"] == probe}


def one(report: dict[str, Any], probe: str) -> dict[str, Any]:
    found = [finding for finding in report["findings"] if finding["probe"] == probe]
    assert len(found) == 1
    return dict(found[0])


def test_our_own_broker_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded_broker(tmp_path) as broker:
        broker.secret_file.chmod(0o600)
        monkeypatch.setenv("FLEETBUS_MQTT_PORT", str(broker.port))
        status, report = examine("--data", str(tmp_path))
    assert (status, report["healthy"]) == (0, True), report
    assert one(report, "version")["name"].startswith("fleetbus ")
    assert one(report, "retained")["seen"] == 1000
    assert one(report, "queue")["came"] == 1500
    assert one(report, "size")["largest_bytes"] >= 262_144
    rules = figures(report, "access", "rule", "enforced")
    assert rules == GOOD_RULES | {"connect": False}
    fired = figures(report, "wills", "death", "fired")
    assert fired == {"cut off": True, "silent": True, "taken over": True, "goodbye": False}
    after = figures(report, "wills", "death", "after_s")
    assert after["cut off"] < 1.0
    assert 1.0 < after["silent"] < 3.0


def test_a_broker_without_rules_is_called_bad_by_the_exit_status(tmp_path: Path) -> None:
    with mosquitto_broker(tmp_path) as broker:
        status, report = examine("--broker", broker.url())
    assert (status, report["healthy"]) == (1, False)
    rules = figures(report, "access", "rule", "enforced")
    assert rules == {"connect": False, "publish": False, "subscribe": False, "will": False}
    assert "mosquitto" in one(report, "version")["name"]


@pytest.mark.parametrize("kind", ["mosquitto", "nats"])
def test_a_broker_that_we_have_set_up_is_healthy(tmp_path: Path, kind: str) -> None:
    data = tmp_path / "data"
    with guarded_broker(kind, tmp_path) as guarded:
        for name, secret in guarded.secrets.items():
            write_secret(secret_file(load({"data": data}), name), secret)
        address = guarded.address
        url = f"mqtt://coordinator@{address.host}:{address.port}"
        status, report = examine("--broker", url, "--data", str(data))
    assert (status, report["healthy"]) == (0, True), report
    assert figures(report, "access", "rule", "enforced") == GOOD_RULES | {"connect": True}
    assert figures(report, "wills", "death", "fired")["silent"]


def test_the_doctor_does_not_throw_out_the_coordinator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEETBUS_BROKER", "mqtt://coordinator:secret@127.0.0.1:1")
    done = CliRunner().invoke(app, ["doctor", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "must not log in as the coordinator" in str(done.exception)


def test_a_broker_that_is_not_there_is_neither_good_nor_bad(tmp_path: Path) -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    done = CliRunner().invoke(app, ["doctor", "--broker", url, "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "cannot be probed: Connection refused; start one with `fleetbus up`" in done.output
