"""JSON as everybody on the bus reads it: one object, and nothing that two readers take differently.

No duplicate keys, no number that another reader would read differently, bounded depth, no NUL.
"""

from typing import Any

import orjson

from protocol.errors import BadPayload, Reason
from protocol.limits import MAX_DEPTH, MAX_SAFE_INTEGER


def parse_object(payload: bytes) -> dict[str, Any]:
    """Read one JSON object, or raise :class:`BadPayload`; see the module's rules."""
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        reason = Reason.TOO_DEEP if "depth" in str(error) else Reason.NOT_JSON
        raise BadPayload(reason, str(error)) from None
    if not isinstance(document, dict):
        raise BadPayload(Reason.NOT_AN_OBJECT, f"a JSON {type(document).__name__}")
    # Each key of the text is followed by a colon, so as many colons as keys prove that no key
    # was overwritten by a second one. Colons inside strings only cost the slower check.
    if _inspect(document, 1) != payload.count(b":"):
        _refuse_duplicate_keys(payload)
    if b"\\u0000" in payload:
        _refuse_nul(document)
    return document


def _inspect(value: dict[str, Any] | list[Any], depth: int) -> int:
    """Count the keys below *value*, refusing what is too deep or no portable number."""
    if depth > MAX_DEPTH:
        raise BadPayload(Reason.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels")
    keys = 0
    children: Any = value
    if type(value) is dict:
        keys = len(value)
        children = value.values()
    for child in children:
        kind = type(child)
        if kind is int or kind is float:
            # Neither what is infinite nor what is no number is between the two.
            if not -MAX_SAFE_INTEGER <= child <= MAX_SAFE_INTEGER:
                raise BadPayload(Reason.BAD_NUMBER, f"{child} is beyond 2^53")
        elif kind is dict or kind is list:
            keys += _inspect(child, depth + 1)
    return keys


def _refuse_duplicate_keys(payload: bytes) -> None:
    import json  # noqa: PLC0415 - a second look is rare, and its reader is slow to load

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise BadPayload(Reason.DUPLICATE_KEY, repr(twice))
        return members

    json.loads(payload, object_pairs_hook=unique)


def _refuse_nul(value: object) -> None:
    match value:
        case str() if "\x00" in value:
            raise BadPayload(Reason.BAD_TEXT, "a string with a NUL character")
        case dict():
            for key, child in value.items():
                _refuse_nul(key)
                _refuse_nul(child)
        case list():
            for child in value:
                _refuse_nul(child)
        case _:
            pass
