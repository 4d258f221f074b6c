import pytest

from coordinator.core.quantiles import LONGEST, Sketch


def test_nothing_seen_has_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None


def test_memory_is_bounded_whatever_is_seen() -> None:
    sketch = Sketch(half_life=50)
    for exponent in range(60_000):
        sketch.observe(1.001 ** (exponent % 40_000))

    assert len(sketch) < 620
    assert sketch.count == 60_000


@pytest.mark.parametrize("value", [0, -5, 0.3])
def test_what_took_no_time_counts_as_a_millisecond(value: float) -> None:
    sketch = Sketch()
    sketch.observe(value)

    assert sketch.quantile(0.5) == pytest.approx(1, rel=0.021)


def test_what_took_longer_than_a_year_counts_as_a_year() -> None:
    sketch = Sketch()
    sketch.observe(1e300)

    assert sketch.quantile(0.5) == pytest.approx(LONGEST, rel=0.02)


def test_what_is_long_past_is_forgotten_altogether() -> None:
    sketch = Sketch(half_life=1)
    sketch.observe(10**6)
    for _ in range(100):
        sketch.observe(10)

    assert len(sketch.weights()) == 1
    assert sketch.quantile(0) == pytest.approx(10, rel=0.02)


def test_an_answer_counts_all_that_was_seen_before_it() -> None:
    sketch, other = Sketch(), Sketch()
    sketch.observe(10)
    assert sketch.quantile(1) == pytest.approx(10, rel=0.021)
    sketch.observe(100)
    assert sketch.quantile(1) == pytest.approx(100, rel=0.021)
    other.observe(1_000)
    sketch.merge(other)
    assert sketch.quantile(1) == pytest.approx(1_000, rel=0.021)
