"""Failures: when a task is tried again, by whom, and when it is given up."""

import pytest

from protocol.vocabulary import LEAVING, ReportEvent
from tests.support.fleet import Fleet


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.create(id="hunt")
    return fleet


def test_a_failed_task_is_tried_again_after_a_while(fleet: Fleet) -> None:
    fleet.fail("hunt", message="lag")
    task = fleet.state.tasks["hunt"]

    assert fleet.phase("hunt") == "scheduled"
    assert (task.error_code, task.error) == ("boom", "lag")
    fleet.pass_time(3)
    assert fleet.phase("hunt") == "running"
    assert (task.failures, task.starts) == (1, 2)


def test_it_is_given_up_after_as_many_attempts_as_it_may_have() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create(max_attempts=2)
    fleet.fail(task)
    fleet.pass_time(3)
    fleet.fail(task)

    assert fleet.status(task) == "failed"
    assert fleet.state.tasks[task].starts == 2


def test_it_is_given_up_at_once_when_trying_again_makes_no_sense(fleet: Fleet) -> None:
    fleet.fail("hunt", retryable=False)

    assert fleet.status("hunt") == "failed"


def test_its_agent_may_ask_for_a_longer_wait(fleet: Fleet) -> None:
    fleet.fail("hunt", retry_after_s=60.0)

    fleet.pass_time(59.999)
    assert fleet.phase("hunt") == "scheduled"
    fleet.pass_time(0.001)
    assert fleet.phase("hunt") == "running"


def waits_of(task: str, *, failures: int) -> list[int]:
    """List how long *task* waits after each of its failures, in ms."""
    fleet = Fleet(retry_base_ms=1_000, retry_cap_ms=30_000)
    fleet.agent("Main", heartbeat_ms=600_000)
    fleet.create(id=task, max_attempts=100)
    waits = []
    for _ in range(failures):
        fleet.fail(task)
        due_ms = fleet.state.tasks[task].not_before_ms
        waits.append(0 if due_ms is None else due_ms - fleet.now.wall_ms)
        fleet.pass_time(31)
    return waits


def test_each_wait_is_drawn_from_twice_the_time_of_the_one_before_up_to_a_cap() -> None:
    waits = [waits_of(f"t{n}", failures=7) for n in range(30)]

    for failure, ceiling_ms in enumerate([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]):
        drawn = [wait[failure] for wait in waits]
        assert 0 <= min(drawn) < ceiling_ms * 0.3
        assert ceiling_ms * 0.7 < max(drawn) <= ceiling_ms


def test_the_same_failure_of_the_same_task_waits_the_same_time() -> None:
    assert waits_of("t1", failures=3) == waits_of("t1", failures=3)


def test_a_rejected_task_is_not_given_to_the_same_agent_again(fleet: Fleet) -> None:
    fleet.report("hunt", ReportEvent.REJECTED, code="no_map")
    fleet.pass_time(60)

    assert fleet.phase("hunt") == "ready"
    fleet.agent("Alt")
    assert fleet.holder("hunt") == "Alt"


def test_a_task_that_a_leaving_agent_rejects_may_go_to_its_successor(fleet: Fleet) -> None:
    fleet.report("hunt", ReportEvent.REJECTED, code=LEAVING)
    assert fleet.phase("hunt") == "scheduled"
    fleet.restart("Main")
    fleet.pass_time(2)

    assert fleet.holder("hunt") == "Main"
    assert fleet.state.tasks["hunt"].failures == 0


def test_an_agent_that_rejected_one_task_gets_others(fleet: Fleet) -> None:
    fleet.report("hunt", ReportEvent.REJECTED, code="no_map")
    other = fleet.create()

    assert fleet.holder(other) == "Main"


def test_a_failure_is_counted_for_the_agent(fleet: Fleet) -> None:
    fleet.fail("hunt", message="lag")
    agent = fleet.state.agents["Main"]

    assert (agent.errors_today, agent.last_error) == (1, "boom: lag")


def test_a_waiting_retry_can_be_started_at_once(fleet: Fleet) -> None:
    fleet.fail("hunt", retry_after_s=600.0)
    reply = fleet.ask("retry", "hunt")

    assert (reply.ok, reply.task) == (True, "hunt")
    assert fleet.phase("hunt") == "running"


def test_a_task_that_failed_and_succeeds_bears_no_error(fleet: Fleet) -> None:
    fleet.fail("hunt")
    fleet.pass_time(3)
    fleet.finish("hunt")

    assert fleet.state.tasks["hunt"].error_code is None


def test_running_an_ended_task_again_makes_a_new_one_of_the_same_terms() -> None:
    fleet = Fleet(limits={"key:boss": 1})
    fleet.agent("Main", "quest", "combat", "trading")
    task = fleet.create(
        "sell",
        mode="combat",
        capabilities=["trading"],
        concurrency_key="boss",
        max_attempts=7,
        args={"zone": 4},
        constraints={"min_health": "healthy"},
    )
    fleet.finish(task)
    fleet.crash("Main")
    fleet.agent("Alt", "quest", "combat")
    again = fleet.ask("retry", task).task

    assert again is not None
    first, second = fleet.state.tasks[task], fleet.state.tasks[again]
    assert second.parent == task
    assert (second.terms, second.args, second.name) == (first.terms, first.args, "sell")
    assert fleet.holder(again) != "Alt"


def test_a_task_that_is_not_over_cannot_be_run_again(fleet: Fleet) -> None:
    reply = fleet.ask("retry", "hunt")

    assert (reply.ok, reply.code) == (False, "conflict")
