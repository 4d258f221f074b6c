"""The control room's own memory: series at falling resolution, and alerts."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from coordinator.core.series import Bucket, Level, first
from coordinator.shell.history.recorder import Recorder
from coordinator.shell.history.store import FILE_NAME, HistoryStore, SeriesKey
from coordinator.shell.store.errors import StoreUnavailable

AT_S = 1_800_000_000
CPU = ("Main", "cpu_usage")
ONLINE = ("", "agents_online")
WEEK_S = 7 * 86_400


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HistoryStore]:
    with closing(HistoryStore.in_directory(tmp_path)) as opened:
        yield opened


def test_samples_are_found_at_every_resolution(store: HistoryStore) -> None:
    recorder = Recorder(store, WEEK_S)
    for second in range(0, 1800, 5):
        recorder.sample({CPU: float(second), ONLINE: 3.0}, AT_S + second)
        recorder.flush()
    recorder.close()

    for step_s, buckets in ((10, 180), (60, 30), (900, 2)):
        found = store.series("Main", None, step_s, AT_S, AT_S + 1800)
        assert list(found) == ["cpu_usage"]
        assert len(found["cpu_usage"]) == buckets
        assert sum(bucket.number for bucket in found["cpu_usage"]) == 360
        assert (found["cpu_usage"][0].low, found["cpu_usage"][-1].high) == (0, 1795)
    assert store.series("", ["agents_online"], 900, AT_S, AT_S + 900)["agents_online"][0].mean == 3


def test_a_bucket_that_was_written_half_full_is_completed_after_a_restart(
    store: HistoryStore,
) -> None:
    for value in (1.0, 9.0):
        recorder = Recorder(store, WEEK_S)
        recorder.sample({CPU: value}, AT_S)
        recorder.close()

    (bucket,) = store.series("Main", None, 900, AT_S, AT_S + 900)["cpu_usage"]
    assert bucket == (AT_S, 2, 10.0, 1.0, 9.0)


def test_what_is_older_than_its_level_is_kept_is_forgotten_series_by_series(
    store: HistoryStore,
) -> None:
    for n in range(5):
        for at_s in (AT_S, AT_S + 1000):
            store.write(10, {(f"bot-{n}", "fps"): first(at_s, 1)})
    kept = (Level(10, 500),)

    assert sum(store.forget(kept, AT_S + 1001, series_at_once=2) for _ in range(3)) == 5
    assert store.count_series() == 5
    assert sum(store.forget(kept, AT_S + 9999, series_at_once=2) for _ in range(6)) == 5
    assert store.count_series() == 0
    store.write(10, {("bot-1", "fps"): first(AT_S, 1)})
    assert store.series("bot-1", None, 10, AT_S, AT_S + 10)["fps"] == [first(AT_S, 1)]


class FullDisk(HistoryStore):
    """A history that cannot be written."""

    def write(self, step_s: int, found: Mapping[SeriesKey, Bucket]) -> None:
        raise StoreUnavailable("the disk is full")


def test_what_could_not_be_written_waits_in_bounds(store: HistoryStore, tmp_path: Path) -> None:
    with closing(FullDisk(tmp_path / FILE_NAME)) as full:
        recorder = Recorder(full, WEEK_S)
        for second in range(0, 1000, 10):
            recorder.sample({CPU: 2.0}, AT_S + second)
        with pytest.raises(StoreUnavailable):
            recorder.flush()
    recorder.store = store

    assert recorder.drop_backlog(30) > 0
    recorder.flush()
    assert len(store.series("Main", None, 10, AT_S, AT_S + 1000)["cpu_usage"]) < 99


@pytest.mark.parametrize("harm", ["rubbish", "other version"])
def test_a_history_that_cannot_be_read_is_put_aside(tmp_path: Path, harm: str) -> None:
    file = tmp_path / FILE_NAME
    if harm == "rubbish":
        file.write_bytes(b"no database at all" * 100)
    else:
        with closing(sqlite3.connect(file)) as other:
            other.execute("PRAGMA user_version=99")
    with closing(HistoryStore.in_directory(tmp_path)) as store:
        assert store.count_series() == 0
    assert (tmp_path / "history.db.aside").exists()


def test_alerts_and_what_the_judge_remembers_come_back(store: HistoryStore) -> None:
    document = {"id": 1, "raised_ms": 5, "resolved_ms": None}
    assert store.alert_state() is None
    store.save_alerts({"next": 2}, {1: document})
    store.save_alerts({"next": 3}, {1: {**document, "resolved_ms": 9}, 2: {**document, "id": 2}})

    assert store.alert_state() == {"next": 3}
    assert [alert["id"] for alert in store.alerts()] == [2, 1]
    assert store.alerts(before_id=2)[0]["resolved_ms"] == 9
    assert store.count_alerts() == 2
