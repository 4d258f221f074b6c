from collections.abc import Callable

import pytest

from coordinator.core.errors import BadRequest, UnknownSubject
from coordinator.core.recurrence.pausing import pause_schedule, resume_schedule
from coordinator.core.recurrence.progress import Pause
from coordinator.core.recurrence.recurring import Overlap
from coordinator.core.turn import Turn
from tests.unit.core_recurrence.fleet import HOUR_MS, MINUTE_MS, Fleet, hourly


def told(fleet: Fleet, act: Callable[[Turn], object]) -> object:
    turn = Turn(fleet.state, fleet.now)
    answer = act(turn)
    fleet.keep(turn.effects)
    return answer


def pause(fleet: Fleet, until_ms: int | None = None) -> None:
    told(fleet, lambda turn: pause_schedule(turn, "hourly", Pause("storm", "ana", until_ms)))


def resume(fleet: Fleet) -> object:
    return told(fleet, lambda turn: resume_schedule(turn, "hourly", "ana"))


def test_a_paused_schedule_goes_on_and_skips_each_time() -> None:
    fleet = Fleet()
    fleet.plan(hourly())
    pause(fleet)
    fleet.passes(2 * HOUR_MS)

    assert (fleet.nominal(), fleet.skipped()) == ([], [("paused", 1), ("paused", 1)])
    assert resume(fleet) is True
    assert resume(fleet) is False
    assert fleet.nominal() == []
    fleet.passes(HOUR_MS)
    assert fleet.nominal() == [3]


def test_a_pause_ends_by_itself_and_survives_a_crash_until_then() -> None:
    fleet = Fleet()
    fleet.plan(hourly())
    pause(fleet, fleet.now_ms + 2 * HOUR_MS)
    fleet = fleet.dies(90 * MINUTE_MS)

    assert fleet.skipped() == [("paused", 1)]
    fleet.passes(30 * MINUTE_MS)
    assert fleet.nominal() == [2]
    assert fleet.progress().pause is None


def test_a_pause_that_ended_while_nobody_was_there_covers_no_more_than_it_said() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.ALLOW_ALL))
    pause(fleet, fleet.now_ms + 150 * MINUTE_MS)

    fleet = fleet.dies(4 * HOUR_MS)

    assert fleet.nominal() == [4]
    assert fleet.skipped() == [("paused", 2), ("merged", 1)]


def test_what_waits_for_a_run_to_end_waits_for_the_end_of_the_pause_too() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.BUFFER_ONE))
    fleet.passes(2 * HOUR_MS)
    pause(fleet)
    fleet.ends(fleet.runs()[0])
    assert fleet.nominal() == [1]

    resume(fleet)

    assert fleet.nominal() == [1, 2]


def test_a_pause_of_no_schedule_or_into_the_past_is_refused() -> None:
    fleet = Fleet()
    with pytest.raises(UnknownSubject, match="hourly"):
        pause(fleet)
    fleet.plan(hourly())
    with pytest.raises(BadRequest, match="until_ms"):
        pause(fleet, fleet.now_ms)
