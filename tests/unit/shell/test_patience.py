"""When the loop stands still for its store."""

import pytest

from coordinator.shell.patience import FEW_EVENTS, PATIENCE_MS, Patience


def test_an_idle_fleet_waits_for_a_store_that_nothing_is_known_about() -> None:
    assert Patience().wait_ms(1, 0) == PATIENCE_MS
    assert Patience().wait_ms(FEW_EVENTS, 0) == PATIENCE_MS


@pytest.mark.parametrize(("decided", "waiting"), [(FEW_EVENTS + 1, 0), (1, 1)])
def test_a_busy_fleet_lets_the_next_batch_gather(decided: int, waiting: int) -> None:
    assert Patience().wait_ms(decided, waiting) == 0


def test_a_slow_store_is_waited_for_again_once_it_was_quick() -> None:
    patience = Patience()
    patience.learn(PATIENCE_MS)
    assert patience.wait_ms(1, 0) == 0
    patience.learn(PATIENCE_MS - 1)
    assert patience.wait_ms(1, 0) == PATIENCE_MS
