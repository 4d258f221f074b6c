"""Instants as the API writes them: always the same shape, whatever the year."""

import pytest

from coordinator.http.schemas.base import LATEST_MS, instant, until


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_677_450_383, "2026-11-26T07:17:30.383Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-49_102_675_490_000, "0413-12-30T23:55:10.000Z"),
        (-(2**53), "0001-01-01T00:00:00.000Z"),
        (2**53, "9999-12-31T23:59:59.000Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_milliseconds(ms: int, said: str) -> None:
    assert instant(ms) == said


def test_what_is_for_ever_has_no_end() -> None:
    assert until(LATEST_MS) is None
    assert until(0) == instant(0)
