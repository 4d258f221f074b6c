"""Where all clients meet: sessions, subscriptions and retained messages, and how they act.

Everything here happens within one call, without waiting and without sockets; a connection is
whatever can be written to and ended. A client is admitted before anything that bears its name
is touched, and a connection that is taken over ends before its successor begins.
"""

import logging
import secrets
from collections.abc import Callable, Iterable
from typing import Final

from broker.access import Access, Admission
from broker.figures import Census, Figures, messages
from broker.gate import Gate
from broker.identity import Connect
from broker.keeping.changes import as_delivery
from broker.keeping.database import Database
from broker.keeping.keeper import Keeper
from broker.limits import Limits
from broker.message import Message
from broker.outbox import Outbox
from broker.packets import (
    ACCEPTED,
    BAD_CLIENT_ID,
    FORBIDDEN,
    REFUSED_FILTER,
    ConnectPacketRead,
    connack,
)
from broker.retained import RetainedMessages
from broker.session import Connected, Session, SessionNotes
from broker.subscriptions import Subscriptions, is_filter

log = logging.getLogger(__name__)

_SHARED: Final = "$share/"


class Hub:
    """The broker without its listeners."""

    def __init__(self, access: Access, limits: Limits, keeper: Keeper | None = None) -> None:
        self.limits: Final = limits
        self.figures: Final = Figures()
        self._access = access
        self._sessions: dict[str, Session] = {}
        self._absent: dict[str, Session] = {}  # in the order in which they left
        self._subscriptions: Subscriptions[Session] = Subscriptions()
        self._retained = RetainedMessages(limits)
        self._keeper = keeper
        self.answer: Callable[[Connected, bytes], None] = keeper.answer if keeper else _write
        """Acknowledges something to a connection, once what it promises is kept."""

    def recall(self, database: Database) -> None:
        """Take up what an earlier broker kept, for those who may still come in."""
        for message in database.retained():
            self._retained.keep(message)
        for kept in database.sessions()[: self.limits.absent_sessions]:
            notes = self._notes(kept.client_id)
            gate = self._access.recall(kept.name)
            if gate is None:
                if notes is not None:
                    notes.forgotten()
                continue
            outbox = Outbox(self.limits, self.figures, notes)
            outbox.resume(as_delivery(*one) for one in kept.deliveries.items())
            session = Session(kept.client_id, gate, outbox, clean=False, notes=notes)
            session.resume(kept.unreleased)
            session.filters = kept.filters
            for pattern, qos in kept.filters.items():
                self._subscriptions.add(pattern, session, qos)
            self._sessions[kept.client_id] = self._absent[kept.client_id] = session

    def admit(self, packet: ConnectPacketRead) -> Admission | int:
        """Judge the sender of *packet*: a gate, now or later, or the code of refusal.

        The answer to a refusal is the caller's, because the connection ends with it.
        """
        if len(packet.client_id.encode()) > self.limits.client_id_bytes or not (
            packet.client_id or packet.clean_session
        ):
            return BAD_CLIENT_ID
        admission = self._access.admit(
            Connect(
                client_id=packet.client_id,
                username=packet.username,
                password=packet.password,
                will_topic=packet.will.topic if packet.will else None,
                clean_session=packet.clean_session,
            )
        )
        return FORBIDDEN if admission is None else admission

    def enter(self, connection: Connected, packet: ConnectPacketRead, gate: Gate) -> Session:
        """Let the admitted sender of *packet* in and answer it; return its session."""
        client_id = packet.client_id or f"anonymous-{secrets.token_hex(8)}"
        earlier = self._sessions.get(client_id)
        if earlier is not None and earlier.connection is not None:
            earlier.connection.end("taken over by a new connection of the same client id")
        session = self._resume(client_id, gate, clean=packet.clean_session)
        present = session is not None
        if session is None:
            notes = None if packet.clean_session else self._notes(client_id)
            outbox = Outbox(self.limits, self.figures, notes)
            session = Session(client_id, gate, outbox, clean=packet.clean_session, notes=notes)
            self._sessions[client_id] = session
        if session.notes is not None:
            session.notes.entered(gate.name)
        session.gate = gate
        session.connection = connection
        self.figures.connections_made += 1
        connection.write(connack(ACCEPTED, session_present=present))
        session.outbox.attach(connection)
        return session

    def leave(self, session: Session, will: Message | None) -> None:
        """Part from a client whose connection has ended, and publish its *will* if it has one."""
        session.connection = None
        session.outbox.detach()
        if session.clean:
            self._forget(session)
        else:
            self._absent[session.client_id] = session
            if len(self._absent) > self.limits.absent_sessions:
                self._forget(next(iter(self._absent.values())))
        if will is not None:
            self.route(will)

    def dismiss(self, is_welcome: Callable[[Gate], bool]) -> None:
        """End the connection of everyone who is no longer welcome; their wills are published.

        What waits for somebody who may not come back is forgotten.
        """
        for session in tuple(self._sessions.values()):
            if session.connection is not None and not is_welcome(session.gate):
                session.connection.end("its credentials were withdrawn")
        for session in tuple(self._absent.values()):
            if self._access.recall(session.gate.name) is None:
                self._forget(session)

    def publish(self, session: Session, message: Message) -> None:
        """Route *message* of *session*, if it may say that; if not, nobody hears it."""
        self.figures.publishes_received += 1
        # MQTT 3.1.1 §4.7.2 keeps topics that begin with $ for the server.
        if message.topic[0] == "$" or not session.gate.may_publish(message.topic):
            self._access.refused_publish(session.client_id, message.topic)
            return
        self.route(message)

    def route(self, message: Message) -> None:
        """Deliver *message* to whoever subscribed and may read it, and retain it if it asks."""
        topic, qos = message.topic, message.qos
        if message.retain:
            self._retain(message)
        for session, granted in self._subscriptions.holders(topic):
            if session.gate.may_read(topic):
                session.outbox.offer(message, min(qos, granted))

    def subscribe(self, session: Session, wanted: list[tuple[str, int]]) -> list[int]:
        """Grant *session* what it may have of *wanted*; return a code for each filter."""
        return [self._grant(session, pattern, qos) for pattern, qos in wanted]

    def replay(self, session: Session, patterns: list[str]) -> None:
        """Send *session* what is retained under each of *patterns* that it was granted."""
        for pattern in patterns:
            granted = session.filters.get(pattern)
            if granted is not None:
                session.outbox.replay(self._readable(session, pattern), granted)

    def unsubscribe(self, session: Session, patterns: list[str]) -> None:
        """Take *patterns* from *session*."""
        for pattern in patterns:
            if session.filters.pop(pattern, None) is not None:
                self._subscriptions.discard(pattern, session)
                if session.notes is not None:
                    session.notes.granted(pattern, None)

    def publish_figures(self, uptime_s: int) -> None:
        """Say how the broker is doing."""
        census = Census(
            uptime_s=uptime_s,
            connected=len(self._sessions) - len(self._absent),
            sessions=len(self._sessions),
            subscriptions=len(self._subscriptions),
            retained=len(self._retained),
        )
        for message in messages(self.figures, census):
            self.route(message)

    def _retain(self, message: Message) -> None:
        kept = self._retained.keep(message)
        if not kept:
            log.warning("no room to retain a message on %.200r", message.topic)
        if self._keeper is not None:
            self._keeper.retained(message, kept=kept)

    def _notes(self, client_id: str) -> SessionNotes | None:
        return None if self._keeper is None else self._keeper.notes(client_id)

    def _resume(self, client_id: str, gate: Gate, *, clean: bool) -> Session | None:
        """Return the session that waited for *client_id*; a clean start forgets it instead.

        So does somebody else, whose name became what was one of several client ids of another.
        """
        session = self._sessions.get(client_id)
        if session is None:
            return None
        if clean or session.gate.name != gate.name:
            self._forget(session)
            return None
        self._absent.pop(client_id, None)
        return session

    def _forget(self, session: Session) -> None:
        for pattern in session.filters:
            self._subscriptions.discard(pattern, session)
        session.filters = {}
        self._absent.pop(session.client_id, None)
        del self._sessions[session.client_id]
        if session.notes is not None:
            session.notes.forgotten()

    def _grant(self, session: Session, pattern: str, qos: int) -> int:
        limits, known = self.limits, session.filters
        if (
            not is_filter(pattern)
            # Not a filter of MQTT 3.1.1, and one that would be granted and never deliver.
            or pattern.startswith(_SHARED)
            or len(pattern.encode()) > limits.topic_bytes
            or pattern.count("/") >= limits.topic_levels
            or (pattern not in known and len(known) >= limits.filters)
            or not session.gate.may_subscribe(pattern)
        ):
            return REFUSED_FILTER
        known[pattern] = qos
        self._subscriptions.add(pattern, session, qos)
        if session.notes is not None:
            session.notes.granted(pattern, qos)
        return qos

    def _readable(self, session: Session, pattern: str) -> Iterable[Message]:
        selected = self._retained.select(pattern)
        if session.gate.may_read_all(pattern):
            return selected
        return (message for message in selected if session.gate.may_read(message.topic))


def _write(connection: Connected, packet: bytes) -> None:
    connection.write(packet)
