"""How a one-time token is traded for a secret, in the one place MQTT 3.1.1 has for it.

Whoever enrols makes its own secret, keeps it, and then sends token and secret together as the
password of a CONNECT; being let in is the answer. So a secret never travels from a broker to a
client, and when the answer is lost, the secret works all the same.
"""

import re
from dataclasses import dataclass, field
from typing import Final

_PREFIX: Final = "fleetbus-enroll"
_MADE_BY_MACHINE: Final = re.compile(r"[A-Za-z0-9_-]{43,128}")
"""256 bits and more in the URL-safe alphabet of base64."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A token, and the secret to be known by from now on."""

    token: str = field(repr=False)
    secret: str = field(repr=False)

    def password(self) -> str:
        """Write the claim as the password of a CONNECT."""
        return f"{_PREFIX}:{self.token}:{self.secret}"


def read_claim(password: str) -> Claim | None:
    """Read a claim, None if *password* is none; its secret is long enough to be a secret."""
    match password.split(":"):
        case [prefix, token, secret] if (
            prefix == _PREFIX and is_strong(token) and is_strong(secret)
        ):
            return Claim(token, secret)
        case _:
            return None


def is_strong(secret: str) -> bool:
    """Say whether *secret* looks like 256 bits made by a machine, which need no slow hash."""
    return _MADE_BY_MACHINE.fullmatch(secret) is not None
