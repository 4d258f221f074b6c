"""The time at which something is decided: handed in, never read."""

from typing import NamedTuple


class Instant(NamedTuple):
    """One moment on two clocks.

    ``wall_ms`` is UTC and serves civil rules (windows, days, schedules); it may jump.
    ``mono_ms`` never goes back and serves every time-out and lease; its origin is arbitrary.
    """

    wall_ms: int
    mono_ms: int
