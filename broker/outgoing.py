"""Writes once per turn of the loop and connection, however many packets there were for it.

A system call costs more than a packet: what a turn has gathered leaves in one.
"""

import asyncio
from typing import Protocol


class Gathering(Protocol):
    """A connection that has gathered packets."""

    def flush(self) -> None:
        """Hand everything to the system."""
        ...


class Outgoing:
    """Connections with something to send; each sends it once in the next turn of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Gathering] = []

    def add(self, connection: Gathering) -> None:
        """Let *connection* send soon."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(connection)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.flush()
