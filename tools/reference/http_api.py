"""The page of the HTTP API, from the OpenAPI document that the routes are tested against."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tools.reference.markdown import code, prose, table
from tools.reference.shapes import Shapes, sections

FILE: Final = Path(__file__).parent.parent.parent / "docs" / "openapi.json"
VERBS: Final = ("get", "post", "put", "delete")

HEAD: Final = """# The HTTP API

`fleetbus web`, which `fleetbus up` starts too, serves it at `http://127.0.0.1:8080`. The whole
promise is [openapi.json](../openapi.json), which a running control room serves as well.
"""


def page() -> str:
    """Return the page."""
    document: dict[str, Any] = json.loads(FILE.read_bytes())
    shapes = Shapes(document["components"]["schemas"])
    operations = [
        (path, verb, below[verb])
        for path, below in document["paths"].items()
        for verb in VERBS
        if verb in below
    ]
    rows = [
        (code(verb.upper()), code(path), prose(operation.get("description", "")))
        for path, verb, operation in operations
    ]
    asked = (_operation(*each, shapes) for each in operations)
    return "\n".join(
        [
            HEAD,
            prose(document["info"]["description"]) + "\n",
            "## Every operation\n",
            table(("", "path", "what it does"), rows),
            "## What is asked\n",
            *(line for lines in asked for line in lines),
            "## What is sent and answered\n",
            *sections(shapes, "###"),
        ]
    )


def _operation(path: str, verb: str, operation: dict[str, Any], shapes: Shapes) -> Iterator[str]:
    parameters = operation.get("parameters", [])
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if not parameters and not content:
        return
    yield f"### {verb.upper()} {path}\n"
    if content:
        yield f"Body: {shapes.say(content['schema'])}\n"
    if parameters:
        rows = [
            (
                code(one["name"]),
                one["in"],
                shapes.say(one["schema"]),
                one.get("description", ""),
            )
            for one in parameters
        ]
        yield table(("parameter", "in", "type", ""), rows)
