"""Order: who goes first when there is room for one."""

import pytest

from tests.support.fleet import Fleet


@pytest.fixture
def fleet() -> Fleet:
    """Return one agent who is busy, so that everything else waits."""
    fleet = Fleet()
    fleet.agent("bot", heartbeat_ms=3_600_000)
    fleet.create("first", id="first")
    return fleet


def order_of(fleet: Fleet) -> list[str]:
    """Finish one task after the other; return in which order they came to run."""
    order = []
    while running := fleet.running():
        order += running
        fleet.finish(running[0])
    return order[1:]


def test_equal_tasks_go_in_the_order_in_which_they_came(fleet: Fleet) -> None:
    for name in ("b", "a", "c"):
        fleet.create(id=name)
        fleet.pass_time(1)

    assert order_of(fleet) == ["b", "a", "c"]


def test_tasks_that_came_at_the_same_moment_go_by_their_id(fleet: Fleet) -> None:
    for name in ("b", "a", "c"):
        fleet.create(id=name)

    assert order_of(fleet) == ["a", "b", "c"]


def test_a_higher_priority_goes_before_a_lower_one_of_the_same_age(fleet: Fleet) -> None:
    for priority in ("maintenance", "low", "normal", "high", "critical"):
        fleet.create(id=priority, priority=priority)

    assert order_of(fleet) == ["critical", "high", "normal", "low", "maintenance"]


@pytest.mark.parametrize(
    ("older_s", "order"),
    [(3_599, ["high", "low"]), (3_601, ["low", "high"])],
    ids=["less than its head start", "more than its head start"],
)
def test_a_head_start_is_an_hour_of_age_and_no_more(
    fleet: Fleet, older_s: int, order: list[str]
) -> None:
    fleet.create(id="low", priority="low")
    fleet.pass_time(older_s)
    fleet.create(id="high", priority="high")

    assert order_of(fleet) == order


def test_a_critical_task_goes_before_everything_however_old(fleet: Fleet) -> None:
    fleet.create(id="old", priority="high")
    fleet.pass_time(100 * 3600)
    fleet.create(id="urgent", priority="critical")

    assert order_of(fleet) == ["urgent", "old"]


def test_maintenance_comes_after_everything_however_old(fleet: Fleet) -> None:
    fleet.create(id="upkeep", priority="maintenance")
    fleet.pass_time(100 * 3600)
    fleet.create(id="new", priority="low")

    assert order_of(fleet) == ["new", "upkeep"]


def test_a_task_for_later_ages_from_its_time_on(fleet: Fleet) -> None:
    fleet.create(id="later", scheduled_for_ms=fleet.now.wall_ms + 60_000)
    fleet.pass_time(30)
    fleet.create(id="sooner")
    fleet.pass_time(60)
    fleet.create(id="last")

    assert order_of(fleet) == ["sooner", "later", "last"]


def test_a_task_for_later_starts_when_its_time_has_come() -> None:
    fleet = Fleet()
    fleet.agent("bot")
    task = fleet.create(scheduled_for_ms=fleet.now.wall_ms + 60_000)

    fleet.pass_time(59.999)
    assert fleet.phase(task) == "scheduled"
    fleet.pass_time(0.001)
    assert fleet.phase(task) == "running"


def test_the_time_that_a_task_was_paused_does_not_count_as_waiting(fleet: Fleet) -> None:
    fleet.create(id="paused")
    fleet.ask("pause", "paused")
    fleet.pass_time(60)
    fleet.create(id="waiting")
    fleet.pass_time(60)
    fleet.ask("resume", "paused")

    assert order_of(fleet) == ["waiting", "paused"]


def test_a_retry_keeps_its_place(fleet: Fleet) -> None:
    fleet.create(id="second")
    fleet.pass_time(1)
    fleet.create(id="third")
    fleet.finish("first")
    fleet.fail("second")
    fleet.create(id="fourth")
    fleet.pass_time(400)

    assert order_of(fleet) == ["second", "fourth"]


def test_a_task_behind_a_closed_gate_holds_nobody_back() -> None:
    fleet = Fleet(limits={"mode:combat": 1})
    fleet.agent("a", "quest", "combat")
    fleet.agent("b", "quest", "combat")
    fleet.create(id="fight", mode="combat")
    fleet.create(id="blocked", mode="combat", priority="critical")
    fleet.create(id="free", mode="quest", priority="low")

    assert fleet.running() == ["fight", "free"]
