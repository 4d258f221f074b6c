"""Makes a reader of JSON values from a type: scalars are strict, so ``true`` is no number.

Understood are ``str``, ``int``, ``float``, ``bool``, ``None``, ``Any``, enums, ``Literal``, lists,
tuples, dictionaries with text keys, unions of these, dataclasses, and ``Annotated`` with rules.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, Union

from agent_client.strict.rules import Length, Matches, Mismatch, Missing, Range

Reader: TypeAlias = Callable[[Any], Any]


class Unreadable(TypeError):
    """A type that no JSON value is read into; ``kind`` names it."""

    def __init__(self, kind: object) -> None:
        super().__init__(f"{getattr(kind, '__name__', kind)} is not read from JSON")


@cache
def reader_of(kind: Any, *, closed: bool = False) -> Reader:  # noqa: ANN401 - any type
    """Make a reader for *kind*; *closed* refuses members of objects that are not declared.

    Raises :class:`Unreadable` if a type in *kind* is not understood. The reader raises
    :class:`Mismatch`.
    """
    if isinstance(kind, typing.NewType):
        return reader_of(kind.__supertype__, closed=closed)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _object(kind, closed=closed)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(kind)
    if kind in _SCALARS:
        return _SCALARS[kind]
    return _compound(kind, closed=closed)


def _compound(kind: Any, *, closed: bool) -> Reader:  # noqa: ANN401 - any type
    origin, inner = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin is Annotated:
        rules = [rule for rule in inner[1:] if isinstance(rule, Range | Length | Matches)]
        return _ruled(reader_of(inner[0], closed=closed), rules)
    if origin is Literal:
        return _one_of(inner)
    if origin in {Union, types.UnionType}:
        return _union([reader_of(part, closed=closed) for part in inner])
    if origin in {list, Sequence}:
        return _list(reader_of(*inner, closed=closed) if inner else _anything, list)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...]
            return _list(reader_of(inner[0], closed=closed), tuple)
        if inner:
            return _row([reader_of(part, closed=closed) for part in inner])
    if origin in {dict, Mapping} and (not inner or _is_text(inner[0])):
        key, value = inner or (str, Any)
        return _dict(reader_of(key, closed=closed), reader_of(value, closed=closed))
    raise Unreadable(kind)


def _is_text(kind: Any) -> bool:  # noqa: ANN401 - any type
    return kind is str or (typing.get_origin(kind) is Annotated and typing.get_args(kind)[0] is str)


# --- scalars


def _anything(value: Any) -> Any:  # noqa: ANN401 - as it says
    return value


def _nothing(value: object) -> None:
    if value is not None:
        raise Mismatch("null", value)


def _text(value: object) -> str:
    if type(value) is not str:
        raise Mismatch("a text", value)
    return value


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise Mismatch("true or false", value)
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise Mismatch("a whole number", value)
    return value


def _number(value: object) -> float:
    if (type(value) is not int and type(value) is not float) or not math.isfinite(value):
        raise Mismatch("a number", value)
    return float(value)


_SCALARS: dict[Any, Reader] = {
    Any: _anything,
    object: _anything,
    None: _nothing,
    types.NoneType: _nothing,
    str: _text,
    bool: _flag,
    int: _whole,
    float: _number,
}


def _choice(kind: type[Enum]) -> Reader:
    by_value: dict[Any, Enum] = {member.value: member for member in kind}
    words = ", ".join(str(value) for value in by_value)

    def read(value: object) -> Enum:
        member = by_value.get(value) if isinstance(value, str | int) else None
        if member is None or type(member.value) is not type(value):
            raise Mismatch(f"one of {words}", value)
        return member

    return read


def _one_of(allowed: tuple[Any, ...]) -> Reader:
    words = ", ".join(map(str, allowed))

    def read(value: Any) -> Any:  # noqa: ANN401 - one of the allowed
        for wanted in allowed:
            if type(wanted) is type(value) and wanted == value:
                return wanted
        raise Mismatch(f"one of {words}", value)

    return read


def _ruled(read: Reader, rules: Sequence[Range | Length | Matches]) -> Reader:
    checks = [rule.check for rule in rules]

    def ruled(value: Any) -> Any:  # noqa: ANN401 - what the type says
        found = read(value)
        for check in checks:
            check(found)
        return found

    return ruled


# --- compounds


def _union(readers: Sequence[Reader]) -> Reader:
    def read(value: Any) -> Any:  # noqa: ANN401 - what one of them makes of it
        refusals = []
        for one in readers:
            try:
                return one(value)
            except Mismatch as mismatch:
                refusals.append(mismatch)
        # Whoever looked deepest, or knew more than that null would do, has understood most.
        told = [refusal for refusal in refusals if refusal.right != "null"] or refusals
        raise max(told, key=lambda refusal: len(refusal.path))

    return read


def _list(read: Reader, make: Callable[[list[Any]], Any]) -> Reader:
    def read_all(value: object) -> Any:  # noqa: ANN401 - what `make` makes
        if type(value) is not list:
            raise Mismatch("a list", value)
        found: list[Any] = []
        try:
            found.extend(map(read, value))
        except Mismatch as mismatch:
            raise mismatch.under(len(found)) from None
        return make(found)

    return read_all


def _row(readers: Sequence[Reader]) -> Reader:
    def read(value: object) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != len(readers):
            raise Mismatch(f"a list of {len(readers)} members", value)
        pairs = enumerate(zip(readers, value, strict=True))
        return tuple(_under(index, one, member) for index, (one, member) in pairs)

    return read


def _dict(read_key: Reader, read_value: Reader) -> Reader:
    def read(value: object) -> dict[str, Any]:
        if type(value) is not dict:
            raise Mismatch("an object", value)
        return {
            _under(key, read_key, key): _under(key, read_value, member)
            for key, member in value.items()
        }

    return read


def _object(kind: type[Any], *, closed: bool) -> Reader:
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    readers = {field.name: reader_of(hints[field.name], closed=closed) for field in fields}
    unset = dataclasses.MISSING
    required = {f.name for f in fields if f.default is unset and f.default_factory is unset}
    known = ", ".join(readers) or "nothing"

    def read(value: object) -> Any:  # noqa: ANN401 - an instance of `kind`
        if type(value) is not dict:
            if type(value) is kind:
                return value  # read before, and put where it was found
            raise Mismatch("an object", value)
        given = {}
        name = ""
        try:
            for name, one in readers.items():
                if name in value:
                    given[name] = one(value[name])
                elif name in required:
                    raise Missing(())
        except Mismatch as mismatch:
            raise mismatch.under(name) from None
        if closed and (unknown := value.keys() - readers.keys()):
            name = min(unknown)
            raise Mismatch(f"one of the known names ({known})", name, (name,))
        try:
            return kind(**given)
        except (ValueError, TypeError) as error:  # its own check, after the fields are known
            raise Mismatch(str(error), value) from None

    return read


def _under(key: object, read: Reader, value: Any) -> Any:  # noqa: ANN401 - as read
    try:
        return read(value)
    except Mismatch as mismatch:
        raise mismatch.under(key) from None
