"""An SQLite store that was harmed while nobody looked is found out, and left as it was found."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.core.tasks import Task
from coordinator.core.terms import Terms
from coordinator.shell.batch import Batch
from coordinator.shell.store import Changes, Store, StoreError
from coordinator.shell.store.examination import examine
from coordinator.shell.store.salvage import salvage
from protocol.vocabulary import Priority
from tests.support.stores import much, task_row

_WRITE_AND_DIE = """
import os, sys
from pathlib import Path
from coordinator.shell.store import Changes, Store
from coordinator.shell.store.sidecar import Sidecar
from coordinator.shell.store.engine import url_in
from protocol.vocabulary import Priority
from tests.support.stores import task_row
data = Path(sys.argv[1])
data.mkdir()
store = Store(url_in(data), Sidecar(data / "fleet.commits", every_commits=1))
store.begin_term(0)
for n in range(50):
    store.commit(Changes(tasks=[task_row(f"t{n}")]))
os.kill(os.getpid(), 9)
"""

Harm = Callable[[Path], None]


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A data directory whose coordinator was killed after 50 commits."""
    data = tmp_path / "data"
    done = subprocess.run([sys.executable, "-c", _WRITE_AND_DIE, str(data)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (data / "fleet.db-wal").stat().st_size > 0
    return data


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A data directory whose coordinator ended in order; its store has many pages."""
    data = tmp_path / "data"
    store = Store.in_directory(data)
    store.begin_term(0)
    store.commit(much())
    store.close()
    return data


def cut(share: float) -> Harm:
    def harm(data: Path) -> None:
        wal = data / "fleet.db-wal"
        os.truncate(wal, int(wal.stat().st_size * share))

    return harm


def cut_to_31_bytes(data: Path) -> None:
    os.truncate(data / "fleet.db-wal", 31)


def without_wal(data: Path) -> None:
    (data / "fleet.db-wal").unlink()


def without_database(data: Path) -> None:
    for file in data.glob("fleet.db*"):
        file.unlink()


def test_a_store_that_was_read_and_closed_in_peace_is_one_file_and_the_count(
    tmp_path: Path,
) -> None:
    with closing(Store.in_directory(tmp_path)) as store:
        store.begin_term(0)
        store.archive.plan(1)
    assert {file.name for file in tmp_path.iterdir()} == {"fleet.db", "fleet.commits"}


def test_after_a_kill_everything_that_was_promised_is_there(killed: Path) -> None:
    assert examine(killed) is None
    with closing(Store.in_directory(killed)) as store:
        assert len(store.begin_term(0).tasks) == 50


def test_an_index_of_the_log_that_is_lost_is_made_anew(killed: Path) -> None:
    (killed / "fleet.db-shm").unlink()
    assert examine(killed) is None
    with closing(Store.in_directory(killed)) as store:
        assert len(store.begin_term(0).tasks) == 50


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut(1 / 3), "was cut short or put back to an older state: it counts"),
        (cut(2 / 3), "was cut short or put back to an older state: it counts"),
        (cut_to_31_bytes, "was cut short or put back to an older state: it counts"),
        (without_wal, "was cut short or put back to an older state: it counts"),
        (without_database, "fleet.db is gone"),
    ],
)
def test_a_store_that_lost_what_it_promised_is_found_out(
    killed: Path, harm: Harm, said: str
) -> None:
    harm(killed)
    before = content(killed)
    damage = examine(killed)
    assert damage is not None
    assert said in damage.text
    assert content(killed) == before


def test_a_store_put_back_to_yesterday_is_found_out(closed: Path, tmp_path: Path) -> None:
    yesterday = shutil.copy(closed / "fleet.db", tmp_path / "yesterday.db")
    with closing(Store.in_directory(closed)) as store:
        store.begin_term(0)
        store.commit(Changes(tasks=[task_row("today")]))
    shutil.copy(yesterday, closed / "fleet.db")
    damage = examine(closed)
    assert damage is not None
    assert damage.text.endswith("it counts 2 commits, and 4 were promised")
    assert damage.commits == 2


@pytest.mark.parametrize("at", ["header", "schema", "inner page"])
def test_broken_pages_are_found_and_nothing_is_changed(closed: Path, at: str) -> None:
    size = (closed / "fleet.db").stat().st_size
    spoil(closed / "fleet.db", {"header": 0, "schema": 100, "inner page": 4096 * 3}[at], size)
    before = content(closed)
    damage = examine(closed)
    assert damage is not None
    assert "damaged" in damage.text
    assert damage.commits is None
    assert content(closed) == before


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE tasks SET doc = replace(doc, ':', ';') WHERE id = 'big4'", "(tasks: big4)"),
        ("UPDATE meta SET value = 'two' WHERE key = 'term'", "invalid literal for int()"),
        ("UPDATE meta SET value = 'two' WHERE key = 'commits'", "invalid literal for int()"),
    ],
)
def test_what_is_damaged_inside_of_a_page_is_found_and_nothing_is_changed(
    closed: Path, harm: str, said: str
) -> None:
    with closing(sqlite3.connect(closed / "fleet.db")) as connection, connection:
        connection.execute(harm)
    before = content(closed)
    damage = examine(closed)
    assert damage is not None
    assert said in damage.text
    assert content(closed) == before


def test_a_file_that_is_no_database_is_damage(closed: Path) -> None:
    (closed / "fleet.db").write_bytes(b"once upon a time " * 1000)
    damage = examine(closed)
    assert damage is not None
    assert "not a database" in damage.text


def test_a_new_directory_and_one_whose_making_was_cut_short_are_sound(tmp_path: Path) -> None:
    assert examine(tmp_path) is None
    (tmp_path / "fleet.db").touch()
    assert examine(tmp_path) is None


def test_a_locked_store_is_not_called_damaged(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.shell.store.examination.BUSY_S", 0.01)
    with closing(sqlite3.connect(closed / "fleet.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="is locked by another program"):
            examine(closed)


def test_a_schema_that_is_newer_is_refused_and_not_touched(closed: Path) -> None:
    with closing(sqlite3.connect(closed / "fleet.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = content(closed)
    assert examine(closed) is None  # nothing is wrong with it
    with closing(Store.in_directory(closed)) as store, pytest.raises(StoreError) as raised:
        store.begin_term(0)
    assert "the store has schema 9999, which is newer than this fleetbus knows" in str(raised.value)
    assert content(closed) == before


# --- what can still be read


def test_from_a_damaged_store_is_read_whatever_can_be(tmp_path: Path) -> None:
    fleet_of(tmp_path, tasks=200)
    whole = salvage(tmp_path, Policy())
    assert len(whole.tasks) == 200
    size = (tmp_path / "fleet.db").stat().st_size
    spoil(tmp_path / "fleet.db", size // 2, size)
    assert examine(tmp_path) is not None
    left = salvage(tmp_path, Policy())
    assert 0 < len(left.tasks) < 200
    assert [record["name"] for record in left.agents] == ["Main"]
    assert left.term == 1
    known = {record["id"] for record in whole.tasks}
    assert {record["id"] for record in left.tasks} < known


def test_records_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    fleet_of(tmp_path, tasks=2)
    with closing(Store.in_directory(tmp_path)) as store:
        store.begin_term(0)
        store.commit(
            Changes(
                tasks=[task_row("odd"), task_row("torn", doc=b'{"id"'), task_row("x", doc=b"[]")]
            )
        )
    assert sorted(r["id"] for r in salvage(tmp_path, Policy()).tasks) == ["t0", "t1"]


@pytest.mark.parametrize("harm", [lambda file: file.unlink(), lambda file: file.write_bytes(b"?")])
def test_of_a_store_that_is_lost_nothing_is_read_and_nothing_breaks(
    closed: Path, harm: Harm
) -> None:
    harm(closed / "fleet.db")
    memory = salvage(closed, Policy())
    assert (memory.term, memory.tasks, memory.agents) == (0, [], [])


def fleet_of(data: Path, tasks: int) -> None:
    """Store real records: an agent, and tasks with much to say."""
    state = State(Policy(), "c", term=1)
    state.agent("Main")
    batch = Batch()
    batch.agents["Main"] = None
    for n in range(tasks):
        task = Task(f"t{n}", f"task {n}", "quest", Priority.NORMAL, Terms(), n, n)
        task.args = {"much": "x" * 2_000}
        state.tasks[task.id] = task
        batch.tasks[task.id] = None
    with closing(Store.in_directory(data)) as store:
        store.begin_term(0)
        store.commit(batch.changes(state, 1, 0))


def content(data: Path) -> dict[str, bytes]:
    """Return what is in the database and its log; the index of the log is not part of it."""
    files = [file for file in data.glob("fleet.db*") if not file.name.endswith("-shm")]
    return {file.name: found for file in files if (found := file.read_bytes())}


def spoil(file: Path, start: int, size: int) -> None:
    """Turn every bit of one page's worth of bytes around."""
    with file.open("r+b") as spoilt:
        spoilt.seek(start)
        found = spoilt.read(min(4096, size - start))
        spoilt.seek(start)
        spoilt.write(bytes(byte ^ 0xFF for byte in found))
