"""The count of commits beside the store."""

import logging
from pathlib import Path

import pytest

from coordinator.shell.store import Changes, Store
from coordinator.shell.store.engine import url_in
from coordinator.shell.store.sidecar import Sidecar
from tests.support.stores import task_row


def test_before_anything_was_promised_there_is_no_count(tmp_path: Path) -> None:
    assert Sidecar(tmp_path / "fleet.commits").read() is None


def test_what_was_noted_is_read_back_by_another(tmp_path: Path) -> None:
    Sidecar(tmp_path / "fleet.commits").note(41)
    Sidecar(tmp_path / "fleet.commits").note(42)
    assert Sidecar(tmp_path / "fleet.commits").read() == 42
    assert [file.name for file in tmp_path.iterdir()] == ["fleet.commits"]


def test_a_count_that_cannot_be_read_says_nothing_against_the_store(tmp_path: Path) -> None:
    file = tmp_path / "fleet.commits"
    file.write_bytes(b"\xff?")
    assert Sidecar(file).read() == 0


def test_it_is_due_after_so_many_commits_and_never_without_one(tmp_path: Path) -> None:
    side = Sidecar(tmp_path / "fleet.commits", every_commits=10, every_s=3600)
    side.note(5)
    assert [side.is_due(n) for n in (5, 6, 14, 15)] == [False, False, False, True]


def test_it_is_due_after_some_time(tmp_path: Path) -> None:
    side = Sidecar(tmp_path / "fleet.commits", every_commits=10, every_s=0)
    side.note(5)
    assert [side.is_due(n) for n in (5, 6)] == [False, True]


def test_a_full_disk_keeps_the_older_count_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    side = Sidecar(tmp_path / "fleet.commits", every_s=0)
    side.note(1)
    (tmp_path / "fleet.commits.new").mkdir()  # no file can be written there
    with caplog.at_level(logging.WARNING):
        side.note(2)
        side.note(3)
    assert side.read() == 1
    assert len(caplog.records) == 1
    assert side.is_due(3)


def test_the_store_notes_its_count_at_the_start_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "fleet.commits"
    store = Store(url_in(tmp_path), Sidecar(file, every_commits=3, every_s=3600))
    store.begin_term(0)
    seen = [file.read_text()]
    for n in range(4):
        store.commit(Changes(tasks=[task_row(f"t{n}")]))
        seen.append(file.read_text())
    assert seen == ["1", "1", "1", "4", "4"]
    store.close()
    assert file.read_text() == "5"
