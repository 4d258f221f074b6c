"""Brokers for a whole module; each test brings names of its own, so that none meets another."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.support.brokers import BrokerAddress, embedded_broker

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerAddress]:
    with embedded_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture
def new_name() -> Callable[[], str]:
    return lambda: f"bot-{next(_NUMBERS)}"


@pytest.fixture
def name(new_name: Callable[[], str]) -> str:
    return new_name()
