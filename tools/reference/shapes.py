"""A JSON Schema in a few words: what a field may hold, with links to the parts of a page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tools.reference.markdown import code, prose, table

MOST_WORDS: Final = 12
MOST_INTERESTING: Final = 10**7
"""A bound beyond it is one of the format and tells nobody anything."""
SIGNS: Final = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
}


def link(name: str) -> str:
    """Return a link to the part *name* of the same page."""
    return f"[{name}](#{name.lower().replace(' ', '-')})"


@dataclass(frozen=True)
class Shapes:
    """How to speak of schemas that refer to ``definitions``."""

    definitions: Mapping[str, Any]
    untyped: str = "anything"
    """What a schema without a type stands for."""

    def fields(self, schema: Mapping[str, Any], said: Mapping[str, str] | None = None) -> str:
        """Return the table of an object's fields; *said* is what is known of them besides."""
        needed = schema.get("required", ())
        rows = [
            (
                code(name),
                self.say(shape),
                "**needed**" if name in needed else _default(shape),
                (said or {}).get(name) or self._description(shape),
            )
            for name, shape in schema.get("properties", {}).items()
        ]
        return table(("field", "type", "default", ""), rows) if rows else ""

    def _description(self, shape: Mapping[str, Any]) -> str:
        said = prose(shape.get("description", ""))
        return "" if said == f"a {self.untyped}" else said

    def say(self, shape: Mapping[str, Any]) -> str:
        """Say what *shape* allows."""
        if "$ref" in shape:
            name = shape["$ref"].rpartition("/")[2]
            found = self.definitions.get(name, {})
            return _words(found["enum"]) if "enum" in found else link(name)
        if "anyOf" in shape or "oneOf" in shape:
            kinds = [k for k in shape.get("anyOf") or shape["oneOf"] if k.get("type") != "null"]
            return " or ".join(dict.fromkeys(self.say(one) for one in kinds))
        if "allOf" in shape:
            return self.say(shape["allOf"][0])
        if "enum" in shape or "const" in shape:
            return _words(shape.get("enum") or [shape["const"]])
        return self._plain(shape)

    def _plain(self, shape: Mapping[str, Any]) -> str:
        match shape.get("type"):
            case "array":
                return "list of " + self.say(shape.get("items", {}))
            case "object":
                values = shape.get("additionalProperties")
                is_map = isinstance(values, Mapping) and values
                return "names to " + self.say(values) if is_map and values else "object"
            case "string":
                return str(shape.get("format", "text"))
            case "integer":
                return "whole number" + _bounds(shape)
            case "number":
                return "number" + _bounds(shape)
            case "boolean":
                return "true or false"
            case _:
                return self.untyped


def definitions_of(schemas: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Gather what *schemas* refer to."""
    return {name: part for schema in schemas for name, part in schema.get("$defs", {}).items()}


def sections(shapes: Shapes, level: str) -> Iterator[str]:
    """Describe every definition that has fields or words of its own."""
    for name, part in sorted(shapes.definitions.items()):
        yield f"{level} {name}\n"
        if said := prose(part.get("description", "")):
            yield said + "\n"
        if "enum" in part:
            yield ", ".join(code(str(word)) for word in part["enum"]) + "\n"
        elif fields := shapes.fields(part):
            yield fields


def _default(shape: Mapping[str, Any]) -> str:
    default = shape.get("default")
    if default is None or default in ("", [], {}) or isinstance(default, dict):
        return ""
    return code(str(default).lower() if isinstance(default, bool) else str(default))


def _bounds(shape: Mapping[str, Any]) -> str:
    said = [
        f"{sign} {shape[key]:,g}" if shape[key] % 1 else f"{sign} {int(shape[key]):,}"
        for key, sign in SIGNS.items()
        if key in shape and abs(shape[key]) <= MOST_INTERESTING
    ]
    return " " + ", ".join(said) if said else ""


def _words(words: list[object]) -> str:
    shown = ", ".join(code(str(word)) for word in words[:MOST_WORDS])
    return shown + ", …" if len(words) > MOST_WORDS else shown
