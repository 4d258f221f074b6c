"""A long search is waited for."""

import pytest

from tests.property.core_machine import LONG


def pytest_itemcollected(item: pytest.Item) -> None:
    """Interrupt none: it would be taken for a history that failed."""
    if LONG:
        item.add_marker(pytest.mark.timeout(0))
