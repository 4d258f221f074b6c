"""The classes of the agent and the models of the protocol mean the same."""

import copy
import dataclasses
from typing import Any, Final

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agent_client.messages.codec as light
from agent_client import messages as light_messages
from protocol import codec, messages
from protocol.errors import BadPayload
from protocol.messages.base import Message

BOOT: Final = "0123456789abcdef" * 2
FROM_COORDINATOR: Final = {"v": "1.0", "ts_ms": 1, "coord": "c", "term": 3}
ASSIGNMENT: Final = {
    "task": "t1",
    "name": "hello",
    "mode": "quest",
    "fence": 7,
    "lease_s": 60.0,
    "margin_s": 2,
    "want": "run",
    "args": {"a": [1, None, {"b": None}]},
    "run_limit_s": None,
    "progress_limit_s": 3.5,
    "cancel_grace_s": 5,
    "on_lease_lost": "stop",
    "trace": "t",
}
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "Desired": {
        **FROM_COORDINATOR,
        "rev": 1,
        "for_boot": BOOT,
        "as_of": 4,
        "mode": "active",
        "report_ack": {BOOT: 3},
        "tasks": [ASSIGNMENT],
    },
    "Lease": {
        **FROM_COORDINATOR,
        "boot": BOOT,
        "as_of": 4,
        "rev": 1,
        "granted": [{"task": "t1", "fence": 7}],
        "report_ack": {BOOT: 3},
    },
    "CoordinatorPresence": {
        **FROM_COORDINATOR,
        "state": "online",
        "reason": None,
        "settles_in_s": 0.5,
    },
    "RollCall": {**FROM_COORDINATOR, "jitter_ms": 50},
    "Presence": {
        "v": "1.0",
        "ts_ms": 1,
        "agent": "Main",
        "boot": BOOT,
        "epoch": 1,
        "conn": 1,
        "seq": 1,
        "state": "lost",
        "reason": "x",
        "prev_boot": BOOT,
    },
    "ReportDetail": {
        "code": "c",
        "message": "m",
        "retryable": True,
        "retry_after_s": 1,
        "pct": 50,
        "step": "s",
        "eta_s": 0.5,
        "result": {"a": None, "b": [None]},
        "ran_ms": 3,
    },
}

odd: st.SearchStrategy[Any] = st.sampled_from(
    (
        *(None, True, False, 0, 1, -1, 7, 1.0, 1.5, -0.5, 100, 101, 1e7, 1e9, 2e9, 2**53, 1e15),
        *("", "a", "A", "a/b", "t1\n", "run", "cancel", "paused", "x" * 128, "x" * 129, "x" * 1025),
        *(BOOT, BOOT.upper(), "1.0", "1.0\n", "1.٣", "2.0", "lost", "active"),
        *([], [1], ["a"], {}, {"a": 1}, {BOOT: 1}, {BOOT: -1}, {BOOT: True}, [{}], [[]]),
    )
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        inner = [place for key in value for place in _places(value[key], (*path, key))]
    elif isinstance(value, list):
        inner = [place for n, member in enumerate(value) for place in _places(member, (*path, n))]
    return [path, *inner] if path else inner


@st.composite
def altered(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Take an example and put something odd in up to two places, or leave members out."""
    name = draw(st.sampled_from(sorted(EXAMPLES)))
    document: dict[str, Any] = orjson.loads(orjson.dumps(EXAMPLES[name]))
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2)))):
        path = draw(st.sampled_from(_places(document) or [("v",)]))
        holder: Any = document
        for step in path[:-1]:
            holder = holder[step]
        if draw(st.sampled_from((True, True, True, False))):
            holder[path[-1]] = copy.deepcopy(draw(odd))
        else:
            holder.pop(path[-1])
    return name, document


def _as_model(model: type[Message], payload: bytes) -> Any:
    try:
        return codec.decode(model, payload).model_dump(mode="json")
    except BadPayload as refusal:
        return refusal.reason


def _as_own(kind: type[Any], payload: bytes) -> Any:
    try:
        return orjson.loads(orjson.dumps(dataclasses.asdict(light.decode(kind, payload))))
    except BadPayload as refusal:
        return refusal.reason


@settings(max_examples=600, deadline=None)
@given(altered())
def test_an_agent_reads_what_the_models_read_and_refuses_what_they_refuse(
    example: tuple[str, dict[str, Any]],
) -> None:
    name, document = example
    payload = orjson.dumps(document)
    own = _as_own(getattr(light_messages, name), payload)
    assert own == _as_model(getattr(messages, name), payload)


@pytest.mark.parametrize(
    "name", ["Assignment", "Desired", "Granted", "Lease", "CoordinatorPresence", "RollCall",
             "Presence", "Holding", "Seen", "ReportDetail"],
)  # fmt: skip
def test_both_have_the_same_fields_with_the_same_defaults(name: str) -> None:
    model, kind = getattr(messages, name), getattr(light_messages, name)
    own = {
        field.name: field.default_factory()
        if field.default_factory is not dataclasses.MISSING
        else None if field.default is dataclasses.MISSING else field.default
        for field in dataclasses.fields(kind)
    }  # fmt: skip
    theirs = {
        name: None if info.is_required() else info.get_default(call_default_factory=True)
        for name, info in model.model_fields.items()
    }
    assert own == theirs


@given(altered())
def test_an_agent_writes_what_the_models_would_write(example: tuple[str, dict[str, Any]]) -> None:
    name, document = example
    try:
        own = light.read(getattr(light_messages, name), document)
        model = getattr(messages, name).model_validate(document)
    except (BadPayload, ValueError):
        return
    assert light.document_of(own) == orjson.loads(codec.encode(model))
