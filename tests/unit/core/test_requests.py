"""Requests: what clients may ask of a task in every phase, and that each is answered once."""

from collections.abc import Callable
from typing import Any

import pytest

from coordinator.core.effects import SaveReply, SayReply
from protocol.vocabulary import ReportEvent
from tests.support.fleet import Fleet


def scheduled(fleet: Fleet) -> None:
    fleet.create(id="t", scheduled_for_ms=fleet.now.wall_ms + 3_600_000)


def ready(fleet: Fleet) -> None:
    fleet.create(id="t", mode="combat")


def offered(fleet: Fleet) -> None:
    fleet.bots["Main"].starts = False
    fleet.create(id="t")


def running(fleet: Fleet) -> None:
    fleet.create(id="t")


def unknown(fleet: Fleet) -> None:
    running(fleet)
    fleet.will("Main")


def pausing(fleet: Fleet) -> None:
    running(fleet)
    fleet.bots["Main"].obeys = False
    fleet.ask("pause", "t")


def paused_running(fleet: Fleet) -> None:
    running(fleet)
    fleet.ask("pause", "t")


def paused_pending(fleet: Fleet) -> None:
    ready(fleet)
    fleet.ask("pause", "t")


def cancelling(fleet: Fleet) -> None:
    running(fleet)
    fleet.bots["Main"].obeys = False
    fleet.ask("cancel", "t")


def backing_off(fleet: Fleet) -> None:
    running(fleet)
    fleet.fail("t", retry_after_s=600.0)


def dependent(fleet: Fleet) -> None:
    fleet.create(id="before", mode="combat")
    fleet.create(id="t", depends_on=["before"])


def completed(fleet: Fleet) -> None:
    running(fleet)
    fleet.finish("t")


def failed(fleet: Fleet) -> None:
    running(fleet)
    fleet.fail("t", retryable=False)


def cancelled(fleet: Fleet) -> None:
    ready(fleet)
    fleet.ask("cancel", "t")


Setting = Callable[[Fleet], None]
MOVES: list[tuple[Setting, str, str, str]] = [
    (scheduled, "cancelled", "paused_pending", "conflict"),
    (ready, "cancelled", "paused_pending", "conflict"),
    (dependent, "cancelled", "paused_pending", "conflict"),
    (backing_off, "cancelled", "paused_pending", "conflict"),
    (offered, "cancelling", "pausing", "conflict"),
    (running, "cancelling", "pausing", "conflict"),
    (unknown, "cancelling", "pausing", "conflict"),
    (pausing, "cancelling", "pausing", "running"),
    (paused_running, "cancelling", "conflict", "running"),
    (paused_pending, "cancelled", "conflict", "ready"),
    (cancelling, "cancelling", "conflict", "conflict"),
    (completed, "conflict", "conflict", "conflict"),
    (failed, "conflict", "conflict", "conflict"),
    (cancelled, "conflict", "conflict", "conflict"),
]
"""How a task got where it is; and where cancel, pause and resume bring it from there."""


@pytest.mark.parametrize(
    ("setting", "verb", "expected"),
    [
        pytest.param(setting, verb, expected, id=f"{setting.__name__}-{verb}")
        for setting, *outcomes in MOVES
        for verb, expected in zip(("cancel", "pause", "resume"), outcomes, strict=True)
    ],
)
def test_every_verb_in_every_phase(setting: Setting, verb: str, expected: str) -> None:
    fleet = Fleet()
    fleet.agent("Main")
    setting(fleet)
    before = fleet.phase("t")
    fleet.bots["Main"].obeys = False
    reply = fleet.ask(verb, "t")

    if expected == "conflict":
        assert (reply.ok, reply.code) == (False, "conflict")
        assert fleet.phase("t") == before
    else:
        assert reply.ok, reply.message
        assert expected in {fleet.phase("t"), fleet.status("t")}


def test_a_running_task_is_cancelled_when_its_agent_has_let_go() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    cancelling(fleet)
    waiting = fleet.create()

    assert fleet.status("t") == "running"
    assert fleet.phase(waiting) == "ready"
    fleet.report("t", ReportEvent.CANCELLED)
    assert fleet.status("t") == "cancelled"
    assert fleet.running() == [waiting]


@pytest.mark.parametrize("event", [ReportEvent.FAILED, ReportEvent.ABANDONED, ReportEvent.REJECTED])
def test_a_task_to_be_cancelled_is_not_tried_again(event: ReportEvent) -> None:
    fleet = Fleet()
    fleet.agent("Main")
    cancelling(fleet)
    fleet.report("t", event)

    assert fleet.status("t") == "cancelled"


def test_a_task_to_be_cancelled_that_succeeds_first_has_succeeded() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    cancelling(fleet)
    fleet.finish("t")

    assert fleet.status("t") == "completed"


def test_a_task_to_be_cancelled_ends_when_its_agent_is_lost() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    cancelling(fleet)
    fleet.crash("Main")
    fleet.pass_time(70)

    assert fleet.status("t") == "cancelled"


def test_a_task_to_be_cancelled_cannot_be_paused_instead_whatever_its_agent_did() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    cancelling(fleet)
    fleet.restart("Main")
    reply = fleet.ask("pause", "t")

    assert (reply.ok, reply.code) == (False, "conflict")
    fleet.pass_time(70)
    assert fleet.status("t") == "cancelled"


@pytest.mark.parametrize("setting", [pausing, paused_running])
def test_a_paused_task_whose_agent_is_lost_stays_paused(setting: Setting) -> None:
    fleet = Fleet()
    fleet.agent("Main")
    setting(fleet)
    fleet.crash("Main")
    fleet.agent("Alt")
    fleet.pass_time(70)

    assert fleet.phase("t") == "paused_pending"
    fleet.ask("resume", "t")
    assert fleet.holder("t") == "Alt"


def test_a_paused_task_that_fails_stays_paused() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    pausing(fleet)
    fleet.fail("t")
    fleet.pass_time(60)

    assert fleet.phase("t") == "paused_pending"
    fleet.ask("resume", "t")
    assert fleet.holder("t") == "Main"


def test_an_agent_that_cannot_pause_is_not_asked_to() -> None:
    fleet = Fleet()
    fleet.agent("Main", features=("cancel",))
    running(fleet)
    reply = fleet.ask("pause", "t")

    assert reply.code == "conflict"
    assert "cannot pause" in (reply.message or "")


def test_the_same_request_is_carried_out_once_and_answered_the_same() -> None:
    fleet = Fleet()
    spec = {"name": "hunt", "mode": "quest"}
    first = fleet.ask("create", request_id="one", spec=spec)
    second = fleet.ask("create", request_id="one", spec=spec)

    assert second == first
    assert len(fleet.state.tasks) == 1
    assert fleet.said(SaveReply) == []


def test_the_same_request_is_answered_the_same_after_a_restart() -> None:
    fleet = Fleet()
    spec = {"name": "hunt", "mode": "quest"}
    first = fleet.ask("create", request_id="one", spec=spec)
    fleet.restart_coordinator()
    second = fleet.ask("create", request_id="one", spec=spec)

    assert second == first
    assert len(fleet.state.tasks) == 1


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("op", "task", "spec"),
    [
        ("create", None, {"name": "hunt", "mode": "combat"}),
        ("cancel", "t", None),
        ("get", "t", None),
    ],
)
def test_another_request_under_a_used_id_is_refused_and_changes_nothing(
    op: str, task: str | None, spec: dict[str, Any] | None, restarts: bool
) -> None:
    fleet = Fleet()
    fleet.create(id="t")
    first = {"name": "hunt", "mode": "quest"}
    known = fleet.ask("create", request_id="one", spec=first)
    if restarts:
        fleet.restart_coordinator()
    refused = fleet.ask(op, task, request_id="one", spec=spec)

    assert (refused.ok, refused.code) == (False, "request_id_reused")
    assert refused.message == (
        "request_id: 'one' came with another request before; a new request needs a new one"
    )
    assert fleet.phase("t") == "ready"
    assert len(fleet.state.tasks) == 2
    assert fleet.ask("create", request_id="one", spec=first) == known


def test_a_refusal_is_remembered_like_any_answer() -> None:
    fleet = Fleet()
    first = fleet.ask("cancel", "t", request_id="one")
    fleet.create(id="t")
    second = fleet.ask("cancel", "t", request_id="one")

    assert (first.code, second.code) == ("not_found", "not_found")
    assert fleet.phase("t") == "ready"


def test_two_clients_may_use_the_same_request_id() -> None:
    fleet = Fleet()
    spec = {"name": "hunt", "mode": "quest"}
    fleet.ask("create", request_id="one", spec=spec, client="a")
    fleet.ask("create", request_id="one", spec=spec, client="b")

    assert len(fleet.state.tasks) == 2


def test_a_question_is_answered_anew_each_time() -> None:
    fleet = Fleet()
    fleet.create(id="t")
    before = fleet.ask("get", "t", request_id="one").data
    fleet.ask("cancel", "t")
    after = fleet.ask("get", "t", request_id="one").data

    assert before is not None
    assert after is not None
    assert (before["status"], after["status"]) == ("pending", "cancelled")


def test_two_tasks_cannot_have_the_same_id() -> None:
    fleet = Fleet()
    fleet.create(id="t")
    reply = fleet.ask("create", task="t", spec={"name": "other", "mode": "quest"})

    assert (reply.ok, reply.code) == (False, "conflict")
    assert fleet.state.tasks["t"].name == "task"


def test_an_id_of_our_making_takes_nobody_elses_place() -> None:
    fleet = Fleet()
    taken = [fleet.create("theirs", id=f"t1-{n:06d}") for n in range(1, 21, 2)]
    made = [fleet.create("ours") for _ in range(3)]
    fleet.ask("cancel", made[0])
    again = fleet.ask("retry", made[0]).task

    assert len({*taken, *made, again}) == 14
    assert all(fleet.state.tasks[task].name == "theirs" for task in taken)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"op": "create"}, "spec"),
        ({"op": "cancel"}, "task"),
        ({"op": "drain"}, "agent"),
        (
            {"op": "create", "spec": {"name": "a", "mode": "b", "constraints": {"colour": 1}}},
            "colour",
        ),
        (
            {"op": "create", "spec": {"name": "a", "mode": "b", "constraints": {"min_health": 1}}},
            "min_health",
        ),
    ],
)
def test_a_request_that_cannot_be_understood_says_which_field_is_wrong(
    asked: dict[str, object], words: str
) -> None:
    fleet = Fleet()
    reply = fleet.ask(**asked)  # type: ignore[arg-type] # of any kind, that is the point

    assert (reply.ok, reply.code) == (False, "bad_request")
    assert words in (reply.message or "")
    assert fleet.state.tasks == {}


@pytest.mark.parametrize("asked", [{"op": "cancel", "task": "x"}, {"op": "drain", "agent": "x"}])
def test_what_does_not_exist_cannot_be_found(asked: dict[str, str]) -> None:
    reply = Fleet().ask(**asked)

    assert (reply.ok, reply.code) == (False, "not_found")


def test_what_was_accepted_is_stored_before_it_is_answered() -> None:
    fleet = Fleet()
    task = fleet.create()
    kinds = [type(effect).__name__ for effect in fleet.effects]

    assert task in fleet.stored_tasks
    assert kinds.index("SaveTask") < kinds.index("SayReply")
    assert len(fleet.said(SayReply)) == 1
