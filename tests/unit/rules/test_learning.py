"""What was learnt from history: whom a task is given to, and whether it still ends in time."""

from tests.support.fleet import Fleet


def test_an_agent_that_fails_at_a_mode_more_than_others_gets_it_last() -> None:
    fleet = Fleet()
    fleet.agent("clumsy", "quest")
    for _ in range(6):
        fleet.fail(fleet.create(mode="quest", max_attempts=1))
        fleet.pass_time(1)
    fleet.agent("able", "quest")
    for _ in range(3):
        task = fleet.create(mode="quest")
        assert fleet.holder(task) == "able"
        fleet.finish(task)
        fleet.pass_time(1)


def test_an_agent_that_succeeds_is_not_given_everything() -> None:
    fleet = Fleet()
    fleet.agent("first", "quest")
    fleet.agent("second", "quest")
    holders = []
    for _ in range(6):
        task = fleet.create(mode="quest")
        holders.append(fleet.holder(task))
        fleet.finish(task)
        fleet.pass_time(1)
    assert holders == ["first", "second"] * 3


def test_an_agent_that_is_much_slower_is_taken_last() -> None:
    fleet = Fleet()
    fleet.agent("slow", "quest")
    for _ in range(6):
        task = fleet.create(mode="quest")
        fleet.pass_time(80)
        fleet.finish(task)
    fleet.agent("quick", "quest")
    fleet.create(name="keep slow busy", mode="quest", agent="slow", id="blocker")
    for _ in range(12):
        task = fleet.create(mode="quest")
        assert fleet.holder(task) == "quick"
        fleet.pass_time(4)
        fleet.finish(task)
    fleet.finish("blocker")
    fleet.pass_time(1)
    assert fleet.holder(fleet.create(mode="quest")) == "quick"
