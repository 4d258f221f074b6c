"""Cuts what arrives on a connection into MQTT packets, a whole chunk at a time.

Pure: bytes in, packets out. A declared size beyond the limit is an error before the packet is
there, so at most one packet within the limit is ever held back.
"""

from collections.abc import Iterator
from typing import Final

from broker.errors import Malformed

_CONTINUES: Final = 0x80
_LENGTH_AT_MOST: Final = 4  # bytes of a remaining length, MQTT 3.1.1 §2.2.3
_SHORTEST: Final = 2


class Framer:
    """One connection's incoming packets; ``limit`` bounds the size of the next ones."""

    __slots__ = ("_rest", "_wanted", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._rest = bytearray()
        self._wanted = _SHORTEST

    @property
    def is_between(self) -> bool:
        """Whether the next byte begins a packet."""
        return not self._rest

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield each packet that *chunk* completes: its first byte and what follows the length.

        Raises :class:`Malformed` where the stream stops making sense, after what came before.
        """
        if self._rest:
            self._rest += chunk
            if len(self._rest) < self._wanted:
                return
            chunk = bytes(self._rest)
            self._rest = bytearray()
        position, end = 0, len(chunk)
        while end - position >= _SHORTEST:
            size, start = chunk[position + 1], position + _SHORTEST
            if size & _CONTINUES and start < end and chunk[start] < _CONTINUES:
                size = size & 0x7F | chunk[start] << 7  # two bytes, as of most messages
                start += 1
            elif size & _CONTINUES:
                long = _size(chunk, position + 1)
                if long is None:
                    self._wanted = end - position + 1
                    break
                size, start = long
            if size > self.limit:
                raise Malformed(f"a packet of {size} bytes; at most {self.limit} are taken")
            stop = start + size
            if stop > end:
                self._wanted = stop - position
                break
            yield chunk[position], chunk[start:stop]
            position = stop
        else:
            self._wanted = _SHORTEST
        if position < end:
            self._rest += chunk[position:]


def _size(chunk: bytes, position: int) -> tuple[int, int] | None:
    """Read the remaining length at *position*; return it and where it ends, None if cut short."""
    size = 0
    for count in range(_LENGTH_AT_MOST):
        if position + count >= len(chunk):
            return None
        byte = chunk[position + count]
        size |= (byte & 0x7F) << (7 * count)
        if byte < _CONTINUES:
            return size, position + count + 1
    raise Malformed("a remaining length of more than four bytes")
