"""The schemas that others validate by are those of the models."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

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
