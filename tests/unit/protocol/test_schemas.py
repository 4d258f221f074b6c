"""The schemas that others validate by are those of the models."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from coordinator.cli.conformance.assertions import ASSERTIONS
from protocol.asyncapi import document
from protocol.schemas import SPOKEN_ON
from protocol.topics import Topics


def _writer() -> ModuleType:
    path = Path(__file__).parents[3] / "tools" / "write_schemas.py"
    spec = importlib.util.spec_from_file_location("write_schemas", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_schemas_are_not_stale() -> None:
    stale = _writer().stale()
    assert not stale, "run: python tools/write_schemas.py"


@pytest.mark.parametrize("topic", SPOKEN_ON)
def test_every_topic_with_a_schema_is_one_of_the_bus(topic: str) -> None:
    name = topic.format(agent="Main", host="host-pc", task="t1", client="me")
    Topics().parse(f"fleet/v1/{name}")


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    whole = document()
    found = list(_references(whole))
    assert len(found) > len(SPOKEN_ON)
    for reference in found:
        place: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    assert set(whole["channels"]) == {model.__name__ for model in SPOKEN_ON.values()}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_the_pages_numbers_are_those_of_the_conformance_kit() -> None:
    page = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
    named = set(re.findall(r"\b(?:PRES|BEAT|WORK|REPT|BAD|END)-\d+\b", page))
    assert named <= set(ASSERTIONS)
