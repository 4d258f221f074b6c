"""A control room without a fleet."""

import time
from collections.abc import Iterator

import pytest

from coordinator.http.auth.tokens import SCOPES
from tests.support.quiet_room import QuietRoom, quiet_room


@pytest.fixture(scope="session")
def _one_quiet_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuietRoom]:
    found = quiet_room(tmp_path_factory.mktemp("quiet"))
    yield found
    found.client.close()
    found.room.reader.close()


@pytest.fixture
def quiet(_one_quiet_room: QuietRoom) -> QuietRoom:
    """Return the room as if nobody had been there."""
    found = _one_quiet_room
    found.client.cookies.clear()
    found.room.hub.stopping.clear()
    found.room.is_secure = False
    now_ms = int(time.time() * 1000)
    for scope in SCOPES:
        if found.room.tokens.find(found.secrets[scope], now_ms) is None:
            found.secrets[scope] = found.room.tokens.create(scope, scope, now_ms)[1]
    return found
