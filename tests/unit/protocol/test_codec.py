"""What a payload must be to be read, and under which reason everything else is counted."""

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import decode, decode_from, encode
from protocol.errors import BadPayload, Reason
from protocol.messages import Heartbeat, Presence, Report, Submit
from protocol.strict_json import parse_object
from protocol.topics import AgentChannel, AgentTopic

BOOT = "0" * 32
ENVELOPE = {"ts_ms": 1, "agent": "Main", "boot": BOOT, "epoch": 1, "conn": 1, "seq": 1}
BEAT = {**ENVELOPE, "v": "1.0", "interval_s": 10.0}


def _refusal(payload: bytes) -> Reason:
    with pytest.raises(BadPayload) as refused:
        decode(Heartbeat, payload)
    return refused.value.reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"{", Reason.NOT_JSON),
        (b"\xff\xfe", Reason.NOT_JSON),
        (b'{"a":NaN}', Reason.NOT_JSON),
        (b'{"a":Infinity}', Reason.NOT_JSON),
        (b'"text"', Reason.NOT_AN_OBJECT),
        (b"[1]", Reason.NOT_AN_OBJECT),
        (b"null", Reason.NOT_AN_OBJECT),
        (b'{"a":1,"a":2}', Reason.DUPLICATE_KEY),
        (b'{"a" :1,"b":{"c":1,"c" : 2}}', Reason.DUPLICATE_KEY),
        (b'{"a":"x:y","a":2}', Reason.DUPLICATE_KEY),
        (b'{"a":9007199254740993}', Reason.BAD_NUMBER),
        (b'{"a":-9007199254740993}', Reason.BAD_NUMBER),
        (b'{"a":1e300}', Reason.BAD_NUMBER),
        (b'{"a":"\\u0000"}', Reason.BAD_TEXT),
        (b'{"\\u0000":1}', Reason.BAD_TEXT),
        (b'{"a":' * 64 + b"1" + b"}" * 64, Reason.TOO_DEEP),
        (b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}", Reason.TOO_DEEP),
        (b'{"a":"' + b"x" * 20_000 + b'"}', Reason.TOO_LARGE),
        (orjson.dumps({**BEAT, "v": "2.0"}), Reason.BAD_VERSION),
        (orjson.dumps({**BEAT, "seq": -1}), Reason.BAD_FIELD),
        (orjson.dumps({**BEAT, "seq": True}), Reason.BAD_FIELD),
        (orjson.dumps({**BEAT, "seq": "7"}), Reason.BAD_FIELD),
        (orjson.dumps({**BEAT, "seq": 1.5}), Reason.BAD_FIELD),
        (orjson.dumps({**BEAT, "boot": "short"}), Reason.BAD_FIELD),
        (orjson.dumps({**BEAT, "agent": "a/b"}), Reason.BAD_FIELD),
        (orjson.dumps({**BEAT, "holding": [{"task": "t"}]}), Reason.BAD_FIELD),
    ],
)
def test_bad_input_is_refused_with_its_reason(payload: bytes, reason: Reason) -> None:
    assert _refusal(payload) is reason


def test_the_limits_are_met_exactly() -> None:
    padding = 16 * 1024 - len(orjson.dumps({**BEAT, "extra": ""}))
    assert decode(Heartbeat, orjson.dumps({**BEAT, "extra": "x" * padding})).seq == 1
    assert _refusal(orjson.dumps({**BEAT, "extra": "x" * (padding + 1)})) is Reason.TOO_LARGE
    assert decode(Heartbeat, orjson.dumps({**BEAT, "seq": 2**53})).seq == 2**53


def test_fields_that_are_not_known_are_ignored() -> None:
    assert decode(Heartbeat, orjson.dumps({**BEAT, "future": {"a": [1]}})).interval_s == 10.0


def test_colons_in_texts_do_not_look_like_second_keys() -> None:
    assert parse_object(b'{"a":"b:c:d","e":{"f":":"}}') == {"a": "b:c:d", "e": {"f": ":"}}


def test_an_error_names_the_field_and_what_was_found() -> None:
    with pytest.raises(BadPayload, match=r"interval_s.*'soon'"):
        decode(Heartbeat, orjson.dumps({**BEAT, "interval_s": "soon"}))


def test_an_agent_may_only_speak_for_itself() -> None:
    said = encode(Presence.model_validate({**ENVELOPE, "state": "online"}))
    with pytest.raises(BadPayload) as refused:
        decode_from(AgentTopic("Heals", AgentChannel.PRESENCE), said)
    assert refused.value.reason is Reason.WRONG_SENDER


def test_what_is_absent_is_left_out_of_the_text() -> None:
    said = encode(Report.model_validate({**ENVELOPE, "task": "t", "fence": 1, "event": "started"}))
    assert orjson.loads(said)["detail"] == {}


@given(st.binary(max_size=200))
def test_no_bytes_make_the_codec_fail_otherwise(payload: bytes) -> None:
    try:
        decode(Submit, payload)
    except BadPayload:
        return


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*BEAT, "x"]), json_values))
def test_no_document_makes_the_codec_fail_otherwise(document: dict[str, object]) -> None:
    try:
        payload = orjson.dumps({**BEAT, **document})
    except (TypeError, orjson.JSONEncodeError):
        return
    try:
        beat = decode(Heartbeat, payload)
    except BadPayload:
        return
    assert decode(Heartbeat, encode(beat)) == beat
    assert math.isfinite(beat.interval_s)
