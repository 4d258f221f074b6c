"""Lets clients in by credentials and the access table, and says in the log whom it did not.

Decisions are made in :mod:`broker.identity` and :mod:`broker.gate`; this is where they meet the
files of secrets, the clock and the log. What takes time, a person's password or the use of a
token, is done on a thread; everyone else is admitted at once.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from broker import clock
from broker.credentials.file import CredentialsFile
from broker.credentials.passwords import SlowWork, matching_password
from broker.credentials.records import Book, Entry, fingerprint
from broker.errors import BadCredentialsFile, CannotEnroll
from broker.gate import Gate
from broker.identity import (
    Connect,
    Proven,
    Refusal,
    Unchecked,
    claims_coordinator,
    examine,
    identify,
    within,
)
from broker.pace import Bucket, Pace, Paces
from broker.tally import Tally
from protocol.access import Rights
from protocol.enrolment import Claim
from protocol.topics import Topics

log = logging.getLogger(__name__)

_OTHERS: Final = 0o077
FIGURES: Final = "$SYS/#"
"""What everyone who gets in may read beside the fleet's topics: the broker's own figures."""

Admission: TypeAlias = Gate | asyncio.Future[Gate | None] | None
"""A gate, None for whoever may not connect, or one of them later."""


class Access(Protocol):
    """Who may connect, and with which rights."""

    def admit(self, connect: Connect) -> Admission:
        """Return the gate of whoever sent *connect*, None if it may not connect."""
        ...

    def refused_publish(self, client_id: str, topic: str) -> None:
        """Note that a message of *client_id* to *topic* was dropped."""
        ...

    def review(self) -> Callable[[Gate], bool] | None:
        """Look whether rights were withdrawn; if so, return who is still welcome."""
        ...

    def recall(self, name: str) -> Gate | None:
        """Return what *name*, whose session waits for it, may read; None if it may not return."""
        ...


class FleetAccess:
    """The rules of the fleet of *topics*.

    Names in *credentials* prove themselves; with *required*, nobody else but the coordinator gets
    in. Everyone but the coordinator keeps to *pace*. With *lasting*, a name may have a session that
    outlives its connections.
    """

    def __init__(
        self,
        topics: Topics,
        secret_file: Path | None,
        credentials: CredentialsFile | None = None,
        *,
        required: bool = False,
        pace: Pace | None = None,
        lasting: bool = False,
    ) -> None:
        self._topics = topics
        self._secret_file = secret_file
        self._file = credentials
        self._required = required
        self._lasting = lasting
        self._known = credentials.version() if credentials else None
        self._book = credentials.load() if credentials else Book()
        self._reviewed = self._book
        self._slow = SlowWork()
        self._paces = Paces(pace) if pace else None
        self._refused_connects = Tally()
        self._refused_publishes = Tally()

    def admit(self, connect: Connect) -> Admission:
        """Judge *connect* by its credentials and the access table, as they are at this moment."""
        self._look()
        connect = within(self._topics, connect)
        name, entries = connect.username, self._book.entries
        if claims_coordinator(name):
            return self._decide(connect, self._secret())
        if connect.client_id != name and connect.client_id in entries:
            return self._refuse(connect, f"client id {connect.client_id!r} is an enrolled name")
        entry = entries.get(name or "")
        if entry is None:
            if self._required:
                right = "connect with the name and secret that `fleetbus enroll NAME` gives"
                return self._refuse(connect, f"not enrolled, and this broker wants it; {right}")
            return self._decide(connect, None)
        match examine(entry, connect.password):
            case Refusal(reason):
                return self._refuse(connect, reason)
            case Proven(known):
                return self._decide(connect, None, entry, known)
            case Unchecked(hashes):
                return self._later(connect, lambda: self._hash(connect, entry, hashes))
            case Claim() as claim:
                return self._later(connect, lambda: self._trade(connect, claim))

    def refused_publish(self, client_id: str, topic: str) -> None:
        """Log a client's first refused message, and then at most one line a minute."""
        if count := self._refused_publishes.note(client_id, time.monotonic()):
            log.warning(
                "dropped %d message(s) of %.80r, the last to %.200r: not its topic",
                count,
                client_id,
                topic,
            )

    def review(self) -> Callable[[Gate], bool] | None:
        """Read the credentials anew if they have changed; a damaged file changes nothing."""
        self._look()
        if self._book is self._reviewed:
            return None
        self._reviewed = self._book
        return self.is_welcome

    def is_welcome(self, gate: Gate) -> bool:
        """Say whether the client of *gate* could come in again as it did."""
        if gate.is_coordinator:
            return True
        entry = self._book.entries.get(gate.name)
        if entry is None:
            return gate.credential is None and not self._required
        return gate.credential in entry.secrets

    def recall(self, name: str) -> Gate | None:
        """Return what *name* may read when it comes back, None if it could not come in."""
        entry = self._book.entries.get(name)
        if entry is None and self._required:
            return None
        connect = Connect(client_id=name, username=name, clean_session=not self._lasting)
        verdict = identify(self._topics, connect, None, entry, lasting=self._lasting)
        if isinstance(verdict, Refusal) or (entry is not None and entry.is_revoked):
            return None
        return self._gate(name, verdict)

    def close(self) -> None:
        """Hash nothing more."""
        self._slow.close()

    def _look(self) -> None:
        """Read the credentials again if they have changed: nobody has to wait for a change."""
        if self._file is None or (version := self._file.version()) == self._known:
            return
        self._known = version
        try:
            self._book = self._file.load()
        except BadCredentialsFile as error:
            # The error says it all.
            log.error("going on with the credentials known so far: %s", error)  # noqa: TRY400

    def _later(self, connect: Connect, work: Callable[[], tuple[Entry, str] | str]) -> Admission:
        """Let *work* find the entry and the hash that proves it, or why there is none."""
        found = self._slow.submit(work)
        if found is None:
            return self._refuse(connect, "too many wait for their password to be checked")
        admission: asyncio.Future[Gate | None] = asyncio.get_running_loop().create_future()

        def answer(done: "asyncio.Future[tuple[Entry, str] | str]") -> None:
            if admission.done():
                return
            if done.cancelled() or (error := done.exception()) is not None:
                admission.set_result(self._refuse(connect, "its password could not be checked"))
                if not done.cancelled():
                    log.error("a password could not be checked", exc_info=error)
                return
            proof = done.result()
            if isinstance(proof, str):
                admission.set_result(self._refuse(connect, proof))
                return
            entry, known = proof
            current = self._book.entries.get(entry.name)
            if current is not None and current.secrets and known not in current.secrets:
                admission.set_result(self._refuse(connect, "its secret was withdrawn"))
                return
            admission.set_result(self._decide(connect, None, entry, known))

        found.add_done_callback(answer)
        return admission

    def _hash(
        self, connect: Connect, entry: Entry, hashes: tuple[str, ...]
    ) -> tuple[Entry, str] | str:
        known = matching_password(hashes, connect.password or "")
        return (entry, known) if known else f"not the password of {entry.name!r}"

    def _trade(self, connect: Connect, claim: Claim) -> tuple[Entry, str] | str:
        name, file = connect.username or "", self._file
        if file is None:
            return "this broker enrolls nobody"
        try:
            # Who may not come in anyway must not use up a token.
            entry = self._book.entries[name]
            refused = identify(self._topics, connect, None, entry, lasting=self._lasting)
            if isinstance(refused, Refusal):
                return refused.reason
            book = file.change(lambda book: book.claim(name, claim, clock.now()))
        except (CannotEnroll, BadCredentialsFile) as error:
            return str(error)
        return book.entries[name], fingerprint(claim.secret)

    def _decide(
        self,
        connect: Connect,
        secret: bytes | None,
        entry: Entry | None = None,
        known: str | None = None,
    ) -> Gate | None:
        verdict = identify(self._topics, connect, secret, entry, lasting=self._lasting)
        if isinstance(verdict, Refusal):
            return self._refuse(connect, verdict.reason)
        name, is_coordinator = connect.username or "", claims_coordinator(connect.username)
        limited = None if is_coordinator or self._paces is None else self._paces
        return self._gate(
            name,
            verdict,
            credential=known,
            is_coordinator=is_coordinator,
            bucket=limited.of(name or connect.client_id) if limited else None,
        )

    def _gate(
        self,
        name: str,
        granted: Rights,
        *,
        credential: str | None = None,
        is_coordinator: bool = False,
        bucket: Bucket | None = None,
    ) -> Gate:
        return Gate(
            replace(granted, subscribe=(*granted.subscribe, FIGURES)),
            name=name,
            credential=credential,
            is_coordinator=is_coordinator,
            bucket=bucket,
        )

    def _refuse(self, connect: Connect, reason: str) -> Gate | None:
        # By name rather than by client id, which may be a new random one at each attempt.
        name = connect.username or connect.client_id
        if count := self._refused_connects.note(name, time.monotonic()):
            log.warning("refused %d connection(s) of %.80r: %s", count, name, reason)
        return None

    def _secret(self) -> bytes | None:
        """Read the coordinator's password, anew each time: a coordinator's start may change it."""
        if self._secret_file is None:
            log.warning("refusing a coordinator: no secret file is set (--secret-file)")
            return None
        try:
            if sys.platform != "win32" and self._secret_file.stat().st_mode & _OTHERS:
                log.warning(
                    "refusing a coordinator: others may read its secret: chmod 600 %s",
                    self._secret_file,
                )
                return None
            return self._secret_file.read_bytes().strip()
        except OSError as error:
            log.warning(
                "refusing a coordinator: its secret file %s cannot be read: %s",
                self._secret_file,
                error.strerror,
            )
            return None
