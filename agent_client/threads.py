"""Runs plain handlers in threads that stay: starting one per task would cost more than many tasks.

There are as many threads as there ever were handlers at once. They are daemons: a handler that
does not listen cannot be ended, and must not keep the process from ending.
"""

import itertools
import threading
from functools import partial
from queue import SimpleQueue

from agent_client import verdict
from agent_client.handlers import PlainHandler
from agent_client.run import Run
from agent_client.task import Task


class ThreadRunner:
    """A set of worker threads; used from the loop's thread only, but for what runs in them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[tuple[Run, PlainHandler] | None] = SimpleQueue()
        self._numbers = itertools.count(1)
        self._threads = 0
        self._busy = 0
        self._lock = threading.Lock()

    def start(self, run: Run, handler: PlainHandler) -> None:
        """Run *handler* soon in some thread."""
        with self._lock:
            self._busy += 1
            missing = self._busy > self._threads
            self._threads += missing
        if missing:
            name = f"{self._name}-worker-{next(self._numbers)}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        self._queue.put((run, handler))

    def close(self) -> None:
        """Let every idle thread end; busy ones end after their handler."""
        for _ in range(self._threads):
            self._queue.put(None)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            run, handler = job
            outcome = None
            if run.begin():
                task = Task(run)
                outcome = verdict.of_call(partial(handler, task), partial(_asked_to_stop, run))
            with self._lock:
                self._busy -= 1
            if outcome is not None:
                run.end(outcome)
            del job, run, handler, outcome  # an idle thread holds on to nothing


def _asked_to_stop(run: Run) -> bool:
    return run.must_stop() is not None
