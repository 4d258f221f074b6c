"""For how long the loop may stand still while the store's thread works for it.

Going on meanwhile and being called back costs an idle fleet a tenth of a millisecond or two for
every decision. Where nothing else is to be done, standing still is the shortest way. The wait is
bounded whatever the disk does, and a store that was slow last time is not waited for at all.
"""

from dataclasses import dataclass
from typing import Final

PATIENCE_MS: Final = 5
FEW_EVENTS: Final = 4
"""When more were decided at once the fleet is busy, and the next batch should gather meanwhile."""


@dataclass(slots=True)
class Patience:
    """Remembers how long the store took last."""

    _took_ms: int = 0

    def wait_ms(self, decided: int, waiting: int) -> int:
        """Say how long to stand still for a batch of *decided* events while *waiting* more wait."""
        is_quick = self._took_ms < PATIENCE_MS
        return PATIENCE_MS if is_quick and decided <= FEW_EVENTS and not waiting else 0

    def learn(self, took_ms: int) -> None:
        """Note how long the store took, whether or not it was waited for."""
        self._took_ms = took_ms
