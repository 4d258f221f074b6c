"""For how long nobody is blamed, when the loop woke too late."""

import pytest

from coordinator.core.events import Stalled
from coordinator.core.instant import Instant
from coordinator.shell.standing_still import STALL_MS, stood_still

IDLE_FROM = Instant(0, 1_000_000)
WAITED_MS = 24_000


def _woken_late(late_ms: int) -> Stalled | None:
    now = IDLE_FROM._replace(mono_ms=IDLE_FROM.mono_ms + WAITED_MS + late_ms)
    return stood_still(IDLE_FROM, now, WAITED_MS)


@pytest.mark.parametrize("late_ms", [-WAITED_MS, 0, STALL_MS])
def test_a_loop_that_wakes_in_time_or_nearly_has_not_stood_still(late_ms: int) -> None:
    assert _woken_late(late_ms) is None


def test_all_of_the_time_since_it_began_to_wait_may_have_been_lost() -> None:
    assert _woken_late(STALL_MS + 1) == Stalled(WAITED_MS + STALL_MS + 1)
