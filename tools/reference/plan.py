"""The page of the fleet plan: every key with its type, its bounds and its default."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from typing import Final

from coordinator.plan import hours, pools, rules, schema, thresholds, upkeep
from coordinator.plan.base import Part
from coordinator.plan.schema import FleetPlan
from tools.reference.markdown import code, prose, table
from tools.reference.shapes import Shapes

HEAD = """# The fleet plan

One JSON object, `config/fleet_plan.json` unless somebody says otherwise. An unknown key, a wrong
type and a value out of bounds are refused with the path, the value and what would be right; every
mistake of a file is told at once. What the keys do together is told in
[scheduling](../scheduling.md); a running control room serves the JSON Schema at
`GET /api/orchestrator/fleet-plan/schema`.

- A **duration** is a number of seconds, or a text such as `"90s"`, `"15m"`, `"6h"`, `"7d"`.
- A time of day is `"HH:MM"` on the clock of the plan's `timezone`; days are 0 (Monday) to 6.
- Modes and capabilities are 1 to 63 of `a-z 0-9 _ . -`, first a letter or digit.
"""
MODULES: Final = (schema, hours, rules, pools, thresholds, upkeep)
WITH_ANY_KEY: Final = {
    "GlobalConstraints": (
        "`max_concurrent_<mode>` (a whole number) is allowed for every mode: at most so many of "
        "its tasks at once."
    ),
    "Thresholds": (
        "`<metric>_max`, `<metric>_min` and `<metric>_warning` (numbers) are allowed for every "
        "metric that agents send. Known ones have units and physical bounds:"
    ),
}


def page() -> str:
    """Return the page."""
    document = FleetPlan.model_json_schema(by_alias=True)
    shapes = Shapes({**document["$defs"], "FleetPlan": document}, untyped="duration")
    sections = (_section(model, shapes) for model in _models())
    return "\n".join([HEAD, *(line for section in sections for line in section)])


def _models() -> list[type[Part]]:
    """Return every part of a plan, the plan itself first."""
    found = [
        value
        for module in MODULES
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Part)
        and value.__module__ == module.__name__
    ]
    return sorted(found, key=lambda model: model is not FleetPlan)


def _section(model: type[Part], shapes: Shapes) -> Iterator[str]:
    yield f"## {model.__name__}\n"
    yield prose(model.__doc__) + "\n"
    aliases = {key: field.alias or key for key, field in model.model_fields.items()}
    said = {aliases[key]: text for key, text in _attribute_docstrings(model).items()}
    yield shapes.fields(shapes.definitions[model.__name__], said)
    if model.__name__ in WITH_ANY_KEY:
        yield WITH_ANY_KEY[model.__name__] + "\n"
    if model is thresholds.Thresholds:
        rows = [
            (code(name), code(metric.on_bus), metric.unit, "high" if metric.high_is_bad else "low")
            for name, metric in thresholds.KNOWN_METRICS.items()
        ]
        yield table(("metric", "on the bus", "unit", "bad when"), rows)


def _attribute_docstrings(model: type[Part]) -> dict[str, str]:
    """Return what the source says below each field."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for field, text in itertools.pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = prose(str(text.value.value))
    return found
