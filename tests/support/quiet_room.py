"""A control room that nobody has told anything: no bus and no store, but its boundary stands."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi.testclient import TestClient

from coordinator.http.app import make_app
from coordinator.http.auth.sessions import Sessions
from coordinator.http.auth.tokens import SCOPES, Scope, Tokens
from coordinator.http.boundary import Rules
from coordinator.http.gateway.agents import HttpAgents
from coordinator.http.link import Link
from coordinator.http.live.hub import Hub
from coordinator.http.live.mirror import Mirror
from coordinator.http.reader import Reader
from coordinator.http.reports import Reports
from coordinator.http.room import Room
from coordinator.http.watch.watch import Watch
from coordinator.settings import CoordinatorSettings
from protocol.topics import Topics

HERE: Final = "http://127.0.0.1:8080"


@dataclass
class QuietRoom:
    """A room and a client of its application; ``secrets`` are tokens by their scope."""

    room: Room
    client: TestClient
    secrets: dict[Scope, str]

    def bearer(self, scope: Scope) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets[scope]}"}


def quiet_room(data: Path, rules: Rules | None = None) -> QuietRoom:
    """Make one in the data directory *data*."""
    mirror = Mirror(Topics())
    link, reader, hub = Link(mirror, "web-test"), Reader(data), Hub(mirror)
    watch = Watch(CoordinatorSettings(data=data), mirror, link, reader)
    room = Room(
        data=data,
        mirror=mirror,
        link=link,
        reader=reader,
        watch=watch,
        reports=Reports(reader, lambda: watch.history, lambda: hub.watchers > 0),
        hub=hub,
        agents=HttpAgents(mirror),
        tokens=Tokens.in_directory(data),
        sessions=Sessions.in_directory(data),
    )
    now_ms = int(time.time() * 1000)
    secrets = {scope: room.tokens.create(scope, scope, now_ms)[1] for scope in SCOPES}
    app = make_app(room, rules or Rules.of("127.0.0.1", ["fleet.example"]))
    return QuietRoom(room, TestClient(app, base_url=HERE, follow_redirects=False), secrets)
