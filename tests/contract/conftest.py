"""Brokers for a whole module, each test with names of its own, and a new store for each test."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.brokers import BrokerAddress, embedded_broker
from tests.support.postgres import Cluster, postgresql
from tests.support.stores import PostgresStores, SqliteStores, Stores

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerAddress]:
    with embedded_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with postgresql() as running:
        yield running


_SERVED = pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))


@pytest.fixture(params=["sqlite", _SERVED])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """A store that is new to the test, on each kind of database."""
    with contextlib.ExitStack() as stack:
        found: Stores
        if request.param == "sqlite":
            found = SqliteStores(tmp_path / "data")
        else:
            running: Cluster = request.getfixturevalue("cluster")
            found = PostgresStores(stack.enter_context(running.database()))
        stack.callback(found.close_all)
        yield found


@pytest.fixture
def new_name() -> Callable[[], str]:
    return lambda: f"bot-{next(_NUMBERS)}"


@pytest.fixture
def name(new_name: Callable[[], str]) -> str:
    return new_name()
