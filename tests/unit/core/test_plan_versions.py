"""A plan takes the place of the one that it was made from, and of no other."""

from coordinator.core.effects import SavePlan, SayReply
from coordinator.core.events import Noted, PlanApplied, PlanSource
from coordinator.core.policy import Policy
from protocol.messages import Reply, Submit
from protocol.vocabulary import SubmitOp
from tests.support.fleet import Fleet


def want(fleet: Fleet, made_from: int | None, limit: int, request_id: str = "r") -> Reply:
    """Let somebody want a plan with *limit* in force."""
    request = Submit(
        request_id=request_id, op=SubmitOp.PLAN, plan_version=made_from, reason="because"
    )
    source = PlanSource(b"{}", "ann", request, warnings=("mind the gap",))
    fleet.tell(PlanApplied(Policy(limits={"global": limit}), source))
    (said,) = fleet.said(SayReply)
    return said.reply


def test_a_plan_made_from_the_one_in_force_is_stored_with_its_author_and_comment() -> None:
    fleet = Fleet()
    reply = want(fleet, made_from=0, limit=4)
    assert reply.ok
    assert reply.data == {"version": 1, "warnings": ["mind the gap"]}
    assert fleet.said(SavePlan) == [SavePlan(1, "ann", "because", b"{}", None)]
    assert fleet.state.policy.limits == {"global": 4}


def test_of_two_plans_made_from_one_version_the_second_is_refused_and_both_are_named() -> None:
    fleet = Fleet()
    want(fleet, made_from=0, limit=4)
    reply = want(fleet, made_from=0, limit=9, request_id="r2")
    assert (reply.ok, reply.code) == (False, "conflict")
    assert "made from version 0" in (reply.message or "")
    assert "version 1 is in force" in (reply.message or "")
    assert fleet.said(SavePlan) == []
    assert fleet.state.policy.limits == {"global": 4}


def test_a_plan_that_does_not_say_what_it_was_made_from_is_refused() -> None:
    fleet = Fleet()
    assert want(fleet, made_from=None, limit=4).code == "bad_request"
    assert fleet.state.plan_version == 0


def test_the_same_request_again_is_answered_again_and_changes_nothing() -> None:
    fleet = Fleet()
    first = want(fleet, made_from=0, limit=4)
    assert want(fleet, made_from=0, limit=4) == first
    assert fleet.said(SavePlan) == []
    assert fleet.state.plan_version == 1


def test_what_the_shell_notes_becomes_part_of_the_fleets_story() -> None:
    fleet = Fleet()
    fleet.tell(Noted("plan_offered", None, "a file differs", {"version": 1}))
    assert fleet.stories() == ["plan_offered"]
