"""Many tasks in one request: each stands for itself, and all are decided at once."""

import itertools
from typing import Any, Final

from coordinator.core.effects import LogEvent, SaveTask, SayReply
from coordinator.core.events import Submitted
from coordinator.core.step import step
from protocol.messages import Submit, TaskSpec
from protocol.vocabulary import SubmitOp, TaskStatus
from tests.support.fleet import Fleet

NUMBERS: Final = itertools.count()


def asked(fleet: Fleet, **fields: object) -> tuple[dict[str, Any], list[object]]:
    submit = Submit.model_validate({"request_id": f"r{next(NUMBERS)}", **fields})
    effects = step(fleet.state, Submitted("web", submit), fleet.now)
    reply = next(effect.reply for effect in effects if isinstance(effect, SayReply))
    assert reply.ok, reply.message
    return reply.data or {}, list(effects)


def specs(*names: str, **more: object) -> tuple[TaskSpec, ...]:
    return tuple(TaskSpec.model_validate({"name": n, "mode": "combat", **more}) for n in names)


def test_what_is_wrong_with_one_of_many_does_not_keep_the_others_from_being_created() -> None:
    fleet = Fleet()
    wrong = specs("wrong", depends_on=["nobody"])
    data, effects = asked(
        fleet, op=SubmitOp.CREATE_MANY, specs=(*specs("a"), *wrong, *specs("b")), by="Ann"
    )
    first, none, last = data["tasks"]
    assert none is None
    assert data["refused"] == [
        {
            "index": 1,
            "code": "bad_request",
            "message": "spec.depends_on.0: 'nobody' should be the id of a task that is known",
            "fault": {
                "path": "spec.depends_on.0",
                "value": "nobody",
                "expected": "the id of a task that is known",
            },
        }
    ]
    saved = {effect.task for effect in effects if isinstance(effect, SaveTask)}
    assert {first, last} <= saved
    assert fleet.state.tasks[str(first)].client == "Ann via web"


def test_an_act_on_many_is_done_to_each_that_allows_it_and_told_once() -> None:
    fleet = Fleet()
    data, _ = asked(fleet, op=SubmitOp.CREATE_MANY, specs=specs("a", "b"))
    first, last = data["tasks"]
    data, effects = asked(
        fleet,
        op=SubmitOp.ACT_ON_MANY,
        verb="cancel",
        tasks=(first, "nobody", last),
        reason="enough",
        by="Ann",
    )
    assert data["done"] == 2
    assert [one["task"] for one in data["refused"]] == ["nobody"]
    assert fleet.state.tasks[str(last)].status is TaskStatus.CANCELLED
    told = [e.text for e in effects if isinstance(e, LogEvent) and e.kind == "operator"]
    assert told == ["Ann via web: cancel of 2 tasks: enough"]


def test_a_look_names_the_reasons_of_tasks_and_the_tasks_of_a_reason() -> None:
    fleet = Fleet()
    fleet.ask("pause_fleet")
    data, _ = asked(fleet, op=SubmitOp.CREATE_MANY, specs=specs("a", "b"))
    first, last = data["tasks"]
    looked, effects = asked(fleet, op=SubmitOp.LOOK, tasks=(first, "nobody"), key="FLEET_PAUSED")
    assert looked["blocked"] == {first: ["FLEET_PAUSED"]}
    assert looked["waiting"] == [first, last]
    assert looked["total"] == 2
    assert not any(isinstance(effect, SaveTask) for effect in effects)
