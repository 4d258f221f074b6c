"""Lets clients in by the protocol's access table, and says in the log whom it did not.

Decisions are made in :mod:`broker.identity` and :mod:`broker.gate`; this is where they meet the
coordinator's secret file, the clock and the log.
"""

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from broker.gate import Gate
from broker.identity import Connect, Refusal, claims_coordinator, identify
from broker.tally import Tally
from protocol.topics import Topics

log = logging.getLogger(__name__)

FIGURES: Final = "$SYS/#"
"""What everyone who gets in may read beside the fleet's topics: the broker's own figures."""


class Access(Protocol):
    """Who may connect, and with which rights."""

    def admit(self, connect: Connect) -> Gate | None:
        """Return the gate of whoever sent *connect*, None if it may not connect."""
        ...

    def refused_publish(self, client_id: str, topic: str) -> None:
        """Note that a message of *client_id* to *topic* was dropped."""
        ...


class FleetAccess:
    """The rules of the fleet of *topics*."""

    def __init__(self, topics: Topics, secret_file: Path | None) -> None:
        self._topics = topics
        self._secret_file = secret_file
        self._refused_connects = Tally()
        self._refused_publishes = Tally()

    def admit(self, connect: Connect) -> Gate | None:
        """Judge *connect* by the access table."""
        secret = self._secret() if claims_coordinator(connect.username) else None
        verdict = identify(self._topics, connect, secret)
        if isinstance(verdict, Refusal):
            # By name rather than by client id, which may be a new random one at each attempt.
            name = connect.username or connect.client_id
            if count := self._refused_connects.note(name, time.monotonic()):
                log.warning("refused %d connection(s) of %.80r: %s", count, name, verdict.reason)
            return None
        return Gate(replace(verdict, subscribe=(*verdict.subscribe, FIGURES)))

    def refused_publish(self, client_id: str, topic: str) -> None:
        """Log a client's first refused message, and then at most one line a minute."""
        if count := self._refused_publishes.note(client_id, time.monotonic()):
            log.warning(
                "dropped %d message(s) of %.80r, the last to %.200r: not its topic",
                count,
                client_id,
                topic,
            )

    def _secret(self) -> bytes | None:
        """Read the coordinator's password, anew each time: a coordinator's start may change it."""
        if self._secret_file is None:
            log.warning("refusing a coordinator: no secret file is set (--secret-file)")
            return None
        try:
            return self._secret_file.read_bytes().strip()
        except OSError as error:
            log.warning(
                "refusing a coordinator: its secret file %s cannot be read: %s",
                self._secret_file,
                error.strerror,
            )
            return None
