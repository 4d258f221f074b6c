"""How the process of a task speaks: through a thread, so that no word waits for the pipe.

Progress is told at most twenty times a second, however often the handler speaks of it; every
other word is told at once, after the newest progress.
"""

import os
import queue
import threading
import time
from typing import Final

from agent_client.core.events import Event, HandlerProgressed
from agent_client.isolation import words
from agent_client.run import Run

PROGRESS_EVERY_S: Final = 0.05
CANNOT_SPEAK: Final = 121
"""The exit status of a process whose handler has closed the pipe to the agent."""


class Voice:
    """Writes to the open file ``pipe`` what is posted."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._run: Run | None = None
        self._hurry = threading.Event()
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._speak, name="fleetbus-voice", daemon=True)

    def post(self, event: Event, _wake: bool) -> None:  # noqa: FBT001 - the shape of run.Post
        """Say *event* soon."""
        self._queue.put(event)
        if not isinstance(event, HandlerProgressed):
            self._hurry.set()

    def speak_for(self, run: Run) -> None:
        """Begin; *run* keeps the newest progress."""
        self._run = run
        self._thread.start()

    def close(self) -> None:
        """Say what is left, and fall silent; a frozen agent is waited for, as the guard allows."""
        self._hurry.set()
        self._queue.put(None)
        self._thread.join()

    def _speak(self) -> None:
        progress_at = time.monotonic()
        while (event := self._queue.get()) is not None:
            if isinstance(event, HandlerProgressed) and self._run is not None:
                self._hurry.wait(max(0.0, progress_at - time.monotonic()))
                progress_at = time.monotonic() + PROGRESS_EVERY_S
                self._say(self._run.take_progress())
            else:
                self._hurry.clear()
                self._say(event)

    def _say(self, event: Event | None) -> None:
        left = memoryview(b"" if event is None else words.of_event(event))
        try:
            while left:
                left = left[os.write(self._pipe, left) :]
        except OSError:
            os._exit(CANNOT_SPEAK)
