"""Since when a task waits and for what before; why an agent is idle; the fleet in one picture."""

from typing import Any

from coordinator.core.policy import FailureCooldown
from coordinator.core.why.story import HOLD_MS, Story
from tests.support.fleet import START, Fleet
from tests.unit.core_why.test_headlines import fleet_of, why


def idle(fleet: Fleet, agent: str) -> dict[str, Any]:
    reply = fleet.ask("why_idle", agent=agent)
    assert reply.data is not None
    return reply.data


def overview(fleet: Fleet) -> dict[str, Any]:
    reply = fleet.ask("why_summary")
    assert reply.data is not None
    return reply.data


def test_a_graver_reason_is_told_at_once() -> None:
    story = Story()
    story.note("AGENT_BUSY", 0)
    story.note("FLEET_PAUSED", 10)
    assert story.entries == [(0, "AGENT_BUSY"), (10, "FLEET_PAUSED")]


def test_a_lesser_reason_is_told_when_it_has_lasted_and_from_its_beginning() -> None:
    story = Story()
    story.note("FLEET_PAUSED", 0)
    story.note("AGENT_BUSY", 10)
    story.note("AGENT_BUSY", 10 + HOLD_MS - 1)
    assert story.entries == [(0, "FLEET_PAUSED")]
    story.note("AGENT_BUSY", 10 + HOLD_MS)
    assert story.entries == [(0, "FLEET_PAUSED"), (10, "AGENT_BUSY")]


def test_a_reason_that_comes_back_at_once_was_never_away() -> None:
    story = Story()
    for at_ms, code in ((0, "MODE_LIMIT"), (500, "AGENT_BUSY"), (900, "MODE_LIMIT")):
        story.note(code, at_ms)
    assert story.entries == [(0, "MODE_LIMIT")]


def test_the_story_of_a_task_begins_with_the_task() -> None:
    fleet = fleet_of("A", limits={"mode:quest": 1})
    first = fleet.create()
    fleet.create()
    fleet.pass_time(30)
    task = fleet.create()
    fleet.ask("pause_fleet")
    fleet.pass_time(10)

    document = why(fleet, task)
    began_ms = START.wall_ms + 30_000
    assert document["history"][0] == [began_ms, "MODE_LIMIT"]
    assert document["history"][-1][1] == "FLEET_PAUSED"
    assert document["blocked_since_ms"] == document["history"][-1][0]
    assert fleet.status(first) == "running"


def test_the_story_of_a_task_survives_a_new_plan() -> None:
    fleet = fleet_of("A", limits={"mode:quest": 1})
    fleet.create()
    task = fleet.create()
    fleet.pass_time(20)
    fleet.limit(**{"global": 7})
    assert why(fleet, task)["blocked_since_ms"] == START.wall_ms


def test_an_agent_without_work_says_that_none_waits() -> None:
    fleet = fleet_of("A")
    assert idle(fleet, "A")["headline"]["code"] == "NOTHING_WAITS"


def test_an_idle_agent_counts_what_waits_by_why_it_is_not_for_it() -> None:
    fleet = fleet_of("A", "B", limits={"mode:craft": 1})
    fleet.ask("cordon", agent="B")
    fleet.create(agent="B")
    for _ in range(2):
        fleet.create(mode="craft")

    document = idle(fleet, "A")
    assert document["headline"]["code"] == "NOTHING_FOR_IT"
    assert document["waiting"]["not_for_it"] == {"NO_CAPABLE_AGENT": 2, "PINNED_ELSEWHERE": 1}


def test_an_agent_out_of_service_says_who_wanted_it() -> None:
    fleet = fleet_of("A")
    fleet.ask("cordon", agent="A", reason="new disk", client="Ada")
    document = idle(fleet, "A")
    assert document["headline"] == {"code": "CORDONED", "text": "cordon by Ada: new disk"}
    (failing,) = [gate for gate in document["gates"] if not gate["ok"]]
    assert failing["until_ms"] == START.wall_ms + 3_600_000


def test_an_agent_tells_of_its_cooldowns() -> None:
    rule = FailureCooldown("fails", 1, 60_000, 600_000, 600_000)
    fleet = fleet_of("A", failure_cooldowns=(rule,))
    fleet.fail(fleet.create(max_attempts=1))
    (cooldown,) = idle(fleet, "A")["cooldowns"]
    assert (cooldown["type"], cooldown["code"]) == ("mode:quest", "FAILURE_COOLDOWN")


def test_the_fleet_counts_every_waiting_task_once() -> None:
    fleet = fleet_of("A", limits={"mode:quest": 1})
    first = fleet.create()
    fleet.create()
    fleet.create(depends_on=[first])
    fleet.create(scheduled_for_ms=START.wall_ms + 60_000)
    fleet.ask("pause", task=fleet.create())

    counts = {entry["code"]: entry["tasks"] for entry in overview(fleet)["blocked"]}
    assert counts == {"MODE_LIMIT": 1, "DEPENDENCY": 1, "NOT_BEFORE": 1, "PAUSED": 1}


def test_what_will_never_start_is_an_alarm() -> None:
    fleet = fleet_of("A")
    fleet.create(mode="craft")
    (alarm,) = overview(fleet)["alarms"]
    assert (alarm["code"], alarm["tasks"]) == ("NO_CAPABLE_AGENT", 1)


def test_lists_and_the_summary_name_the_same_reason() -> None:
    fleet = fleet_of("A")
    fleet.create()
    task = fleet.create()
    reply = fleet.ask("get", task=task)
    assert reply.data is not None
    assert reply.data["blocked_by"] == ["AGENT_BUSY"]
    assert overview(fleet)["blocked"][0]["code"] == "AGENT_BUSY"
    assert why(fleet, task)["headline"]["code"] == "AGENT_BUSY"
