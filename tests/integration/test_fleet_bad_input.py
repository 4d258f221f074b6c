"""Hostile input on every inbound topic: dropped, counted by its reason, and nothing stops."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.support.bus_client import BusClient
from tests.support.fleet_process import Fleet

KIB: Final = 1024
BOOT: Final = "0123456789abcdef" * 2
FROM_AGENT: Final = {
    "v": "1.0",
    "ts_ms": 1,
    "agent": "Villain",
    "boot": BOOT,
    "epoch": 1,
    "conn": 1,
    "seq": 1,
}
FROM_COORDINATOR: Final = {"v": "1.0", "ts_ms": 1, "coord": "fake", "term": 1}
SOUND: Final[dict[str, dict[str, Any]]] = {
    "agents/Villain/presence": FROM_AGENT | {"state": "online"},
    "agents/Villain/info": FROM_AGENT | {"machine_id": "m", "window_id": "w"},
    "agents/Villain/heartbeat": FROM_AGENT | {"interval_s": 1.0},
    "agents/Villain/metrics": FROM_AGENT | {"m": {"cpu_usage": 1.0}},
    "agents/Villain/report": FROM_AGENT | {"task": "t", "fence": 1, "event": "started"},
    "submit/Villain": {"v": "1.0", "request_id": "1", "op": "get"},
    "coordinator/presence": FROM_COORDINATOR | {"state": "online"},
    "inbox/Main/desired": FROM_COORDINATOR | {"rev": 1, "for_boot": BOOT, "as_of": 1},
    "inbox/Main/lease": FROM_COORDINATOR | {"rev": 1, "boot": BOOT, "as_of": 1},
}
ENUMS: Final = {
    "agents/Villain/presence": "state",
    "agents/Villain/report": "event",
    "submit/Villain": "op",
    "coordinator/presence": "state",
    "inbox/Main/desired": "mode",
}
LIMITS: Final = {
    "agents/Villain/presence": 16 * KIB,
    "agents/Villain/info": 16 * KIB,
    "agents/Villain/heartbeat": 16 * KIB,
    "agents/Villain/metrics": 16 * KIB,
    "agents/Villain/report": 256 * KIB,
    "submit/Villain": 256 * KIB,
}
TO_COORDINATOR: Final = [topic for topic in SOUND if not topic.startswith("inbox/")]
TO_AGENT: Final = [topic for topic in SOUND if topic.startswith("inbox/")]


def hostile(topic: str) -> Iterator[tuple[str, bytes]]:
    """Yield payloads for *topic* that are wrong, each with the reason to count it under."""
    sound = SOUND[topic]
    text = json.dumps(sound)
    noise = random.Random(topic)

    def wrong(**fields: Any) -> bytes:
        return json.dumps(sound | fields).encode()

    yield "not_json", b"hello"
    yield "not_json", text.encode()[:-1]
    yield "not_json", b"\xff\xfe" + text.encode("utf-16-le")
    yield "not_json", text.replace("1.0", "\xe9").encode("latin-1")
    yield "not_json", text.replace('"v": "1.0"', '"v": NaN').encode()
    yield "not_json", text.replace('"v": "1.0"', '"v": "1.\x000"').encode()
    for size in (1, 100, 4_000):
        yield "not_json", b"\x00" + noise.randbytes(size)
    yield "not_an_object", b"[1, 2]"
    yield "not_an_object", b"null"
    yield "not_an_object", b'"text"'
    yield "duplicate_key", text.replace('"v"', '"v": "1.0", "v"').encode()
    yield "too_deep", wrong(deep=json.loads("[" * 64 + "]" * 64))
    yield "bad_number", wrong(extra=2**53 + 1)
    yield "bad_number", wrong(extra=-(2**60))
    yield "bad_number", text.replace("{", '{"extra": 1e300, ', 1).encode()
    yield "bad_text", text.replace("{", '{"extra": "\\u0000", ', 1).encode()
    yield "bad_version", wrong(v="2.0")
    yield "bad_version", wrong(v=1)
    yield "bad_field", b"{}"
    yield "bad_field", wrong(**{next(key for key in sound if key not in {"v", "ts_ms"}): []})
    if topic in ENUMS:
        yield "bad_field", wrong(**{ENUMS[topic]: "sideways"})
    if topic in LIMITS:
        yield "too_large", wrong(extra="x" * LIMITS[topic])
    if topic.startswith("agents/"):
        yield "wrong_sender", wrong(agent="Main")
        yield "bad_field", wrong(boot="short")
        yield "bad_field", wrong(seq=-1)
        yield "bad_field", wrong(seq=True)
        yield "bad_field", wrong(epoch="1")


def growth(now: dict[str, Any], before: dict[str, Any]) -> Counter[str]:
    return Counter(now) - Counter(before)


@pytest.fixture
def commander(shared: Fleet) -> Iterator[BusClient]:
    """Somebody who may say everything but requests: the broker's access rules are not the test."""
    with BusClient(shared.where, "coordinator-test", topics="nothing") as client:
        yield client


def counted(operator: BusClient) -> dict[str, Any]:
    """Return what the coordinator has dropped so far; what it hears from now on comes on top."""
    counts: dict[str, Any] = operator.wait_for("coordinator/summary").get("dropped", {})
    return counts


def works(operator: BusClient, agent: str | None = None) -> None:
    task = operator.create("afterwards", args={"seconds": 0}, agent=agent)
    operator.wait_for(f"tasks/{task}", status="completed")


@pytest.mark.parametrize("topic", TO_COORDINATOR)
def test_what_the_coordinator_cannot_read_is_dropped_and_counted(
    shared: Fleet, operator: BusClient, commander: BusClient, topic: str
) -> None:
    before = counted(operator)
    payloads = list(hostile(topic))
    wanted = Counter(reason for reason, _ in payloads)
    with BusClient(shared.where, "Villain", topics="replies/Villain") as villain:
        for _, payload in payloads:
            (commander if topic.startswith("coordinator/") else villain).say(topic, payload)

        def drops() -> Counter[str]:
            grown = growth(operator.latest("coordinator/summary").get("dropped", {}), before)
            del grown["duplicate_report"]  # an agent whose report is acknowledged late repeats it
            return grown

        operator.wait(f"{wanted.total()} drops", lambda: drops().total() >= wanted.total())
        assert drops() == wanted
        works(operator)
        assert villain.heard == []


def test_an_empty_message_is_a_cleared_topic_and_harms_nobody(
    shared: Fleet, operator: BusClient
) -> None:
    with BusClient(shared.where, "Villain", topics="replies/Villain") as villain:
        for topic in TO_COORDINATOR:
            if not topic.startswith("coordinator/"):
                villain.say(topic, b"")
    works(operator)


@pytest.mark.parametrize(
    "topic",
    [
        "agents/" + "V" * 64 + "/heartbeat",
        "agents/" + "V" * 300 + "/heartbeat",
        "agents/Vill ain/presence",
        "agents/$Villain/presence",
        "agents/observer/presence",
        "agents/Villain/gossip",
    ],
)
def test_a_topic_outside_the_grammar_is_dropped_and_counted(
    operator: BusClient, commander: BusClient, topic: str
) -> None:
    before = counted(operator).get("bad_topic", 0)
    commander.say(topic, json.dumps(SOUND["agents/Villain/heartbeat"]).encode())
    operator.wait(
        "one more bad topic",
        lambda: (
            operator.latest("coordinator/summary").get("dropped", {}).get("bad_topic") == before + 1
        ),
    )
    works(operator)


@pytest.mark.parametrize("topic", TO_AGENT)
def test_what_an_agent_cannot_read_is_dropped_and_counted_in_its_metrics(
    operator: BusClient, commander: BusClient, topic: str
) -> None:
    def counts() -> dict[str, Any]:
        numbers = operator.wait_for("agents/Main/metrics")["m"]
        return {
            name.removeprefix("dropped."): int(count)
            for name, count in numbers.items()
            if name.startswith("dropped.")
        }

    before, boot = counts(), operator.wait_for("agents/Main/presence")["boot"]
    payloads = list(hostile(topic))
    wanted = Counter(reason for reason, _ in payloads)
    for _, payload in payloads:
        commander.say(topic, payload)
    operator.wait(
        f"{wanted.total()} drops",
        lambda: growth(counts(), before).total() >= wanted.total(),
    )
    assert growth(counts(), before) == wanted
    works(operator, agent="Main")
    assert operator.latest("agents/Main/presence")["boot"] == boot


def test_a_sound_desired_for_another_boot_or_of_an_older_rev_changes_nothing(
    shared: Fleet, operator: BusClient, commander: BusClient
) -> None:
    stranger = {"task": "intruder", "name": "n", "mode": "quest", "fence": 1}
    terms = {"lease_s": 60.0, "margin_s": 1.0}
    sound = SOUND["inbox/Main/desired"] | {"term": 99, "tasks": [stranger | terms]}
    commander.say("inbox/Main/desired", json.dumps(sound).encode())
    heartbeat = operator.wait_for("agents/Main/heartbeat")
    old = sound | {"term": 0, "for_boot": heartbeat["boot"], "as_of": heartbeat["seq"]}
    commander.say("inbox/Main/desired", json.dumps(old).encode())
    works(operator, agent="Main")
    assert shared.runs_of("intruder") == []
