"""The one place of the command line that reads the wall clock: to say how long ago it was."""

import time


def now_ms() -> int:
    """Return the wall clock in milliseconds."""
    return int(time.time() * 1000)
