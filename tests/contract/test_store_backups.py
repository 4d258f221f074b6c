"""Copies of a store in use, and going back to one."""

import errno
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from coordinator.shell import restoring
from coordinator.shell.backups import (
    BackupFailed,
    back_up,
    copies_in,
    made_ms,
    name_at,
    rotate,
)
from coordinator.shell.locks import AlreadyRunning, is_mine, lock_directory
from coordinator.shell.restoring import RestoreFailed, begin_anew, restore, restore_as_is
from coordinator.shell.safe_mode import recovery_command
from coordinator.shell.store import Changes, Memory, Store
from coordinator.shell.store.examination import commits_of, examine, fault_of
from tests.support.stored_fleet import HELD, store_a_fleet
from tests.support.stores import task_row

NOW_MS = 1_767_571_200_000
LATER_MS = NOW_MS + 86_400_000


def start(data: Path) -> Memory:
    with closing(Store.in_directory(data)) as store:
        return store.begin_term(0)


def fences(memory: Memory) -> dict[str, int]:
    return {record["id"]: record.get("fence", 0) for record in memory.tasks}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    store_a_fleet(data)
    return data


@pytest.fixture
def copy(data: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy.db"
    back_up(data, copy)
    return copy


# --- making copies


def test_a_copy_is_one_whole_file_for_its_owners_eyes(data: Path, tmp_path: Path) -> None:
    to = tmp_path / "elsewhere" / "copy.db"
    size = back_up(data, to)
    assert [file.name for file in to.parent.iterdir()] == ["copy.db"]
    assert to.stat().st_size == size
    assert to.stat().st_mode & 0o777 == 0o600
    assert fault_of(to) is None
    assert commits_of(to) == 2


def test_a_copy_of_a_store_that_is_being_written_is_one_moment_of_it(
    data: Path, tmp_path: Path
) -> None:
    copies = [tmp_path / f"copy{n}.db" for n in range(5)]
    with closing(Store.in_directory(data)) as store:
        store.begin_term(0)
        failures: list[Exception] = []

        def copy_all() -> None:
            try:
                for copy in copies:
                    back_up(data, copy)
            except Exception as error:  # noqa: BLE001 -- told by the test
                failures.append(error)

        copying = threading.Thread(target=copy_all)
        copying.start()
        written = 0
        while copying.is_alive():
            store.commit(Changes(tasks=[task_row(f"n{written}")]))
            written += 1
        copying.join()
    assert failures == []
    assert written > 0
    for copy in copies:
        assert fault_of(copy) is None
        with closing(sqlite3.connect(copy)) as connection:
            new = connection.execute("SELECT count(*) FROM tasks WHERE id LIKE 'n%'").fetchone()[0]
        assert commits_of(copy) == 3 + new  # each commit brought one task


def test_copies_are_told_apart_by_the_moment_in_their_names(data: Path) -> None:
    for ms in (NOW_MS, NOW_MS + 1, LATER_MS):
        back_up(data, data / "backups" / name_at(ms))
    (data / "backups" / "notes.txt").touch()
    assert [made_ms(copy) for copy in copies_in(data, LATER_MS)] == [
        LATER_MS,
        NOW_MS + 1,
        NOW_MS,
    ]
    assert rotate(data, 2, LATER_MS) == [data / "backups" / name_at(NOW_MS)]
    assert len(copies_in(data, LATER_MS)) == 2
    assert (data / "backups" / "notes.txt").exists()


def test_a_copy_of_a_moment_that_has_not_come_does_not_push_out_what_is_made_now(
    data: Path,
) -> None:
    folder = data / "backups"
    for ms in (NOW_MS - 2, NOW_MS - 1, LATER_MS, LATER_MS + 1, NOW_MS):
        back_up(data, folder / name_at(ms))
    (folder / "fleet-20269999T999999999Z.db").touch()  # there is no such day
    assert [made_ms(copy) for copy in copies_in(data, NOW_MS)] == [
        *(NOW_MS, NOW_MS - 1, NOW_MS - 2),
        *(LATER_MS + 1, LATER_MS),
    ]
    rotate(data, 3, NOW_MS)
    assert [made_ms(copy) for copy in copies_in(data, NOW_MS)] == [NOW_MS, NOW_MS - 1, NOW_MS - 2]


def test_nothing_is_written_over_nor_where_a_disk_is_missing(
    data: Path, copy: Path, tmp_path: Path
) -> None:
    missing, file = tmp_path / "mnt" / "disk", tmp_path / "file"
    file.touch()
    (tmp_path / "link.db").symlink_to(missing / "copy.db")
    (data / "backups").symlink_to(missing)
    for to, said in [
        (copy, "the file is there already; name another one"),
        (tmp_path, "that is a folder; name a file in it"),
        (tmp_path / "link.db", f"it is a link to {missing}/copy.db, which is not there"),
        (data / "backups" / "copy.db", f"backups is a link to {missing}, which is not there"),
        (file / "copy.db", "file is no folder"),
        (tmp_path / ("a" * 300), "File name too long"),
    ]:
        with pytest.raises(BackupFailed, match=f"no backup was made in {to}.*{said}"):
            back_up(data, to)
    assert (tmp_path / "link.db").is_symlink()
    assert not missing.exists()


def test_a_copy_that_cannot_be_written_leaves_nothing_behind(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackupFailed, match="no backup was made in"):
        back_up(data, tmp_path / "file" / "copy.db")
    with pytest.raises(BackupFailed, match="there is no store"):
        back_up(tmp_path / "nothing", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_what_a_killed_maker_left_of_a_copy_is_deleted_by_the_next_and_not_what_is_being_made(
    data: Path,
) -> None:
    folder = data / "backups"
    script = (
        "import sys; from pathlib import Path; from coordinator.shell.backups import back_up;"
        "back_up(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, str(data), str(folder / name_at(NOW_MS))]
    crash = os.environ | {"FLEETBUS_CRASH_AT": "during_backup"}
    assert subprocess.run(command, check=False, env=crash).returncode == 137
    left = folder / (name_at(NOW_MS) + ".part")
    assert left.exists()
    made_now = folder / (name_at(NOW_MS + 1) + ".part")
    with made_now.open("xb") as lock:
        assert is_mine(lock)
        back_up(data, folder / name_at(NOW_MS + 2))
        with pytest.raises(BackupFailed, match="somebody is making one of that name just now"):
            back_up(data, folder / name_at(NOW_MS + 1))
    assert {file.name for file in folder.iterdir()} == {made_now.name, name_at(NOW_MS + 2)}


def test_a_damaged_store_gives_no_copy(data: Path, tmp_path: Path) -> None:
    with (data / "fleet.db").open("r+b") as spoilt:
        spoilt.seek(4096 * 3)
        spoilt.write(b"\xff" * 4096)
    with pytest.raises(BackupFailed):
        back_up(data, tmp_path / "copy.db")
    assert list(tmp_path.glob("copy*")) == []


def test_a_full_disk_is_not_filled_further(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(9, 8, 1))
    with pytest.raises(BackupFailed, match="1 bytes are free"):
        back_up(data, tmp_path / "copy.db")


# --- going back


def test_going_back_raises_the_term_and_every_fence_and_says_so(data: Path, copy: Path) -> None:
    with closing(Store.in_directory(data)) as store:
        store.begin_term(0)
        store.commit(Changes(tasks=[task_row("after the copy")]))
    done = restore(data, copy, NOW_MS)
    assert (done.term, done.tasks) == (2 + restoring.TERM_STEP, 3)
    assert examine(data) is None
    memory = start(data)
    assert memory.term == done.term + 1
    assert done.raised_by == 1_001  # the copy is of term 1
    assert fences(memory) == {"t0000": 1_004, "t0001": 1_001, "t0002": 1_001}
    assert memory.restored_ms == NOW_MS
    assert memory.last_event > 100_000


@pytest.mark.parametrize("between", ["nothing", "damage", "loss", "a copy, and loss of all"])
def test_who_goes_back_to_one_copy_twice_repeats_no_term_no_fence_and_no_event(
    data: Path, copy: Path, between: str
) -> None:
    restore(data, copy, NOW_MS)
    first = start(data)  # and this fleet lends work on, with the next fences
    if between == "a copy, and loss of all":
        back_up(data, data / "backups" / name_at(NOW_MS))
        (data / "fleet.commits").unlink()
    if between == "damage":
        (data / "fleet.db").write_bytes(b"no database")
    elif between != "nothing":
        (data / "fleet.db").unlink()
    restore(data, copy, NOW_MS + 1)
    second = start(data)
    assert second.term > first.term + 900
    assert all(fences(second)[task] > fence + 900 for task, fence in fences(first).items())
    assert second.last_event > first.last_event + 900_000


def test_the_files_of_before_are_moved_aside_and_can_be_gone_back_to(
    data: Path, copy: Path
) -> None:
    with closing(Store.in_directory(data)) as store:
        store.begin_term(0)
        store.commit(Changes(tasks=[task_row("after")]))
    done = restore(data, copy, NOW_MS)
    assert done.aside is not None
    assert {file.name for file in done.aside.iterdir()} >= {"fleet.db", "fleet.commits"}
    again = restore(data, done.aside / "fleet.db", NOW_MS + 1)
    assert again.tasks == 4


def test_an_older_copy_does_not_pass_for_the_restored_store(data: Path, copy: Path) -> None:
    kept = shutil.copy(data / "fleet.db", data.parent / "kept.db")
    restore(data, copy, NOW_MS)
    shutil.copy(kept, data / "fleet.db")
    damage = examine(data)
    assert damage is not None
    assert "put back to an older state" in damage.text


def test_nothing_is_restored_while_a_coordinator_runs(data: Path, copy: Path) -> None:
    before = (data / "fleet.db").read_bytes()
    with closing(lock_directory(data)), pytest.raises(AlreadyRunning, match=f"pid {os.getpid()}"):
        restore(data, copy, NOW_MS)
    assert (data / "fleet.db").read_bytes() == before


def test_a_disk_that_is_full_costs_the_number_in_the_lock_and_not_the_lock(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_file: int, _text: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", no_space)
    with closing(lock_directory(data)), pytest.raises(AlreadyRunning, match="pid unknown"):
        lock_directory(data)


def test_a_copy_that_is_damaged_or_something_else_is_refused(data: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in data.iterdir() if file.is_file()}
    torn, other = tmp_path / "torn.db", tmp_path / "other.db"
    torn.write_bytes(b"SQLite format 3\x00" + b"\x01" * 9_000)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    for file, said in [
        (torn, "choose another copy"),
        (other, "is no store of a fleet"),
        (tmp_path / "none.db", "there is no file"),
    ]:
        with pytest.raises(RestoreFailed, match=said):
            restore(data, file, NOW_MS)
    assert {f.name: f.read_bytes() for f in data.iterdir() if f.name in before} == before


def test_a_store_that_was_cut_short_can_be_gone_on_with(data: Path) -> None:
    (data / "fleet.commits").write_text("99")
    assert examine(data) is not None
    done = restore_as_is(data, NOW_MS)
    assert done.commits > 99
    assert examine(data) is None
    assert fences(start(data))["t0000"] == 1_003


@pytest.mark.parametrize("harm", ["replace(doc, '{', '[')", "replace(doc, 'phase', 'phrase')"])
def test_of_a_store_with_records_that_make_no_sense_all_others_are_gone_on_with(
    data: Path, harm: str
) -> None:
    with closing(sqlite3.connect(data / "fleet.db")) as connection, connection:
        connection.execute(f"UPDATE tasks SET doc = {harm} WHERE id = 't0001'")  # noqa: S608 -- ours
        connection.execute("UPDATE marks SET doc = '7'")
    done = restore_as_is(data, NOW_MS)
    assert sorted(done.left_out) == [f"marks: hold {HELD}", "tasks: t0001"]
    assert fences(start(data)) == {"t0000": 1_003, "t0002": 1_000}


def test_a_copy_whose_records_cannot_be_read_is_neither_made_nor_gone_back_to(
    data: Path, copy: Path
) -> None:
    for file in (copy, data / "fleet.db"):
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE agents SET doc = substr(doc, 2)")
    with pytest.raises(RestoreFailed, match=r"a record cannot be read \(agents: Main\); choose"):
        restore(data, copy, NOW_MS)
    with pytest.raises(BackupFailed, match="a record cannot be read"):
        back_up(data, data / "backups" / name_at(NOW_MS))
    assert copies_in(data, LATER_MS) == []


@pytest.mark.parametrize(
    ("has_copy", "harm", "advised"),
    [
        (True, "UPDATE tasks SET doc = ']'", "FILE"),
        (True, "", "--as-is"),  # the store knows more than its copy
        (False, "UPDATE tasks SET doc = ']'", "--as-is"),
        (False, None, "--empty"),
    ],
)
def test_the_command_that_is_advised_works_and_brings_back_the_most(
    data: Path, has_copy: bool, harm: str | None, advised: str
) -> None:
    if has_copy:
        back_up(data, data / "backups" / name_at(NOW_MS))
    if harm:
        with closing(sqlite3.connect(data / "fleet.db")) as connection, connection:
            connection.execute(harm)
    elif harm == "":
        start(data)
    (data / "fleet.commits").write_text("99" if not harm else "2")
    if harm is None:
        (data / "fleet.db").write_bytes(b"")
    damage = examine(data)
    assert damage is not None
    words = shlex.split(recovery_command(data, damage, NOW_MS))
    assert words[2] == advised.replace("FILE", str(data / "backups" / name_at(NOW_MS)))
    command = [sys.executable, "-m", "coordinator.cli", *words[1:]]
    assert subprocess.run(command, check=False).returncode == 0
    assert examine(data) is None


@pytest.mark.parametrize("lost", [True, False])
def test_one_can_begin_anew_and_no_term_comes_again(data: Path, lost: bool) -> None:
    for _ in range(5):
        term = start(data).term
    if lost:
        (data / "fleet.db").unlink()
    done = begin_anew(data, NOW_MS)
    memory = start(data)
    assert memory.term > done.term > term
    assert memory.tasks == []
    assert memory.restored_ms == NOW_MS
    assert examine(data) is None


def test_a_crash_in_the_middle_leaves_a_store_that_is_seen_to_be_damaged(
    data: Path, copy: Path
) -> None:
    script = (
        "import sys; from pathlib import Path; from coordinator.shell.restoring import restore;"
        "restore(Path(sys.argv[1]), Path(sys.argv[2]), 1767571200000)"
    )
    command = [sys.executable, "-c", script, str(data), str(copy)]
    crash = os.environ | {"FLEETBUS_CRASH_AT": "during_restore"}
    assert subprocess.run(command, check=False, env=crash).returncode == 137
    damage = examine(data)
    assert damage is not None
    assert damage.text.endswith("fleet.db is gone")
    assert list((data / "replaced").glob("*/fleet.db")) != []
    assert subprocess.run(command, check=False).returncode == 0
    assert examine(data) is None
    assert len(start(data).tasks) == 3
