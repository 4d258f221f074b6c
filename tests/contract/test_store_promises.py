"""What the coordinator relies on, of every database that can be its store."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from coordinator.shell.store import Changes, Store, StoreUnavailable, TermEnded
from coordinator.shell.store.schema import META
from protocol.messages import Reply
from tests.support.stores import Stores, cut_at_commit, insist, much, task_row

EVENT = {"number": 7, "at_ms": 5, "kind": "health", "subject": "Main", "doc": b"{}"}
ATTEMPT = {
    "task": "t1",
    "fence": 1,
    "agent": "Main",
    "outcome": "succeeded",
    "offered_ms": 1,
    "started_ms": 2,
    "ended_ms": 3,
    "ran_ms": 1,
}


def leading(stores: Stores) -> Store:
    store = stores.open()
    store.begin_term(0)
    return store


def reply(request_id: str) -> Reply:
    return Reply(ts_ms=1, coord="c", term=1, request_id=request_id, ok=True)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["id"] for row in rows)


def test_what_was_committed_is_there_after_a_restart(stores: Stores) -> None:
    store = leading(stores)
    store.commit(
        Changes(
            tasks=[task_row("t1"), task_row("t2", "running")],
            agents=[{"name": "Main", "doc": b'{"name":"Main"}'}],
            ledgers=[{"agent": "Main", "boot": "b1", "doc": b'{"ack":3}'}],
            marks=[{"kind": "hold", "key": "global", "doc": b'{"reason":"x"}'}],
            attempts=[ATTEMPT],
            events=[EVENT],
        )
    )
    stores.close_all()
    memory = stores.open().begin_term(0)
    assert memory.term == 2
    assert ids(memory.tasks) == ["t1", "t2"]
    assert memory.agents == [{"name": "Main"}]
    assert memory.ledgers == [("Main", "b1", {"ack": 3})]
    assert memory.marks == [("hold", "global", {"reason": "x"})]
    assert memory.last_event == 7
    assert sorted(memory.tally) == [
        ("pending", "normal", "quest", 1),
        ("running", "normal", "quest", 1),
    ]


def test_a_ledger_that_is_given_up_is_gone_and_no_other(stores: Stores) -> None:
    store = leading(stores)
    kept = [("Alt", "b1"), ("Main", "b2"), ("Main", "b3")]
    opened = [("Main", "b1"), *kept]
    store.commit(
        Changes(ledgers=[{"agent": a, "boot": b, "doc": b'{"ack":3}'} for a, b in opened[:3]])
    )
    store.commit(
        Changes(
            ledgers=[{"agent": "Main", "boot": "b3", "doc": b'{"ack":3}'}],
            gone_ledgers=[{"of_agent": "Main", "of_boot": "b1"}],
        )
    )
    stores.close_all()
    memory = stores.open().begin_term(0)
    assert sorted((agent, boot) for agent, boot, _ in memory.ledgers) == kept


def test_the_last_word_on_a_row_counts(stores: Stores) -> None:
    store = leading(stores)
    store.commit(
        Changes(
            tasks=[task_row("t1")], marks=[{"kind": "hold", "key": "mode:quest", "doc": b'{"a":1}'}]
        )
    )
    store.commit(
        Changes(
            tasks=[task_row("t1", "running")],
            marks=[{"kind": "hold", "key": "mode:quest", "doc": b"null"}],
        )
    )
    memory = store.begin_term(0)
    assert [row["status"] for row in memory.tasks] == ["running"]
    assert memory.marks == []


def test_of_tasks_that_are_over_only_the_latest_are_loaded_but_all_are_counted(
    stores: Stores,
) -> None:
    store = leading(stores)
    store.commit(
        Changes(
            tasks=[
                task_row("old", "completed", completed_ms=1_000),
                task_row("new", "completed", completed_ms=2_000),
            ]
        )
    )
    memory = store.begin_term(2_000)
    assert ids(memory.tasks) == ["new"]
    assert memory.tally == [("completed", "normal", "quest", 2)]
    assert ids(store.past_tasks(["old", "new", "never"])) == ["new", "old"]


def test_a_request_is_recognised_by_client_and_id(stores: Stores) -> None:
    store = leading(stores)
    row = {
        "client": "ops",
        "request_id": "r1",
        "answered_ms": 1,
        "doc": reply("r1").model_dump_json(exclude_none=True).encode(),
    }
    store.commit(Changes(replies=[row]))
    known = store.known_replies([("ops", "r1"), ("ops", "r2"), ("other", "r1")])
    assert known == {("ops", "r1"): reply("r1")}
    answered = store.begin_term(0).answered
    assert answered.may_hold(("ops", "r1"))
    assert not answered.may_hold(("ops", "r2"))


def test_where_too_many_answers_are_stored_to_be_read_each_request_is_looked_up(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.shell.store.store.LOADED", 1)
    store = leading(stores)
    document = reply("r1").model_dump_json(exclude_none=True).encode()
    rows = [
        {"client": "ops", "request_id": name, "answered_ms": 1, "doc": document}
        for name in ("r1", "r2")
    ]
    store.commit(Changes(replies=rows))
    assert store.begin_term(0).answered.may_hold(("ops", "never asked"))


def test_every_transaction_counts_itself_once(stores: Stores) -> None:
    store = leading(stores)
    before = store.commits
    for n in range(5):
        store.commit(Changes(tasks=[task_row(f"t{n}")]))
    assert store.commits == before + 5
    stores.close_all()
    again = stores.open()
    again.begin_term(0)
    assert again.commits == before + 6


def test_the_same_changes_given_twice_are_stored_once(stores: Stores) -> None:
    store = leading(stores)
    changes = Changes(events=[EVENT], attempts=[ATTEMPT])
    store.commit(changes)
    store.commit(changes)  # a second event of this number would be refused
    assert store.begin_term(0).last_event == 7


def test_a_failed_commit_stores_nothing_and_succeeds_when_the_trouble_is_over(
    stores: Stores,
) -> None:
    store = leading(stores)
    store.commit(Changes(tasks=[task_row("before")]))
    changes = much()
    with stores.broken(store), pytest.raises(StoreUnavailable, match="the store cannot be written"):
        store.commit(changes)
    assert ids(store.past_tasks(["before", "big0"])) == ["before"]
    store.commit(changes)
    assert ids(store.past_tasks(["before", "big0"])) == ["before", "big0"]
    store.commit(Changes(tasks=[task_row("after")]))
    assert ids(store.past_tasks(["after"])) == ["after"]


@pytest.mark.parametrize("was_stored", [True, False])
def test_a_commit_of_unknown_outcome_is_looked_up_before_it_is_done_again(
    stores: Stores, was_stored: bool
) -> None:
    store = leading(stores)
    changes = Changes(events=[EVENT], tasks=[task_row("t1")])
    with cut_at_commit(store, after=was_stored), pytest.raises(StoreUnavailable):
        store.commit(changes)
    store.commit(changes)  # would be refused if the event were stored a second time
    store.commit(Changes(tasks=[task_row("t2")]))
    memory = store.begin_term(0)
    assert memory.last_event == 7
    assert ids(memory.tasks) == ["t1", "t2"]


def test_while_a_commit_is_in_doubt_nothing_else_is_written(stores: Stores) -> None:
    store = leading(stores)
    changes = Changes(events=[EVENT])
    with cut_at_commit(store, after=True), pytest.raises(StoreUnavailable):
        store.commit(changes)
    with pytest.raises(StoreUnavailable, match="the last commit; it goes first"):
        store.maintain(lambda connection: connection.execute(META.delete()))
    store.commit(changes)
    assert store.begin_term(0).term == 2


def test_a_coordinator_whose_term_is_over_can_store_nothing(stores: Stores) -> None:
    old = leading(stores)
    old.commit(Changes(tasks=[task_row("t1")]))
    stores.lose_the_lead()
    new = leading(stores)
    late = Changes(tasks=[task_row("t2")])
    with pytest.raises(TermEnded, match="another coordinator"):
        insist(lambda: old.commit(late))
    with pytest.raises(TermEnded, match="another coordinator"):
        old.confirm()
    new.confirm()
    new.commit(Changes(tasks=[task_row("t3")]))
    assert ids(new.past_tasks(["t1", "t2", "t3"])) == ["t1", "t3"]


def test_a_term_that_lasts_is_confirmed(stores: Stores) -> None:
    store = leading(stores)
    store.commit(Changes(tasks=[task_row("t1")]))
    store.confirm()


def test_it_is_told_when_a_transaction_has_only_to_be_committed(stores: Stores) -> None:
    store = leading(stores)
    commits = store.commits
    seen: list[int] = []
    store.on_written = lambda: seen.append(store.commits)
    store.commit(Changes(tasks=[task_row("t1")]))
    assert (seen, store.commits) == ([commits], commits + 1)


def test_a_fault_of_ours_is_no_trouble_of_the_store(stores: Stores) -> None:
    store = leading(stores)
    store.commit(Changes(events=[EVENT]))
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        store.commit(Changes(events=[dict(EVENT)]))
    store.commit(Changes(events=[EVENT | {"number": 8}]))
    assert store.begin_term(0).last_event == 8
