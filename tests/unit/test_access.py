"""Who may do what, row by row, and who somebody is in loopback trust mode."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.gate import REMEMBERED_TOPICS, Gate
from broker.identity import Connect, Refusal, identify
from broker.tally import MAX_CLIENTS, QUIET_S, Tally
from protocol.access import Rights, Role, rights
from protocol.topics import Topics

TOPICS: Final = Topics()
SECRET: Final = b"open sesame"

EVERYTHING: Final = (
    "agents/me/presence",
    "agents/me/info",
    "agents/me/heartbeat",
    "agents/me/metrics",
    "agents/me/report",
    "agents/you/presence",
    "agents/you/report",
    "inbox/me/desired",
    "inbox/me/lease",
    "inbox/you/desired",
    "hosts/me/presence",
    "hosts/me/actual",
    "hosts/me/metrics",
    "hosts/me/desired",
    "hosts/you/presence",
    "hosts/you/desired",
    "registry/me",
    "registry/you",
    "tasks/one",
    "coordinator/presence",
    "coordinator/summary",
    "coordinator/rollcall",
    "events",
    "submit/me",
    "submit/you",
    "replies/me",
    "replies/you",
)
OWN: Final = tuple(topic for topic in EVERYTHING if topic.startswith("agents/me/"))
WATCHED: Final = tuple(t for t in EVERYTHING if not t.startswith(("submit/", "replies/")))

AGENT_READS: Final = (
    "agents/me/presence",
    "inbox/me/desired",
    "inbox/me/lease",
    "registry/me",
    "coordinator/presence",
    "coordinator/summary",
    "coordinator/rollcall",
)


@pytest.mark.parametrize(
    ("roles", "publishes", "reads", "wills"),
    [
        ((Role.AGENT,), OWN, AGENT_READS, ("agents/me/presence",)),
        (
            (Role.HOST,),
            ("hosts/me/presence", "hosts/me/actual", "hosts/me/metrics"),
            ("hosts/me/presence", "hosts/me/desired", *AGENT_READS[-3:]),
            ("hosts/me/presence",),
        ),
        ((Role.OPERATOR,), ("submit/me",), (*WATCHED, "replies/me"), ()),
        ((Role.OBSERVER,), (), WATCHED, ()),
        (
            (Role.COORDINATOR,),
            (*WATCHED, "replies/me", "replies/you"),
            EVERYTHING,
            ("coordinator/presence",),
        ),
        (
            (Role.AGENT, Role.OPERATOR),
            (*OWN, "submit/me"),
            (*WATCHED, "replies/me"),
            ("agents/me/presence",),
        ),
    ],
)
def test_each_role_may_do_its_row_of_the_table_and_no_more(
    roles: tuple[Role, ...],
    publishes: tuple[str, ...],
    reads: tuple[str, ...],
    wills: tuple[str, ...],
) -> None:
    granted = rights(TOPICS, "me", *roles)

    def allowed(may: object) -> set[str]:
        assert callable(may)
        return {topic for topic in EVERYTHING if may(TOPICS.under(topic))}

    assert allowed(granted.may_publish) == set(publishes)
    assert allowed(granted.may_read) == set(reads)
    assert allowed(granted.may_subscribe) == set(reads)
    assert allowed(granted.may_will) == set(wills)


@pytest.mark.parametrize("role", list(Role))
def test_no_role_reaches_beyond_its_root(role: Role) -> None:
    granted = rights(TOPICS, "me", role)
    for topic in ("events", "fleet/v2/events", "fleet/events", "other/v1/events", "$SYS/uptime"):
        assert not granted.may_publish(topic)
        assert not granted.may_read(topic)
        assert not granted.may_subscribe(topic)


LEVELS: Final = ["fleet", "v1", "agents", "inbox", "replies", "submit", "me", "you", "+"]


@given(st.lists(st.sampled_from(LEVELS), min_size=1, max_size=5), st.booleans())
def test_what_may_be_read_may_be_subscribed_to(levels: list[str], wide: bool) -> None:
    granted = rights(TOPICS, "me", Role.OPERATOR)
    pattern = "/".join(levels) + ("/#" if wide else "")
    readable = [topic for t in EVERYTHING if granted.may_read(topic := TOPICS.under(t))]
    if any(_selects(pattern, topic) for topic in readable):
        assert granted.may_subscribe(pattern)


def _selects(pattern: str, topic: str) -> bool:
    return Rights(publish=(), subscribe=(pattern,), will=()).may_read(topic)


AGENT: Final = rights(TOPICS, "me", Role.AGENT, Role.OPERATOR, Role.HOST)
OBSERVER: Final = rights(TOPICS, "", Role.OBSERVER)
COORDINATOR: Final = rights(TOPICS, "coordinator", Role.COORDINATOR)


@pytest.mark.parametrize(
    ("connect", "expected"),
    [
        (Connect("me", "me"), AGENT),
        (Connect("me", "me", "whatever"), AGENT),
        (Connect("me", "me", will_topic="fleet/v1/agents/me/presence"), AGENT),
        (Connect(""), OBSERVER),
        (Connect("anything at all"), OBSERVER),
        (Connect("me", ""), OBSERVER),
        (Connect("coordinator", "coordinator", "open sesame"), COORDINATOR),
        (Connect("coordinator-7f3a", "coordinator", "open sesame"), COORDINATOR),
        (Connect("coordinator-2", "coordinator-2", "open sesame"), COORDINATOR),
    ],
)
def test_whoever_is_what_it_says_gets_the_rights_of_it(connect: Connect, expected: Rights) -> None:
    assert identify(TOPICS, connect, SECRET) == expected


@pytest.mark.parametrize(
    ("connect", "hint"),
    [
        (Connect("you", "me"), "both must be"),
        (Connect("", "me"), "both must be"),
        (Connect("me/you", "me/you"), "not a valid agent name"),
        (Connect("+", "+"), "not a valid agent name"),
        (Connect("observer", "observer"), "reserved"),
        (Connect("m" * 64, "m" * 64), "1-63"),
        (Connect("coordinator", "coordinator"), "password"),
        (Connect("coordinator", "coordinator", ""), "password"),
        (Connect("coordinator", "coordinator", "open sesame "), "password"),
        (Connect("coordinator", "coordinator", "sésame"), "password"),
        (Connect("me", "coordinator", "open sesame"), "begin with"),
        (Connect("coordinators", "coordinator", "open sesame"), "begin with"),
        (Connect("coordinator", None), "belongs to the coordinator"),
        (Connect("coordinator-2", "me"), "belongs to the coordinator"),
        (Connect("me", "me", clean_session=False), "clean session"),
        (Connect("me", "me", will_topic="fleet/v1/agents/me/report"), "agents/me/presence"),
        (Connect("me", "me", will_topic="fleet/v1/agents/you/presence"), "agents/me/presence"),
        (Connect("watcher", will_topic="fleet/v1/events"), "allowed: none"),
    ],
)
def test_whoever_is_not_is_told_what_would_be_right(connect: Connect, hint: str) -> None:
    verdict = identify(TOPICS, connect, SECRET)
    assert isinstance(verdict, Refusal)
    assert hint in verdict.reason


@pytest.mark.parametrize("secret", [None, b""])
@pytest.mark.parametrize("password", [None, "", "open sesame"])
def test_without_a_secret_nobody_is_the_coordinator(
    secret: bytes | None, password: str | None
) -> None:
    verdict = identify(TOPICS, Connect("coordinator", "coordinator", password), secret)
    assert verdict == Refusal("the coordinator's secret is not known to this broker")


def test_no_refusal_tells_a_secret() -> None:
    verdict = identify(TOPICS, Connect("coordinator", "coordinator", "my guess"), SECRET)
    assert isinstance(verdict, Refusal)
    assert "guess" not in verdict.reason
    assert SECRET.decode() not in verdict.reason


def test_a_gate_answers_as_the_rights_do_however_often_it_is_asked() -> None:
    gate = Gate(AGENT)
    for _ in range(2):
        for topic in map(TOPICS.under, EVERYTHING):
            assert gate.may_publish(topic) is AGENT.may_publish(topic)
            assert gate.may_read(topic) is AGENT.may_read(topic)
            assert gate.may_subscribe(topic) is AGENT.may_subscribe(topic)


def test_a_gate_remembers_a_bounded_number_of_topics() -> None:
    gate = Gate(OBSERVER)
    for number in range(2 * REMEMBERED_TOPICS + 10):
        assert gate.may_read(f"fleet/v1/tasks/t{number}")
        assert not gate.may_publish(f"fleet/v1/tasks/t{number}")
    assert len(gate._read) <= REMEMBERED_TOPICS
    assert len(gate._publish) <= REMEMBERED_TOPICS


def test_a_refusal_is_reported_first_at_once_and_then_once_a_minute() -> None:
    tally = Tally()
    assert tally.note("a", 100.0) == 1
    assert [tally.note("a", 100.0 + second) for second in (1, 30, QUIET_S - 1)] == [0, 0, 0]
    assert tally.note("b", 130.0) == 1
    assert tally.note("a", 100.0 + QUIET_S) == 4
    assert tally.note("a", 101.0 + QUIET_S) == 0


def test_the_oldest_count_makes_room_for_a_new_client() -> None:
    tally = Tally()
    for number in range(MAX_CLIENTS + 1):
        assert tally.note(f"client-{number}", 0.0) == 1
    assert tally.note(f"client-{MAX_CLIENTS}", 1.0) == 0
    assert tally.note("client-0", 1.0) == 1
