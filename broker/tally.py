"""Counts what was refused, so that a client that keeps trying fills no log.

Each client is reported at its first refusal and then at most once a minute, with how many there
were since. The least recently started count makes room when there are too many clients.
"""

from typing import Final

QUIET_S: Final = 60.0
MAX_CLIENTS: Final = 1024


class Tally:
    """Refusals by client; time is the caller's, in seconds."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, int]] = {}

    def note(self, client: str, now: float) -> int:
        """Count one refusal of *client*; return how many to report now, 0 for none."""
        reported, unreported = self._last.get(client, (None, 0))
        if reported is None or now - reported >= QUIET_S:
            self._last.pop(client, None)
            if len(self._last) >= MAX_CLIENTS:
                del self._last[next(iter(self._last))]
            self._last[client] = (now, 0)
            return unreported + 1
        self._last[client] = (reported, unreported + 1)
        return 0
