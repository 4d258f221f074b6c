"""Which requests may have been answered before, without asking the database: a Bloom filter.

Nearly every request is new. Looking each of them up would cost a turn of the store's thread before
anything can be decided, which is most of what an idle fleet waits for. A "no" of the filter is
certain, because only the one who leads the store answers requests; a "yes" must be looked up.

B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970.
"""

from collections.abc import Iterable
from typing import Final

LOADED: Final = 200_000
"""How many answers are read at a start (half a second); of more, every request is looked up."""
_BITS: Final = 22
"""2^22 bits are half a MiB: 1 in 40 new requests is looked up in vain at 500,000 answers."""
_MASK: Final = (1 << _BITS) - 1
_SECOND: Final = 21
_THIRD: Final = 42


class Answered:
    """The requests, as (client, request id), that were answered; sometimes more, never fewer."""

    __slots__ = ("_bits",)

    def __init__(self, requests: Iterable[tuple[str, str]] | None = ()) -> None:
        """Begin with *requests*; with ``None``, not knowing which there are."""
        self._bits = None if requests is None else bytearray(1 << _BITS - 3)
        for request in requests or ():
            self.add(request)

    def add(self, request: tuple[str, str]) -> None:
        """Note that *request* was answered."""
        if self._bits is not None:
            for bit in _places(request):
                self._bits[bit >> 3] |= 1 << (bit & 7)

    def may_hold(self, request: tuple[str, str]) -> bool:
        """Say whether *request* may have been answered."""
        bits = self._bits
        if bits is None:
            return True
        return all(bits[bit >> 3] & 1 << (bit & 7) for bit in _places(request))


def _places(request: tuple[str, str]) -> tuple[int, int, int]:
    """Say which bits stand for *request*."""
    spread = hash(request)
    return spread & _MASK, spread >> _SECOND & _MASK, spread >> _THIRD & _MASK
