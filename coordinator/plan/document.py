"""The bytes of a plan, read as one JSON object or refused with line and column.

JSON readers differ on duplicate keys and on NaN; a plan that two of them would read differently
is refused here, before anybody looks at what it says.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from coordinator.plan.problems import PlanError, Problem
from protocol.limits import MAX_SAFE_INTEGER

_COMMA_TOO_MANY: Final = re.compile(r",\s*[\]}]")

MAX_PLAN_BYTES: Final = 32 * 1024 * 1024
MAX_DEPTH: Final = 32

_SAFE_DIGITS: Final = 20


class _Twice(dict[str, Any]):
    """An object that had ``key`` more than once."""

    key: str


def read_object(data: bytes, source: str) -> dict[str, Any]:
    """Read one JSON object from *data*, or raise :class:`PlanError`."""
    if len(data) > MAX_PLAN_BYTES:
        raise _refusal(source, len(data), f"a plan may have {MAX_PLAN_BYTES} bytes at most")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(source, data[error.start], f"not UTF-8 at byte {error.start}") from None
    try:
        document = json.loads(
            text,
            object_pairs_hook=_members,
            parse_constant=_no_constant,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        comma = _comma_too_many(text, error.pos)
        if comma is not None:
            where = json.JSONDecodeError("a comma before the end", text, comma)
            line = _line(text, where.lineno)
            raise _refusal(source, line, f"not JSON: {_said(where)}", "remove it") from None
        raise _refusal(
            source,
            _line(text, error.lineno),
            f"not JSON: {_said(error)}",
            _near(text, error.pos),
        ) from None
    except _NotANumber as error:
        place = _place(text, str(error))
        raise _refusal(source, str(error), f"{error} is no number in JSON ({place})") from None
    except RecursionError:
        raise _refusal(source, None, "nested too deeply") from None
    if not isinstance(document, dict):
        raise _refusal(source, document, "a plan is one JSON object, in braces")
    return document


class _NotANumber(Exception):
    """NaN or an infinity stands where JSON wants a number."""


def _no_constant(name: str) -> NoReturn:
    raise _NotANumber(name)


def _integer(text: str) -> int | float:
    # Beyond 2^53 the value no longer matters, and Python refuses thousands of digits.
    return int(text) if len(text) < _SAFE_DIGITS else float(text)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    marked = _Twice(members)
    for key, _ in pairs:
        if key in seen:
            marked.key = key
        seen.add(key)
    return marked


def irregularities(value: object, path: str = "", depth: int = 1) -> Iterator[Problem]:
    """Yield what JSON allows below *value* and two readers would not read alike."""
    match value:
        case dict() | list() if depth > MAX_DEPTH:
            yield Problem(path, None, f"nested deeper than {MAX_DEPTH} levels")
        case dict():
            if isinstance(value, _Twice):
                message = "this key stands twice in the same object"
                at = _member(path, value.key)
                yield Problem(at, value[value.key], message, "keep one of them")
            for key, child in value.items():
                yield from irregularities(key, path, depth)
                yield from irregularities(child, _member(path, key), depth + 1)
        case list():
            for index, child in enumerate(value):
                yield from irregularities(child, f"{path}[{index}]", depth + 1)
        case str() if any("\ud800" <= letter <= "\udfff" for letter in value):
            yield Problem(path, ascii(value), "half a character: a lone surrogate")
        case int() | float() if not abs(value) <= MAX_SAFE_INTEGER:
            yield Problem(path, str(value), "beyond 2^53, where readers lose digits")
        case _:
            pass


def _member(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1].strip() if number <= len(lines) else ""


def _said(error: json.JSONDecodeError) -> str:
    return f"{error.msg} at line {error.lineno}, column {error.colno}"


def _comma_too_many(text: str, position: int) -> int | None:
    """Find the comma before a closing bracket; Pythons differ on which of the two they blame."""
    comma = text.rfind(",", 0, position + 1)
    found = _COMMA_TOO_MANY.match(text, comma) if comma >= 0 else None
    return comma if found is not None and position < found.end() else None


def _near(text: str, position: int) -> str | None:
    """Guess at the slip that JSON forgives least, besides a comma too many."""
    if text[position : position + 1] in ("'", "/", "#"):
        return "JSON has double quotes only, and no comments"
    return None


def _place(text: str, word: str) -> str:
    at = text.find(word)
    return f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"


def _refusal(source: str, value: object, message: str, hint: str | None = None) -> PlanError:
    return PlanError([Problem("", value, message, hint)], source)
