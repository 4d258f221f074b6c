"""A queue of events from other threads that wakes up the loop, at most once per wake-up.

A socket pair instead of a pipe, because Windows can wait for sockets only.
"""

import contextlib
import socket
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class WakeUpQueue(Generic[T]):
    """Many threads put, one thread waits for ``socket`` and takes."""

    def __init__(self) -> None:
        self.socket, self._other = socket.socketpair()
        self.socket.settimeout(0)
        self._other.settimeout(0)
        self._items: deque[T] = deque()
        self._signalled = False

    def put(self, item: T, *, wake: bool = True) -> None:
        """Add *item*; without *wake* it waits for whatever wakes the loop next."""
        self._items.append(item)
        if wake and not self._signalled:
            self._signalled = True
            # Full means that a wake-up is under way; closed, that nobody listens any more.
            with contextlib.suppress(OSError):
                self._other.send(b"!")

    def take(self, *, signalled: bool) -> list[T]:
        """Take everything that is there; *signalled* says that ``socket`` was readable."""
        if signalled:
            # First forget the signal, then look: what comes in between signals again.
            with contextlib.suppress(BlockingIOError):
                self.socket.recv(64)
            self._signalled = False
        items: list[T] = []
        while self._items:
            items.append(self._items.popleft())
        return items

    def close(self) -> None:
        """Release the sockets."""
        self.socket.close()
        self._other.close()
