"""``up`` starts the agents of the plan in force, and says when the file says otherwise."""

from pathlib import Path

import orjson
import pytest

from coordinator.cli.up.plan import plan_in_force
from coordinator.plan.problems import PlanError
from coordinator.settings import CoordinatorSettings
from coordinator.shell.store import Changes, Store


def _plan(*agents: str) -> bytes:
    written = [{"name": name, "capabilities": ["quest"], "auto_start": True} for name in agents]
    return orjson.dumps({"fleet_name": "up", "agents": written})


def _settings(folder: Path, file: bytes) -> CoordinatorSettings:
    (folder / "plan.json").write_bytes(file)
    return CoordinatorSettings(plan=folder / "plan.json", data=folder / "data")


def _store(folder: Path, document: bytes) -> None:
    store = Store.in_directory(folder / "data")
    store.begin_term(0)
    row = {"version": 3, "at_ms": 1, "author": "me", "comment": "", "document": document}
    store.commit(Changes(plans=[{**row, "rollback_of": None}]))
    store.close()


def test_at_a_first_start_the_file_is_the_plan(tmp_path: Path) -> None:
    found = plan_in_force(_settings(tmp_path, _plan("A")))
    assert [agent.name for agent in found.plan.agents] == ["A"]
    assert found.note is None


def test_a_stored_plan_beats_an_edited_file_and_the_difference_is_told(tmp_path: Path) -> None:
    settings = _settings(tmp_path, _plan("Edited"))
    _store(tmp_path, _plan("Stored"))
    found = plan_in_force(settings)
    assert [agent.name for agent in found.plan.agents] == ["Stored"]
    assert found.source == "version 3"
    assert found.note is not None
    assert "fleetbus plan apply" in found.note


def test_a_file_that_says_the_same_is_not_worth_a_word(tmp_path: Path) -> None:
    settings = _settings(tmp_path, _plan("Same"))
    _store(tmp_path, _plan("Same"))
    assert plan_in_force(settings).note is None


def test_a_bad_file_stops_a_first_start_only(tmp_path: Path) -> None:
    settings = _settings(tmp_path, b'{"fleet_nam": "up"}')
    with pytest.raises(PlanError):
        plan_in_force(settings)
    _store(tmp_path, _plan("Stored"))
    assert plan_in_force(settings).source == "version 3"


def test_a_store_that_cannot_be_read_is_left_to_the_coordinator(tmp_path: Path) -> None:
    settings = _settings(tmp_path, _plan("A"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fleet.db").write_bytes(b"no database at all" * 100)
    assert plan_in_force(settings).source == str(tmp_path / "plan.json")
