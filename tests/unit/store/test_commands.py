"""``fleetbus backup``, ``restore``, ``export`` and ``import``, as somebody types them."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from coordinator.cli.app import app
from coordinator.shell.store import Store
from protocol.errors import FleetBusError
from tests.support.stored_fleet import store_a_fleet


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "DATA", "STORE"):
        monkeypatch.delenv(f"FLEETBUS_{name}", raising=False)
    store_a_fleet(tmp_path / ".fleetbus")
    return tmp_path / ".fleetbus"


def run(*words: str, given: str | None = None) -> str:
    done = CliRunner().invoke(app, words, input=given)
    if done.exception is not None:
        raise done.exception
    return done.output


def result(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json"))
    return found


def test_a_copy_is_made_listed_and_gone_back_to(data: Path) -> None:
    assert run("backup", "--list") == "there are no copies yet\n"
    made = result("backup")
    assert [copy["file"] for copy in result("backup", "--list")["copies"]] == [made["file"]]
    assert Path(made["file"]).stat().st_size == made["bytes"]
    done = result("restore", made["file"])
    assert (done["term"], done["tasks"]) == (1_001, 3)
    assert Path(done["aside"]).is_dir()


def test_a_copy_goes_where_one_wants_it(data: Path) -> None:
    assert "checked" in run("backup", "--to", str(_folder("safe") / "fleet.db"))
    assert Path("safe/fleet.db").is_file()
    assert "restored safe/fleet.db: 3 tasks" in run("restore", "safe/fleet.db")


def test_an_export_is_brought_into_another_store(data: Path) -> None:
    text = run("export")
    assert "other/fleet.json" in run("export", "--to", str(_folder("other") / "fleet.json"))
    out = run("import", "other/fleet.json", "--data", "elsewhere")
    assert "imported 1 agents, 3 tasks, 1 schedules" in out
    assert "imported 1 agents" in run("import", "-", "--data", "third", given=text)
    with closing(Store.in_directory(Path("third"))) as store:
        assert len(store.begin_term(0).tasks) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["backup", "--to", "off/fleet.db"], "--to off/fleet.db: there is no folder off; make it"),
        (["restore"], "name one: a copy's FILE, --as-is, or --empty"),
        (["restore", "x.db", "--empty"], "name one: a copy's FILE, --as-is, or --empty"),
        (["restore", "none.db"], "there is no file none.db"),
        (["export", "--data", "nowhere"], "there is no data directory nowhere"),
        (["import", "none.json"], "none.json cannot be read"),
        (["import", ".fleetbus/fleet.commits"], "format: should be 'fleetbus-export'"),
        (["import", ".fleetbus/fleet.db"], "fleet.db cannot be read"),
        (["export", "--store", "mysql://host/x"], "a store is sqlite:///<file> or postgresql://"),
        (["export", "--store", "nonsense"], "not the address of a store"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_would_be_right(
    data: Path, words: list[str], said: str
) -> None:
    before = (data / "fleet.db").read_bytes()
    with pytest.raises(FleetBusError) as raised:
        run(*words)
    assert said in str(raised.value)
    assert (data / "fleet.db").read_bytes() == before


@pytest.mark.parametrize("words", [["backup"], ["restore", "x.db"]])
def test_copies_of_postgresql_are_left_to_its_own_tools(
    data: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("FLEETBUS_STORE", "postgresql://host/fleet")
    with pytest.raises(FleetBusError, match="PostgreSQL, which has tools of its own"):
        run(*words)


def _folder(name: str) -> Path:
    folder = Path(name)
    folder.mkdir()
    return folder
