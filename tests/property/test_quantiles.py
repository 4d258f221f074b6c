from collections.abc import Sequence
from json import dumps, loads

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.core.quantiles import LONGEST, RELATIVE_ERROR, Sketch

BOUND = RELATIVE_ERROR + 1e-9
SHARES = st.sampled_from([0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0])
DURATIONS = st.one_of(st.integers(1, 50), st.integers(1, 10**7), st.integers(1, int(LONGEST)))


def sketch_of(values: Sequence[int], half_life: float | None = None) -> Sketch:
    sketch = Sketch(half_life)
    for value in values:
        sketch.observe(value)
    return sketch


def exact(values: Sequence[int], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))]


@settings(max_examples=200, deadline=None)
@given(st.lists(DURATIONS, min_size=1, max_size=300), SHARES)
def test_a_quantile_is_within_the_relative_error_of_the_exact_one(
    values: list[int], share: float
) -> None:
    answer, truth = sketch_of(values).quantile(share), exact(values, share)

    assert answer is not None
    assert abs(answer - truth) <= BOUND * truth


@settings(max_examples=100, deadline=None)
@given(st.lists(DURATIONS, max_size=100), st.lists(DURATIONS, max_size=100), SHARES)
def test_to_merge_is_to_have_seen_it_all(one: list[int], other: list[int], share: float) -> None:
    merged, whole = sketch_of(one), sketch_of(one + other)
    merged.merge(sketch_of(other))

    assert merged.record() == whole.record()
    assert merged.quantile(share) == whole.quantile(share)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 400), st.floats(1, 100), SHARES)
def test_after_two_half_lives_three_quarters_are_of_the_new(
    old: int, new: int, before: int, half_life: float, share: float
) -> None:
    sketch = sketch_of([old] * before, half_life)
    for _ in range(int(2 * half_life) + 2):
        sketch.observe(new)

    weights = sketch.weights()
    newest = sketch_of([new]).weights().keys()
    assert sum(weights[bucket] for bucket in newest) >= 0.75 * sum(weights.values())
    answer = sketch.quantile(0.5)
    assert answer is not None
    assert abs(answer - new) <= BOUND * new


@settings(max_examples=60, deadline=None)
@given(st.lists(DURATIONS, max_size=200), st.one_of(st.none(), st.floats(0.05, 200)), SHARES)
def test_what_is_written_down_is_read_back_and_goes_on_the_same(
    values: list[int], half_life: float | None, share: float
) -> None:
    sketch = sketch_of(values, half_life)
    again = Sketch.read(loads(dumps(sketch.record())), half_life)

    assert again.record() == sketch.record()
    for one in (sketch, again):
        one.observe(1234)
    assert again.quantile(share) == sketch.quantile(share)
    assert again.record() == sketch.record()
