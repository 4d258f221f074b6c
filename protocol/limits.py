"""The numbers of the protocol: its version, and how large and how many things may be.

They stand apart from the messages, so that an agent can keep to them without loading the models.
"""

from typing import Final

PROTOCOL_VERSION: Final = "1.0"
MAX_SAFE_INTEGER: Final = 2**53
"""Beyond it, JavaScript and other JSON readers lose digits."""

KIB: Final = 1024
SMALL_MESSAGE_BYTES: Final = 16 * KIB
LARGE_MESSAGE_BYTES: Final = 256 * KIB
MAX_DEPTH: Final = 32

MAX_METRICS: Final = 200
MAX_HOLDINGS: Final = 256
MAX_SLOTS: Final = 256
