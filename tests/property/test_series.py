"""Down-sampling loses no peak and no sum, whichever way a series came to be coarse."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.core.series import (
    LEAST_KEPT_S,
    MOST_ROWS,
    Bucket,
    best_level,
    coarser,
    first,
    levels,
)

VALUES = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(-(10**6), 10**6).map(float)), max_size=300
).map(sorted)
STEPS = st.sampled_from([10, 60, 900])


def buckets_of(values: list[tuple[int, float]], step_s: int) -> list[Bucket]:
    return coarser((first(at_s, value) for at_s, value in values), step_s)


@settings(max_examples=200, deadline=None)
@given(VALUES, STEPS)
def test_least_most_mean_and_number_are_kept(values: list[tuple[int, float]], step_s: int) -> None:
    made = buckets_of(values, step_s)

    assert sum(bucket.number for bucket in made) == len(values)
    for bucket in made:
        within = [value for at_s, value in values if 0 <= at_s - bucket.at_s < step_s]
        assert bucket.number == len(within)
        assert (bucket.low, bucket.high) == (min(within), max(within))
        assert bucket.mean == sum(within) / len(within)
    assert all(one.at_s < other.at_s for one, other in pairwise(made))
    assert all(bucket.at_s % step_s == 0 for bucket in made)


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_coarse_from_fine_is_coarse_at_once(values: list[tuple[int, float]]) -> None:
    assert coarser(coarser(buckets_of(values, 10), 60), 900) == buckets_of(values, 900)


@given(st.floats(1, 1e8), st.integers(0, 100_000), st.integers(0, 10**7), st.integers(1, 2000))
def test_levels_are_bounded_and_one_always_answers(
    keep_s: float, series: int, ago_s: int, most: int
) -> None:
    found = levels(keep_s, series)

    for level in found[:-1]:
        assert level.keep_s // level.step_s * series <= MOST_ROWS
        assert level.keep_s >= LEAST_KEPT_S
    chosen = best_level(found, 10**9 - ago_s, 10**9, most)
    assert chosen in found
    assert chosen is found[-1] or ago_s <= chosen.keep_s
