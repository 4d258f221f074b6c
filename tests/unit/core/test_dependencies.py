"""Dependencies: a task that others must complete before."""

from tests.support.fleet import Fleet


def test_a_task_starts_when_the_last_one_that_it_depends_on_has_completed() -> None:
    fleet = Fleet()
    fleet.agent("Main", slots=3)
    fleet.create(id="a")
    fleet.create(id="b")
    fleet.create(id="c", depends_on=["a", "b"])

    fleet.finish("a")
    assert fleet.phase("c") == "dependent"
    fleet.finish("b")
    assert fleet.phase("c") == "running"


def test_a_task_whose_dependency_did_not_complete_fails_and_so_do_those_behind_it() -> None:
    fleet = Fleet()
    fleet.create(id="a")
    fleet.create(id="b", depends_on=["a"])
    fleet.create(id="c", depends_on=["b"])
    fleet.ask("cancel", "a")

    assert [fleet.status(task) for task in "abc"] == ["cancelled", "failed", "failed"]
    assert fleet.state.tasks["c"].error_code == "dependency"


def test_a_chain_of_any_length_fails_at_once() -> None:
    fleet = Fleet()
    checked, fleet.checks = fleet.checks, False
    fleet.create(id="t0")
    for n in range(1, 1500):
        fleet.create(id=f"t{n}", depends_on=[f"t{n - 1}"])
    fleet.checks = checked
    fleet.ask("cancel", "t0")

    assert fleet.status("t1499") == "failed"


def test_dependencies_survive_a_restart_in_whatever_order_they_are_remembered() -> None:
    fleet = Fleet()
    fleet.agent("Main", slots=3)
    fleet.create(id="a")
    fleet.create(id="later", scheduled_for_ms=fleet.now.wall_ms + 3_600_000)
    fleet.create(id="z", depends_on=["a", "later"])
    fleet.finish("a")
    del fleet.stored_tasks["a"]  # what is over need not be remembered
    fleet.restart_coordinator()

    assert fleet.phase("z") == "dependent"
    fleet.pass_time(3_700)
    fleet.finish("later")
    assert fleet.phase("z") == "running"


def test_a_dependency_that_completed_counts_for_good() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.create(id="a")
    fleet.finish("a")
    fleet.create(id="b", depends_on=["a"])
    fleet.fail("b", retry_after_s=100.0)
    del fleet.stored_tasks["a"]
    fleet.restart_coordinator()
    fleet.pass_time(200)

    assert fleet.phase("b") == "running"


def test_a_dependency_that_completes_while_its_task_is_paused_counts() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.create(id="a")
    fleet.create(id="b", depends_on=["a"])
    fleet.ask("pause", "b")
    fleet.finish("a")

    assert fleet.phase("b") == "paused_pending"
    fleet.ask("resume", "b")
    assert fleet.phase("b") == "running"


def test_a_task_cannot_depend_on_one_that_nobody_knows() -> None:
    fleet = Fleet()
    reply = fleet.ask("create", spec={"name": "a", "mode": "quest", "depends_on": ["nobody"]})

    assert (reply.ok, reply.code) == (False, "bad_request")
    assert "nobody" in (reply.message or "")
