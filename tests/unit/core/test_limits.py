"""Limits: how many may run at once, and how a changed limit acts."""

from tests.support.fleet import Fleet


def fleet_of(count: int, limits: dict[str, int]) -> Fleet:
    fleet = Fleet(limits=limits)
    for n in range(count):
        fleet.agent(f"bot{n}", "quest", "combat")
    return fleet


def test_no_more_tasks_run_at_once_than_the_fleet_allows() -> None:
    fleet = fleet_of(4, {"global": 3})
    tasks = [fleet.create() for _ in range(4)]

    assert fleet.running() == tasks[:3]
    fleet.finish(tasks[1])
    assert fleet.running() == [tasks[0], tasks[2], tasks[3]]


def test_a_full_mode_holds_back_its_own_tasks_only() -> None:
    fleet = fleet_of(4, {"mode:combat": 2})
    fights = [fleet.create(mode="combat") for _ in range(3)]
    quest = fleet.create(mode="quest")

    assert fleet.running() == [*fights[:2], quest]
    fleet.finish(fights[0])
    assert fleet.running() == [fights[1], fights[2], quest]


def test_tasks_of_one_concurrency_key_share_its_limit() -> None:
    fleet = fleet_of(4, {"key:boss": 1})
    first = fleet.create(concurrency_key="boss")
    second = fleet.create(concurrency_key="boss", mode="combat")
    other = fleet.create(concurrency_key="chest")

    assert fleet.running() == [first, other]
    fleet.finish(first)
    assert fleet.running() == [second, other]


def test_an_agent_holds_as_many_tasks_as_it_has_slots() -> None:
    fleet = Fleet()
    fleet.agent("wide", slots=2)
    tasks = [fleet.create() for _ in range(3)]

    assert fleet.running() == tasks[:2]
    fleet.finish(tasks[0])
    assert fleet.running() == tasks[1:]


def test_a_limit_of_zero_lets_nothing_start() -> None:
    fleet = fleet_of(2, {"mode:combat": 0})
    fight = fleet.create(mode="combat")
    quest = fleet.create(mode="quest")

    assert fleet.running() == [quest]
    assert fleet.phase(fight) == "ready"


def test_a_raised_limit_lets_waiting_tasks_start_at_once() -> None:
    fleet = fleet_of(3, {"global": 1})
    tasks = [fleet.create() for _ in range(3)]
    fleet.plan(limits={"global": 2})

    assert fleet.running() == tasks[:2]
    fleet.plan(limits={})
    assert fleet.running() == tasks


def test_a_lowered_limit_kills_nothing_and_starts_nothing_until_there_is_room() -> None:
    fleet = fleet_of(3, {"global": 3})
    tasks = [fleet.create() for _ in range(4)]
    fleet.plan(limits={"global": 1})

    assert fleet.running() == tasks[:3]
    fleet.finish(tasks[0])
    fleet.finish(tasks[1])
    assert fleet.running() == [tasks[2]]
    fleet.finish(tasks[2])
    assert fleet.running() == [tasks[3]]


def test_a_task_that_is_paused_on_its_agent_keeps_its_permits() -> None:
    fleet = fleet_of(2, {"global": 1})
    first, second = fleet.create(), fleet.create()
    fleet.ask("pause", first)

    assert fleet.phase(first) == "paused_running"
    assert fleet.phase(second) == "ready"


def test_a_task_that_failed_gives_its_permits_back_while_it_backs_off() -> None:
    fleet = fleet_of(2, {"mode:combat": 1})
    first, second = fleet.create(mode="combat"), fleet.create(mode="combat")
    fleet.fail(first)

    assert fleet.phase(first) == "scheduled"
    assert fleet.running() == [second]


def test_room_that_one_agent_makes_is_taken_by_another_that_waits_for_it() -> None:
    fleet = Fleet(limits={"global": 1})
    fleet.agent("a", "quest")
    fleet.agent("b", "combat")
    quest, fight = fleet.create(), fleet.create(mode="combat")
    fleet.finish(quest)

    assert fleet.running() == [fight]
    assert fleet.holder(fight) == "b"


def test_a_start_that_nobody_could_hear_of_uses_up_its_cap() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.bots["Main"].mute = True
    fleet.create("hunt", constraints={"daily_cap": 1}, max_attempts=1)
    second = fleet.create("hunt", constraints={"daily_cap": 1})
    fleet.pass_time(70)

    fleet.agent("Alt")
    assert fleet.phase(second) == "ready"
