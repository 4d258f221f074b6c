"""What is listed again is not read again, unless it has changed."""

from typing import Any

import orjson
import pytest

from agent_client.messages import Desired
from agent_client.messages.codec import decode
from agent_client.messages.rereading import DesiredReader
from protocol.errors import BadPayload

BOOT = "a" * 32
FIRST = {"task": "t1", "fence": 1, "name": "one", "mode": "noop", "lease_s": 60, "margin_s": 2}
OTHER = FIRST | {"task": "t2", "args": {"list": [1, {"two": 2}]}}


def written(*tasks: Any, **fields: Any) -> bytes:
    envelope = {"v": "1.0", "ts_ms": 1, "coord": "c", "term": 1, "for_boot": BOOT, "as_of": 1}
    return orjson.dumps(envelope | {"rev": 1, "tasks": tasks} | fields)


def test_an_assignment_that_has_not_changed_is_the_same_object() -> None:
    reader = DesiredReader()
    before = reader.read(written(FIRST))
    after = reader.read(written(FIRST, OTHER, rev=2))
    assert after.tasks[0] is before.tasks[0]
    assert after == decode(Desired, written(FIRST, OTHER, rev=2))
    assert reader.read(written(OTHER)).tasks[0] is after.tasks[1]
    assert reader.read(written(FIRST)).tasks[0] is not before.tasks[0]  # it was not listed


@pytest.mark.parametrize(
    "change",
    [{"fence": 2}, {"want": "cancel"}, {"args": {"list": [1, {"two": 3}]}}, {"lease_s": 61}],
)
def test_what_has_changed_is_read(change: dict[str, Any]) -> None:
    reader = DesiredReader()
    reader.read(written(FIRST, OTHER))
    assert reader.read(written(FIRST, OTHER | change)) == decode(
        Desired, written(FIRST, OTHER | change)
    )


def test_what_a_handler_does_to_its_arguments_is_not_taken_for_what_was_said() -> None:
    reader = DesiredReader()
    reader.read(written(OTHER)).tasks[0].args["list"].append("mine")
    assert reader.read(written(OTHER)).tasks[0].args == OTHER["args"]


@pytest.mark.parametrize(
    ("tasks", "where"),
    [
        ([FIRST, OTHER | {"fence": -1}], "tasks.1.fence"),
        ([FIRST, {"task": ["t1"]}], "tasks.1"),
        ([FIRST, "t1"], "tasks.1"),
        ("t1", "tasks"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(tasks: Any, where: str) -> None:
    reader = DesiredReader()
    before = reader.read(written(FIRST))
    with pytest.raises(BadPayload, match=where):
        reader.read(written(tasks=tasks))
    assert reader.read(written(FIRST)).tasks[0] is before.tasks[0]
