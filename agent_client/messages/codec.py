"""An agent's messages from bytes and into documents, by the rules of :mod:`protocol.codec`."""

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final, TypeVar, cast

from agent_client.messages.said import Presence
from agent_client.strict import Mismatch, reader_of
from protocol.errors import BadPayload, Reason
from protocol.limits import SMALL_MESSAGE_BYTES
from protocol.strict_json import parse_object

M = TypeVar("M")

_FROM_PEERS: Final = frozenset({Presence})
"""What others than the coordinator may say to an agent, and how large it may therefore be."""


def decode(kind: type[M], payload: bytes) -> M:
    """Read a *kind* from *payload*, or raise :class:`BadPayload`."""
    if kind in _FROM_PEERS and len(payload) > SMALL_MESSAGE_BYTES:
        raise BadPayload(Reason.TOO_LARGE, f"{len(payload)} bytes, at most {SMALL_MESSAGE_BYTES}")
    return read(kind, parse_object(payload))


def read(kind: type[M], document: dict[str, Any]) -> M:
    """Read a *kind* from *document*, or raise :class:`BadPayload`."""
    try:
        message: M = reader_of(cast("Any", kind))(document)
    except Mismatch as mismatch:
        reason = Reason.BAD_VERSION if mismatch.path == ("v",) else Reason.BAD_FIELD
        raise BadPayload(reason, str(mismatch)) from None
    return message


def document_of(message: object) -> dict[str, Any]:
    """Say *message* in JSON types; what is absent is left out."""
    document = {}
    for name in _names(cast("Any", type(message))):
        value = getattr(message, name)
        if value is not None:
            document[name] = _plain(value)
    return document


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return document_of(value) if is_dataclass(value) else value


@cache
def _names(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - a dataclass
    return tuple(field.name for field in fields(kind))
