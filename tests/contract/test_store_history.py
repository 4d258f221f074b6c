"""What is forgotten of history, and what is carried from one store to another."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from coordinator.plan.upkeep import Retention
from coordinator.shell.restoring import TERM_STEP
from coordinator.shell.retention import AT_ONCE, REPLIES_KEPT_MS, forget
from coordinator.shell.store import Changes, Store, StoreError
from coordinator.shell.store.schema import ATTEMPTS, EVENTS, MARKS, META, REPLIES
from coordinator.shell.transfer import BadExport, export_store, import_document
from tests.support.stored_fleet import HELD, changes_of_a_fleet
from tests.support.stores import SqliteStores, Stores, task_row

DAY_MS = 86_400_000
NOW_MS = 100 * DAY_MS
KEEP = Retention(tasks=30 * 86_400.0, events=10 * 86_400.0)


@pytest.fixture
def store(stores: Stores) -> Store:
    store = stores.open()
    store.begin_term(0)
    return store


def ended(name: str, at_ms: int, status: str = "completed") -> dict[str, Any]:
    return task_row(name, status, created_ms=at_ms - 1_000, completed_ms=at_ms)


def attempt(task: str) -> dict[str, Any]:
    times = {"offered_ms": 1, "started_ms": 1, "ended_ms": 2, "ran_ms": 1}
    return {"task": task, "fence": 1, "agent": "Main", "outcome": "succeeded"} | times


def event(number: int, at_ms: int) -> dict[str, Any]:
    return {"number": number, "at_ms": at_ms, "kind": "health", "subject": None, "doc": b"{}"}


def forget_all(store: Store) -> int:
    times = 1
    while not store.maintain(lambda connection: forget(connection, KEEP, NOW_MS)).is_all:
        times += 1
    return times


def count(store: Store, table: Any) -> int:
    return store.maintain(
        lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()
    )


def test_old_tasks_go_with_their_attempts_and_stay_counted(store: Store) -> None:
    old, young = NOW_MS - 31 * DAY_MS, NOW_MS - 29 * DAY_MS
    store.commit(
        Changes(
            tasks=[ended("old", old), ended("sad", old, "failed"), ended("young", young)],
            attempts=[attempt("old"), attempt("old"), attempt("young")],
        )
    )
    before = sorted(store.begin_term(0).tally)
    assert forget_all(store) == 1
    assert [row["id"] for row in store.past_tasks(["old", "sad", "young"])] == ["young"]
    assert count(store, ATTEMPTS) == 1
    assert sorted(store.begin_term(0).tally) == before
    store.commit(Changes(tasks=[ended("older", old)]))
    forget_all(store)
    assert ("completed", "normal", "quest", 3) in store.begin_term(0).tally


def test_a_task_that_is_open_is_never_forgotten_however_old(store: Store) -> None:
    store.commit(
        Changes(tasks=[task_row("t1"), task_row("t2", "running"), task_row("t3", "paused")])
    )
    forget_all(store)
    assert len(store.past_tasks(["t1", "t2", "t3"])) == 3


def test_little_is_forgotten_at_once(store: Store) -> None:
    old = [ended(f"t{n}", 1_000) for n in range(AT_ONCE * 2 + 1)]
    store.commit(Changes(tasks=old))
    assert forget_all(store) == 3
    assert store.begin_term(0).tally == [("completed", "normal", "quest", len(old))]


def test_the_story_goes_by_its_age_but_its_numbers_never_come_again(store: Store) -> None:
    young = NOW_MS - 9 * DAY_MS
    store.commit(Changes(events=[event(1, 0), event(2, NOW_MS - 11 * DAY_MS), event(3, young)]))
    forget_all(store)
    assert count(store, EVENTS) == 1
    assert store.begin_term(0).last_event == 3


def test_the_newest_event_stays_even_when_it_is_old(store: Store) -> None:
    store.commit(Changes(events=[event(1, 0), event(2, 0)]))
    forget_all(store)
    assert store.begin_term(0).last_event == 2


def test_answers_are_kept_for_a_day_and_marks_until_they_are_cleared(store: Store) -> None:
    def answer(request_id: str, at_ms: int) -> dict[str, Any]:
        doc = {"ts_ms": 1, "coord": "c", "term": 1, "request_id": request_id, "ok": True}
        return {
            "client": "ops",
            "request_id": request_id,
            "answered_ms": at_ms,
            "doc": json.dumps(doc).encode(),
        }

    store.commit(
        Changes(
            replies=[
                answer("old", NOW_MS - REPLIES_KEPT_MS - 1),
                answer("young", NOW_MS - REPLIES_KEPT_MS),
            ],
            marks=[
                {"kind": "hold", "key": "a", "doc": b"null"},
                {"kind": "hold", "key": "b", "doc": b"{}"},
            ],
        )
    )
    forget_all(store)
    assert list(store.known_replies([("ops", "old"), ("ops", "young")])) == [("ops", "young")]
    assert (count(store, REPLIES), count(store, MARKS)) == (1, 1)


# --- from one store to another


def test_of_a_store_in_which_no_fleet_is_yet_nothing_is_exported(stores: Stores) -> None:
    if isinstance(stores, SqliteStores):
        stores.data.mkdir()
        (stores.data / "fleet.db").touch()  # as one who was killed at the very start leaves it
    with pytest.raises(StoreError, match="no fleet in this store yet; start a coordinator on it"):
        export_store(stores.url, NOW_MS)


def test_a_fleet_comes_out_of_one_store_and_into_another(
    stores: Stores, store: Store, tmp_path: Path
) -> None:
    store.commit(changes_of_a_fleet(3))
    document = json.loads(json.dumps(export_store(stores.url, NOW_MS)))
    assert [agent["name"] for agent in document["agents"]] == ["Main"]
    others = SqliteStores(tmp_path / "other")
    other = others.open()
    counts = import_document(other, document, NOW_MS)
    assert (counts.agents, counts.tasks, counts.marks) == (1, 3, 1)
    others.close_all()
    memory = others.open().begin_term(0)
    others.close_all()
    assert {record["id"]: record["fence"] for record in memory.tasks} == {
        "t0000": TERM_STEP + 3,
        "t0001": TERM_STEP,
        "t0002": TERM_STEP,
    }
    assert [(kind, key) for kind, key, _ in memory.marks] == [("hold", HELD)]
    assert memory.restored_ms == NOW_MS


def test_a_document_that_comes_in_again_brings_back_no_term_and_no_fence(
    store: Store, stores: Stores, tmp_path: Path
) -> None:
    store.commit(changes_of_a_fleet(3))
    old = update(META).where(META.c.key == "term").values(value=5_000)
    store.maintain(lambda connection: connection.execute(old))
    document = export_store(stores.url, NOW_MS)
    others = SqliteStores(tmp_path / "other")
    import_document(others.open(), document, NOW_MS)
    others.close_all()
    first = others.open().begin_term(0)
    assert first.term > 5_000  # agents of the fleet obey none that is lower than they knew
    others.close_all()
    import_document(others.open(), document, NOW_MS)
    others.close_all()
    second = others.open().begin_term(0)
    others.close_all()
    assert second.term > first.term + 900
    fences = {record["id"]: record["fence"] for record in second.tasks}
    assert all(fences[record["id"]] > record["fence"] + 900 for record in first.tasks)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda d: d.update(format="x"), "format: should be 'fleetbus-export'"),
        (lambda d: d.update(version=2), "version: 2 should be 1"),
        (lambda d: d.update(term="5"), "term: '5' should be a whole number"),
        (lambda d: d.pop("agents"), "agents: should be a list"),
        (lambda d: d["tasks"][1].pop("id"), r"tasks\[1\]: should be a record as it was exported"),
        (lambda d: d["tasks"][2].update(phase="odd"), r"tasks\[2\]: .*ValueError: 'odd'"),
        (lambda d: d["marks"][0].update(kind="odd"), r"marks\[0\]: .*unknown kind 'odd'"),
        (lambda d: d["agents"].append([]), r"agents\[1\]: should be a record"),
        (
            lambda d: d["tasks"][0].update(id=5),
            r"tasks\[0\]: .*id 5: Input should be",
        ),
        (lambda d: d["tasks"][0].update(id="a/#"), r"tasks\[0\]: .*id 'a/#': String should match"),
        (lambda d: d["tasks"][1].update(created_ms="soon"), r"tasks\[1\]: .*created_ms 'soon': "),
        (lambda d: d["tasks"][1].update(fence=1 << 60), r"fence 1152.*: Input should be less than"),
        (lambda d: d["tasks"][0]["attempt"].update(fence=-1), r"attempt.fence -1: "),
        (lambda d: d["tasks"][2]["terms"].update(daily_cap="two"), r"daily_cap 'two': "),
        (
            lambda d: d["tasks"].append(d["tasks"][0]),
            r"tasks\[3\]: is there already, as",
        ),
        (
            lambda d: d["agents"][0].update(name="../x"),
            r"agents\[0\]: .*name '../x': String",
        ),
        (lambda d: d["marks"][0].update(key=5), r"marks\[0\]: .*key 5: Input should be"),
    ],
)
def test_a_document_that_is_wrong_is_refused_before_anything_is_written(
    stores: Stores, store: Store, tmp_path: Path, harm: Any, said: str
) -> None:
    store.commit(changes_of_a_fleet(3))
    document = export_store(stores.url, NOW_MS)
    harm(document)
    before = store.commits
    with pytest.raises(BadExport, match=said):
        import_document(store, document, NOW_MS)
    assert store.commits == before
