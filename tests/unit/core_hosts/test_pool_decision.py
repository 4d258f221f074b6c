"""How many agents a pool needs, from numbers alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.core.pools.decision import Load, Memory, PoolPolicy, decide

RULES = PoolPolicy(
    name="miners",
    least=1,
    most=10,
    target_wait_ms=30_000,
    machines=("pc",),
    members=tuple(f"miners-{n}" for n in range(1, 11)),
    calm_ms=60_000,
)
BUSY = Load(size=1, ready=1, held=1, waiting=12, oldest_wait_ms=0, run_ms=10_000)
IDLE = Load(size=5, ready=5, held=0, waiting=0, oldest_wait_ms=0, run_ms=None)


def size(load: Load, policy: PoolPolicy = RULES) -> int:
    return decide(policy, load, Memory(), 0)[0].size


def test_as_many_come_as_end_every_wait_in_time() -> None:
    # Each slot does three in 30 s, and one of them is taken.
    assert size(BUSY) == 5


def test_nobody_comes_while_all_would_be_done_in_time() -> None:
    assert size(replace(BUSY, waiting=3)) == 1


def test_where_nobody_knows_how_long_it_takes_each_that_waits_gets_an_agent() -> None:
    assert size(replace(BUSY, waiting=4, run_ms=None)) == 5


def test_an_agent_of_many_slots_counts_as_many() -> None:
    assert size(replace(BUSY, waiting=16), replace(RULES, slots=4)) == 2


def test_a_pool_never_leaves_its_bounds() -> None:
    assert size(replace(BUSY, waiting=1000)) == 10
    assert size(replace(BUSY, size=0, ready=0, held=0, waiting=0)) == 1


def test_those_that_are_still_coming_up_count() -> None:
    assert size(replace(BUSY, size=5, ready=1)) == 5


def test_a_wait_beyond_the_target_brings_one_more_whatever_the_estimates_say() -> None:
    late = replace(BUSY, waiting=1, run_ms=100, oldest_wait_ms=31_000)
    assert size(late) == 2
    assert size(replace(late, size=2, ready=1)) == 2  # the last one is still to come


def test_what_was_started_is_given_time_to_show_its_effect() -> None:
    _, memory = decide(RULES, BUSY, Memory(), 0)
    more = replace(BUSY, size=5, ready=5, held=5, waiting=100)
    decision, memory = decide(RULES, more, memory, 1_000)
    assert decision.size == 5
    assert "still to come" in decision.text
    assert decide(RULES, more, memory, 5_000)[0].size == 10


def test_nobody_goes_before_the_calm_is_over_and_then_all_go_that_were_not_needed() -> None:
    memory, now, sizes = Memory(), 0, []
    for _ in range(13):
        decision, memory = decide(RULES, IDLE, memory, now)
        sizes.append(decision.size)
        now += 5_000
    assert sizes == [5] * 12 + [1]
    assert "within 60 s" in decision.text


def test_a_wave_within_the_calm_keeps_what_it_needed() -> None:
    _, memory = decide(RULES, IDLE, Memory(), 0)
    _, memory = decide(RULES, replace(IDLE, held=3), memory, 40_000)
    assert decide(RULES, IDLE, memory, 61_000)[0].size == 3
    assert decide(RULES, replace(IDLE, size=3), memory, 101_000)[0].size == 1


def test_a_lowered_bound_holds_at_once() -> None:
    assert size(IDLE, replace(RULES, most=2)) == 2


def test_every_decision_says_why() -> None:
    decision, _ = decide(RULES, BUSY, Memory(), 0)
    assert decision.text == "1 → 5 agents: 12 tasks wait, up to 120 s with 1; the target is 30 s"


LOADS = st.builds(
    Load,
    size=st.integers(0, 10),
    ready=st.integers(0, 10),
    held=st.integers(0, 10),
    waiting=st.integers(0, 1000),
    oldest_wait_ms=st.integers(0, 10**7),
    run_ms=st.none() | st.floats(1, 10**7),
)


@given(st.lists(st.tuples(st.integers(0, 100_000), LOADS), min_size=1, max_size=20))
def test_whatever_the_load_the_bounds_hold_and_memory_stays_small(
    history: list[tuple[int, Load]],
) -> None:
    memory, now = Memory(), 0
    for gap, load in history:
        now += gap
        decision, memory = decide(RULES, load, memory, now)
        assert min(load.size, RULES.least) <= decision.size <= max(load.size, RULES.most)
        if decision.size < load.size:
            assert decision.size >= min(RULES.most, max(n for _, n in memory.needs))
        kept = [need for _, need in memory.needs]
        assert kept == sorted(kept, reverse=True)
        assert len(kept) == len(set(kept))


@pytest.mark.parametrize("waiting", [0, 5])
def test_the_same_numbers_always_give_the_same_decision(waiting: int) -> None:
    load = replace(BUSY, waiting=waiting)
    assert decide(RULES, load, Memory(), 7) == decide(RULES, load, Memory(), 7)
