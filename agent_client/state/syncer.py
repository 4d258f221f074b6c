"""Brings what was written to the disk itself, beside the loop and not in its way.

One sync covers everything that was written before it: that is the group commit. The pause
between two of them bounds what a fleet of bots on one machine asks of its disk.
"""

import logging
import os
import sys
import threading
import time
from typing import Final

log = logging.getLogger("fleetbus.agent")

PAUSE_S: Final = 0.02
SLOW_S: Final = 1.0


class Syncer:
    """A thread that syncs ``file`` whenever it is asked to, until it is closed."""

    def __init__(self, file: int) -> None:
        self.error: OSError | None = None
        self._file = file
        self._asked = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="journal-sync", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Sync soon what is written by now."""
        self._asked.set()

    def close(self) -> None:
        """Sync what is left, and end."""
        self._closing.set()
        self._asked.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._asked.wait()
            closing = self._closing.is_set()
            self._asked.clear()
            began = time.monotonic()
            try:
                sync(self._file)
            except OSError as error:
                self.error = error
                return
            if (took := time.monotonic() - began) > SLOW_S:
                log.warning("the disk of the journal took %.1f s for one sync", took)
            if closing:
                return
            self._closing.wait(PAUSE_S)


def sync(file: int) -> None:
    """Wait until what was written to *file* would survive a power cut."""
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415 - Windows has none

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)  # fsync alone stops at the disk's cache there
    elif hasattr(os, "fdatasync"):
        os.fdatasync(file)
    else:
        os.fsync(file)
