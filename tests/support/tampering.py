"""What a bad link or a broker of little memory does to single MQTT packets.

Each maker returns the fault of one connection: it is given every packet and which way it goes, and
returns what arrives in its place.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, TypeAlias


class Way(Enum):
    """Where a packet goes."""

    OUT = auto()
    """To the broker."""
    IN = auto()
    """To the process."""


Tamper: TypeAlias = Callable[[Way, bytes], list[bytes]]

_PUBLISH: Final = 3
_PUBACK: Final = 4
_DUP: Final = 0x08
_RETAIN: Final = 0x01


def untouched() -> Tamper:
    """Pass everything on."""
    return lambda _way, packet: [packet]


def doubles() -> Tamper:
    """Say every QoS 1 message twice, the second time marked as a duplicate."""

    def tamper(_way: Way, packet: bytes) -> list[bytes]:
        if _kind(packet) != _PUBLISH or _qos(packet) == 0:
            return [packet]
        return [packet, bytes([packet[0] | _DUP]) + packet[1:]]

    return tamper


def loses_acknowledgements(every: int = 2) -> Tamper:
    """Lose each *every*-th PUBACK of either way."""
    counts = {Way.OUT: 0, Way.IN: 0}

    def tamper(way: Way, packet: bytes) -> list[bytes]:
        if _kind(packet) != _PUBACK:
            return [packet]
        counts[way] += 1
        return [] if counts[way] % every == 0 else [packet]

    return tamper


def loses_messages(every: int = 5) -> Tamper:
    """Lose each *every*-th message of either way; nobody is told."""
    counts = {Way.OUT: 0, Way.IN: 0}

    def tamper(way: Way, packet: bytes) -> list[bytes]:
        if _kind(packet) != _PUBLISH:
            return [packet]
        counts[way] += 1
        return [] if counts[way] % every == 0 else [packet]

    return tamper


def reorders(every: int = 3) -> Tamper:
    """Hold each *every*-th message of either way back until the next packet has gone by."""
    counts = {Way.OUT: 0, Way.IN: 0}
    held: dict[Way, bytes] = {}

    def tamper(way: Way, packet: bytes) -> list[bytes]:
        if way in held:
            return [packet, held.pop(way)]
        if _kind(packet) == _PUBLISH:
            counts[way] += 1
            if counts[way] % every == 0:
                held[way] = packet
                return []
        return [packet]

    return tamper


def repeats_old_ones(age: int = 12, every: int = 4) -> Tamper:
    """Say, beside each *every*-th message, the one of *age* messages ago again."""
    counts = {Way.OUT: 0, Way.IN: 0}
    past: dict[Way, deque[bytes]] = {way: deque(maxlen=age) for way in Way}

    def tamper(way: Way, packet: bytes) -> list[bytes]:
        if _kind(packet) != _PUBLISH:
            return [packet]
        counts[way] += 1
        old = past[way][0] if len(past[way]) == age else None
        past[way].append(packet)
        return [packet, old] if old is not None and counts[way] % every == 0 else [packet]

    return tamper


def says_much_is_retained(every: int = 2) -> Tamper:
    """Mark each *every*-th live message from the broker as retained, as those it queued on some."""
    count = 0

    def tamper(way: Way, packet: bytes) -> list[bytes]:
        if way is Way.OUT or _kind(packet) != _PUBLISH:
            return [packet]
        nonlocal count
        count += 1
        return [packet] if count % every else [bytes([packet[0] | _RETAIN]) + packet[1:]]

    return tamper


def _kind(packet: bytes) -> int:
    return packet[0] >> 4


def _qos(packet: bytes) -> int:
    return packet[0] >> 1 & 3
