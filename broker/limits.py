"""How much of anything one client may take, so that no client can exhaust the broker.

A client that needs more than this is broken or hostile: what it asks for is refused, dropped
or answered with the end of its connection, as each field says. Sizes leave a fleet of thousands
ample room; they are one frozen value, so that a test can make them small.
"""

from dataclasses import dataclass
from datetime import timedelta

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What happens beyond a limit stands beside it."""

    connections: int = 20_000
    """A connection more is closed at once."""

    connect_bytes: int = 64 * _KIB
    """A larger CONNECT, will and all, ends the connection: its sender is not known yet."""

    packet_bytes: int = _MIB
    """A larger packet ends the connection as soon as its header says so."""

    client_id_bytes: int = 256
    """A longer client id is rejected."""

    topic_bytes: int = 1024
    """A longer topic ends the connection; a longer filter is refused."""

    topic_levels: int = 32
    """A deeper topic ends the connection; a deeper filter is refused."""

    filters: int = 1000
    """A filter more, held by one session, is refused."""

    unreleased: int = 1000
    """QoS 2 messages of one client without their PUBREL; one more ends the connection."""

    window: int = 1000
    """Messages sent to one client and not acknowledged; the next one waits."""

    window_bytes: int = 4 * _MIB
    """The same in bytes of payload."""

    queue: int = 20_000
    """Messages that wait for one client; one more of QoS 1 or 2 ends its connection."""

    queue_bytes: int = 16 * _MIB
    """The same in bytes of payload."""

    queue_at_most_once: int = 1000
    """From this length of the queue on, messages of QoS 0 are dropped and counted."""

    unsent_bytes: int = 256 * _KIB
    """What is handed to the system for one client before its messages wait here instead."""

    unread_bytes: int = _MIB
    """From here on nothing more is read from a client that does not read our answers."""

    retained: int = 200_000
    """Retained topics; a new one more is delivered and not retained."""

    retained_bytes: int = 256 * _MIB
    """The same in bytes of payload."""

    absent_sessions: int = 1000
    """Sessions that wait for their client; for one more, the longest absent one is forgotten."""

    close_within: timedelta = timedelta(seconds=5)
    """How long a closed connection may take to read its last words."""
