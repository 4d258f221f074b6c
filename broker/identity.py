"""Who somebody is, judged from a CONNECT and what is kept of its name.

Whoever is enrolled proves it with its secret. Where credentials are not required, which is the
loopback only, an unknown name is believed: whoever can reach the broker already runs as a user of
this machine. The coordinator's name is never believed, because it commands every agent: it proves
that it can read the file beside its own store.
"""

import hmac
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from broker.credentials.records import Entry, matching, slow_hashes
from protocol import names
from protocol.access import Rights, Role, rights
from protocol.enrolment import Claim, read_claim
from protocol.errors import BadName
from protocol.topics import Topics

COORDINATOR: Final = "coordinator"


@dataclass(frozen=True, slots=True)
class Connect:
    """What a client says when it connects, as far as it decides who the client is."""

    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    will_topic: str | None = None
    clean_session: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """The client does not get in; ``reason`` says what would be right."""

    reason: str


@dataclass(frozen=True, slots=True)
class Proven:
    """The password is the one whose hash is ``hash``."""

    hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unchecked:
    """The password is one of a person's if it matches one of ``hashes``, which takes time."""

    hashes: tuple[str, ...] = field(repr=False)


def within(topics: Topics, connect: Connect) -> Connect:
    """Take the root of *topics* off the client id, before which an agent may put it."""
    return replace(connect, client_id=connect.client_id.removeprefix(f"{topics.root}/"))


Proof: TypeAlias = Proven | Unchecked | Claim | Refusal


def examine(entry: Entry, password: str | None) -> Proof:
    """Say what *password* proves of the enrolled name *entry*, or what is left to find out."""
    if entry.is_revoked:
        return Refusal(f"{entry.name!r} is revoked; enroll it again: fleetbus enroll {entry.name}")
    if not password:
        return Refusal(f"{entry.name!r} is enrolled and must show its secret as the password")
    if (claim := read_claim(password)) is not None:
        return claim
    if (known := matching(entry, password)) is not None:
        return Proven(known)
    if hashes := slow_hashes(entry):
        return Unchecked(hashes)
    return Refusal(f"not a secret of {entry.name!r}; make another: fleetbus rotate {entry.name}")


def identify(
    topics: Topics,
    connect: Connect,
    secret: bytes | None,
    entry: Entry | None = None,
    *,
    lasting: bool = False,
) -> Rights | Refusal:
    """Say what the sender of *connect* may do, or why it may not even connect.

    *secret* is the coordinator's password, None when it cannot be known. *entry* is that of the
    client's name, which it has proven or still has to prove; None: it is believed. With *lasting*,
    a session may outlive its connections if it belongs to a name. A will is
    published after the client is gone, when nobody asks for permission any more, so a forbidden
    one refuses the whole connection.
    """
    if not connect.clean_session and not (lasting and _may_last(connect.username)):
        return Refusal(
            "a session that outlives its connection; connect with a clean session"
            + (", or as an agent or operator" if lasting else "")
        )
    granted = _rights(topics, connect, secret, entry)
    if isinstance(granted, Refusal) or connect.will_topic is None:
        return granted
    if not granted.may_will(connect.will_topic):
        allowed = ", ".join(granted.will) or "none"
        return Refusal(f"a will on {connect.will_topic[:200]!r}; allowed: {allowed}")
    return granted


def _may_last(name: str | None) -> bool:
    """Say whether *name* is somebody's whom a session can wait for; a coordinator asks anew."""
    return bool(name) and not claims_coordinator(name)


def claims_coordinator(name: str | None) -> bool:
    """Say whether *name* is one that only a coordinator may bear."""
    return name is not None and (name == COORDINATOR or name.startswith(f"{COORDINATOR}-"))


def _rights(
    topics: Topics, connect: Connect, secret: bytes | None, entry: Entry | None
) -> Rights | Refusal:
    name = connect.username
    if claims_coordinator(name):
        return _coordinator(topics, connect, secret)
    if claims_coordinator(connect.client_id):
        return Refusal(f"client id {connect.client_id[:80]!r} belongs to the coordinator")
    if not name:
        return rights(topics, "", Role.OBSERVER)
    # A person may be connected several times, and so may who is believed: it is a person as well,
    # and an agent made of plain MQTT tools speaks by other connections than it listens by.
    several = entry is None or entry.role not in {Role.AGENT, Role.HOST}
    if name != connect.client_id and not (several and connect.client_id.startswith(f"{name}-")):
        return Refusal(
            f"username {name[:80]!r} with client id {connect.client_id[:80]!r}; both must be the "
            "name of the agent or operator (to only watch, connect without a username)"
        )
    try:
        names.agent_name(name)
    except BadName as error:
        return Refusal(str(error))
    if entry is None:
        return rights(topics, name, Role.AGENT, Role.OPERATOR, Role.HOST)
    return rights(topics, name, entry.role)


def _coordinator(topics: Topics, connect: Connect, secret: bytes | None) -> Rights | Refusal:
    if not claims_coordinator(connect.client_id):
        return Refusal(
            f"username {connect.username!r} with client id {connect.client_id[:80]!r}; "
            f"it must be {COORDINATOR!r} or begin with '{COORDINATOR}-'"
        )
    if not secret:
        return Refusal("the coordinator's secret is not known to this broker")
    if not hmac.compare_digest((connect.password or "").encode(), secret):
        return Refusal("not the coordinator's password")
    return rights(topics, COORDINATOR, Role.COORDINATOR)
