"""What every request may need, opened once by the process and handed to each route."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from coordinator.http.auth.sessions import Sessions
from coordinator.http.auth.tokens import Tokens
from coordinator.http.gateway.agents import HttpAgents
from coordinator.http.link import Link
from coordinator.http.live.hub import Hub
from coordinator.http.live.mirror import Mirror
from coordinator.http.reader import Reader
from coordinator.http.reports import Reports
from coordinator.http.watch.watch import Watch


@dataclass(slots=True)
class Room:
    """The parts of one control room."""

    data: Path
    mirror: Mirror
    link: Link
    reader: Reader
    hub: Hub
    agents: HttpAgents
    tokens: Tokens
    watch: Watch
    reports: Reports
    sessions: Sessions
    is_secure: bool = False
    """Whether browsers reach it by TLS."""


async def room_of(request: Request) -> Room:
    """Return the control room that *request* came to."""
    room: Room = request.app.state.room
    return room


RoomOf = Annotated[Room, Depends(room_of)]
