"""Timers: of an agent's silence there is one, wherever it is put."""

import pytest

from coordinator.core.instant import Instant
from coordinator.core.timers import Due, Timers


def _fired(timers: Timers, at_ms: int) -> list[tuple[Due, str]]:
    return list(timers.pop_due(Instant(0, at_ms)))


def test_a_silence_can_be_judged_sooner_than_was_set_and_is_judged_once() -> None:
    timers = Timers()
    timers.at_mono(100, Due.SUSPECT, "a")
    timers.put_off_silence("a", 150)
    timers.at_mono(50, Due.SUSPECT, "a")

    assert _fired(timers, 49) == []
    assert _fired(timers, 50) == [(Due.SUSPECT, "a")]
    assert _fired(timers, 1_000) == []
    assert len(timers) == 0


def test_a_silence_that_is_set_anew_and_anew_leaves_nothing_behind() -> None:
    timers = Timers()
    for now_ms in range(0, 100_000, 10):
        timers.at_mono(now_ms + 100, Due.SUSPECT, "a")
        timers.put_off_silence("a", now_ms + 200)
        assert _fired(timers, now_ms) == []

    assert len(timers) <= 11


def test_the_silence_of_one_agent_is_not_that_of_another() -> None:
    timers = Timers()
    timers.at_mono(100, Due.SUSPECT, "a")
    timers.at_mono(100, Due.SUSPECT, "b")
    timers.at_mono(50, Due.SUSPECT, "a")
    timers.put_off_silence("b", 120)

    assert _fired(timers, 110) == [(Due.SUSPECT, "a")]
    assert _fired(timers, 120) == [(Due.SUSPECT, "b")]


@pytest.mark.parametrize("asks", [False, True])
def test_the_order_of_what_is_due_at_once_does_not_depend_on_who_asked_what_is_next(
    asks: bool,
) -> None:
    timers = Timers()

    def ask() -> None:
        if asks:
            timers.next_in_ms(Instant(0, 0))

    timers.at_mono(10, Due.SUSPECT, "a")
    timers.at_mono(5, Due.SUSPECT, "b")
    timers.put_off_silence("b", 12)
    ask()
    timers.put_off_silence("a", 30)
    ask()
    timers.put_off_silence("b", 30)
    ask()
    assert _fired(timers, 30) == [(Due.SUSPECT, "a"), (Due.SUSPECT, "b")]
