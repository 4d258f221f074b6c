"""``fleetbus alerts``, as somebody types it."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from coordinator.cli.app import app
from coordinator.core.alerts.judge import acknowledge
from coordinator.core.alerts.record import AlertState
from coordinator.shell.history.alert_records import alert_record, state_from, state_record
from coordinator.shell.history.store import HistoryStore
from protocol.errors import FleetBusError
from tests.support.alert_watch import CALM, AlertWatch, agents, happened


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["alerts", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


@pytest.fixture
def watch() -> AlertWatch:
    """One alert that is over, one that somebody has seen to."""
    watched = AlertWatch()
    watched.last(70, agents(["Main"], is_gone=True))
    watched.last(70, CALM)
    watched.last(5, happened(4, "backup_failed", "no room"))
    watched.state = acknowledge(watched.state, 2, "ops", watched.now_ms)
    watched.ever |= {alert.id: alert for alert in watched.state.alerts.values()}
    return watched


@pytest.fixture
def data(tmp_path: Path, watch: AlertWatch, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    with closing(HistoryStore.in_directory(tmp_path / "data")) as history:
        documents = {n: alert_record(alert) for n, alert in watch.ever.items()}
        history.save_alerts(state_record(watch.state), documents)
    return str(tmp_path / "data")


def test_alerts_are_listed_with_what_became_of_them(data: str) -> None:
    listed = run("--data", data)
    assert "seen by ops" in listed
    assert "resolved" in listed
    assert "Main is lost" not in run("--open", "--data", data)
    documents = json.loads(run("--json", "--data", data))
    assert [(one["id"], one["state"]) for one in documents] == [
        ("2", "acknowledged"),
        ("1", "resolved"),
    ]
    assert documents[0]["title"] == "no room"


def test_what_the_judge_remembers_survives_being_written_down(watch: AlertWatch) -> None:
    watch.last(3, agents(["Heals"], is_gone=True))
    written = json.loads(json.dumps(state_record(watch.state)))

    assert state_from(written) == watch.state
    assert state_from(json.loads(json.dumps(state_record(AlertState())))) == AlertState()
    assert replace(watch.state) == watch.state


def test_without_a_history_the_command_says_who_makes_it(tmp_path: Path) -> None:
    with pytest.raises(FleetBusError, match="the control room makes it"):
        run("--data", str(tmp_path))


def test_a_channel_that_is_unknown_or_has_no_address_is_told(
    data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLEETBUS_DISCORD_URL", raising=False)
    with pytest.raises(FleetBusError, match="variable FLEETBUS_DISCORD_URL is not set"):
        run("test", "discord", "--data", data)
    done = CliRunner().invoke(app, ["alerts", "test", "discrod", "--data", data])
    assert done.exit_code == 1
    assert "did you mean 'discord'?" in done.output
