"""What holds for every kind of test."""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.simulation import summary

# A busy machine makes no test wrong: only what is found counts, not how long the finding took.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

pytest_terminal_summary = summary.pytest_terminal_summary

SHARED: Final = ("room", "fleet", "shared", "browser")
"""Fixtures that several tests share, and that work for as long as they are there."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """End what tests share once the next one wants it no more, and not when all tests are over."""
    yield
    for name in SHARED:
        used = _definition(item, name)
        if used is not None and used is not _definition(nextitem, name):
            used.finish(item._request)  # type: ignore[attr-defined] # a function's


def _definition(item: pytest.Item | None, name: str) -> pytest.FixtureDef[object] | None:
    if not isinstance(item, pytest.Function):
        return None
    found = item._fixtureinfo.name2fixturedefs.get(name)
    return found[-1] if found else None
