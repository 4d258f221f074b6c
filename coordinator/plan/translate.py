"""The validator's errors, said as problems of the plan.

The validator names places its own way (with the tags of unions in them) and knows nothing of
near misses; here its errors get the plan's paths, plain words and suggestions.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from pydantic_core import ErrorDetails

from coordinator.plan.problems import HIDDEN, Problem, did_you_mean
from coordinator.plan.schema import FleetPlan
from coordinator.plan.upkeep import VARIABLE
from coordinator.plan.values import WORD

Place = tuple[str | int, ...]

_QUOTED: Final = re.compile(r"'([^']+)'")
_SECRET_KEYS: Final = frozenset({"url", "token", "password", "webhook", "secret"})
_NO_SECRETS: Final = "secrets do not belong in a plan: use url_env or url_file"

_PATTERNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        WORD: "1-63 of a-z 0-9 _ . -, first a letter or digit, such as quest",
        VARIABLE: "the name of a variable, in capitals, such as FLEETBUS_WEBHOOK_URL",
    }
)


def _pattern(pattern: str) -> str:
    return _PATTERNS.get(pattern, f"text that matches {pattern}")


_PLAIN: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = MappingProxyType(
    {
        "missing": lambda _: "is required",
        "bool_type": lambda _: "must be true or false",
        "int_type": lambda _: "must be a whole number",
        "int_from_float": lambda _: "must be a whole number",
        "float_type": lambda _: "must be a number",
        "finite_number": lambda _: "must be a finite number",
        "string_type": lambda _: "must be text in quotes",
        "tuple_type": lambda _: "must be a list, in brackets",
        "dict_type": lambda _: "must be an object, in braces",
        "model_type": lambda _: "must be an object, in braces",
        "model_attributes_type": lambda _: "must be an object, in braces",
        "greater_than": lambda ctx: f"must be more than {ctx['gt']:g}",
        "greater_than_equal": lambda ctx: f"must be {ctx['ge']:g} or more",
        "less_than": lambda ctx: f"must be less than {ctx['lt']:g}",
        "less_than_equal": lambda ctx: f"must be {ctx['le']:g} or less",
        "too_long": lambda ctx: f"must have {ctx['max_length']} entries at most",
        "too_short": lambda ctx: f"must have {ctx['min_length']} entries at least",
        "string_too_short": lambda _: "must not be empty",
        "string_too_long": lambda ctx: f"must have {ctx['max_length']} characters at most",
        "enum": lambda ctx: f"must be {ctx['expected']}",
        "literal_error": lambda ctx: f"must be {ctx['expected']}",
        "union_tag_invalid": lambda ctx: f"must be one of {ctx['expected_tags']}",
        "union_tag_not_found": lambda _: "is required",
        "string_pattern_mismatch": lambda ctx: f"must be {_pattern(ctx['pattern'])}",
    }
)


def problems_of(error: ErrorDetails, document: object) -> list[tuple[Place, Problem]]:
    """Say *error* about *document* as problems, each with the place that it is about."""
    ctx = error.get("ctx", {})
    place = _place(error["loc"], document, error["type"])
    match error["type"]:
        case "plan":
            problem = Problem(path_of(place), error["input"], ctx["text"], ctx["suggestion"])
            return [(place, problem)]
        case "plan_keys":
            return [
                ((*place, key), Problem(path_of((*place, key)), value, ctx["text"], hint))
                for key, hint in ctx["keys"].items()
                for value in [_inside(document, (*place, key))]
            ]
        case "extra_forbidden":
            key = str(place[-1])
            if place[0] == "notifications" and key in _SECRET_KEYS:
                return [(place, Problem(path_of(place), HIDDEN, "unknown key", _NO_SECRETS))]
            hint = did_you_mean(key, _known_keys(error["loc"][:-1]))
            return [(place, Problem(path_of(place), error["input"], "unknown key", hint))]
        case "union_tag_invalid" | "union_tag_not_found":
            place = (*place, _QUOTED.findall(ctx["discriminator"])[0])
            value = ctx.get("tag")
            choices = _QUOTED.findall(ctx.get("expected_tags", ""))
        case _:
            value = None if error["type"] == "missing" else error["input"]
            choices = _QUOTED.findall(str(ctx.get("expected", "")))
    hint = did_you_mean(value, choices) if isinstance(value, str) else None
    say = _PLAIN.get(error["type"])
    message = say(ctx) if say is not None else error["msg"]
    return [(place, Problem(path_of(place), value, message, hint))]


def path_of(place: Iterable[str | int]) -> str:
    """Write a place as ``agents[0].name``."""
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def has_part(value: object, part: str | int) -> bool:
    """Whether *value* is an object with this key, or a list with this entry."""
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _place(loc: Place, document: object, kind: str) -> Place:
    """Take the validator's own marks out of *loc*: what is left is found in the document."""
    place: list[str | int] = []
    here: Any = document
    for at, part in enumerate(loc):
        if has_part(here, part):
            here = here[part]
        elif not (kind == "missing" and at == len(loc) - 1):
            continue
        place.append(part)
    return tuple(place)


def _inside(document: object, place: Place) -> object:
    here: Any = document
    for part in place:
        here = here[part]
    return here


def _known_keys(loc: Place) -> list[str]:
    """List the keys of the object at *loc*, as the plan's JSON schema has them."""
    node = _follow(_schema())
    for part in loc:
        if part == "[key]":
            continue
        if "oneOf" in node:
            mapping = node.get("discriminator", {}).get("mapping", {})
            if part in mapping:
                node = _follow({"$ref": mapping[part]})
                continue
            node = next(b for b in map(_follow, node["oneOf"]) if "properties" in b)
            continue
        if isinstance(part, int):
            node = _follow(node.get("items", {}))
        else:
            fallback = node.get("additionalProperties", {})
            node = _follow(node.get("properties", {}).get(part, fallback))
    return list(node.get("properties", {}))


def _follow(node: Any) -> dict[str, Any]:  # noqa: ANN401  # a JSON schema is any JSON
    while isinstance(node, dict):
        if "$ref" in node:
            node = _schema()["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        elif "anyOf" in node:
            node = next(branch for branch in node["anyOf"] if branch.get("type") != "null")
        else:
            return node
    return {}


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return FleetPlan.model_json_schema(by_alias=True)
