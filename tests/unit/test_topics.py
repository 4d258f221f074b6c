"""Topics are built and parsed in one place; filters select what MQTT says they select."""

import itertools
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.errors import BadName, BadTopic
from protocol.topics import (
    Address,
    AgentChannel,
    AgentTopic,
    CoordinatorChannel,
    CoordinatorTopic,
    EventsTopic,
    HostChannel,
    HostTopic,
    InboxChannel,
    InboxTopic,
    RegistryTopic,
    ReplyTopic,
    SubmitTopic,
    TaskTopic,
    Topics,
    matches,
    overlaps,
)

TOPICS: Final = Topics()


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        *((TOPICS.agent("a-1", channel), AgentTopic("a-1", channel)) for channel in AgentChannel),
        *((TOPICS.inbox("a-1", channel), InboxTopic("a-1", channel)) for channel in InboxChannel),
        *(
            (TOPICS.coordinator(channel), CoordinatorTopic(channel))
            for channel in CoordinatorChannel
        ),
        *((TOPICS.host("h-1", channel), HostTopic("h-1", channel)) for channel in HostChannel),
        (TOPICS.registry("a_1"), RegistryTopic("a_1")),
        (TOPICS.task("T-1"), TaskTopic("T-1")),
        (TOPICS.events, EventsTopic()),
        (TOPICS.submit("me"), SubmitTopic("me")),
        (TOPICS.replies("me"), ReplyTopic("me")),
    ],
)
def test_what_is_built_is_parsed_back(raw: str, address: Address) -> None:
    assert raw.startswith("fleet/v1/")
    assert TOPICS.parse(raw) == address


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "fleet/v1",
        "fleet/v1/",
        "fleet/v2/events",
        "other/v1/events",
        "fleet/v1/events/more",
        "fleet/v1/agents/a",
        "fleet/v1/agents/a/rumour",
        "fleet/v1/agents//presence",
        "fleet/v1/agents/a+/presence",
        "fleet/v1/agents/coordinator/presence",
        "fleet/v1/agents/coordinator-2/presence",
        "fleet/v1/agents/observer/presence",
        "fleet/v1/registry/-a",
        "fleet/v1/registry/a b",
        "fleet/v1/registry/a\x00",
        "fleet/v1/registry/ä",
        "fleet/v1/registry/" + "a" * 64,
        "fleet/v1/tasks/" + "t" * 81,
        "fleet/v1/inbox/a/presence",
        "fleet/v1/coordinator/heartbeat",
        "$SYS/fleet/v1/events",
    ],
)
def test_what_is_no_topic_of_this_bus_is_refused(raw: str) -> None:
    with pytest.raises(BadTopic):
        TOPICS.parse(raw)


def test_a_topic_longer_than_the_limit_is_refused() -> None:
    deep = Topics("/".join(["a" * 63] * 3))
    with pytest.raises(BadTopic):
        deep.parse(deep.events)


def test_two_roots_are_two_fleets() -> None:
    north, south = Topics("site/north"), Topics("site/south")
    assert north.parse(north.events) == EventsTopic()
    with pytest.raises(BadTopic):
        south.parse(north.events)


@pytest.mark.parametrize("root", ["", "/", "a/", "/a", "a//b", "+", "a/#", "$SYS", "a b"])
def test_a_root_that_is_no_plain_topic_is_refused(root: str) -> None:
    with pytest.raises(BadName):
        Topics(root)


@pytest.mark.parametrize(
    ("pattern", "topic", "selected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/c", False),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
        ("a/+", "a/b", True),
        ("a/+", "a", False),
        ("a/+", "a/", True),
        ("a/+", "a/b/c", False),
        ("+/b", "a/b", True),
        ("+", "a", True),
        ("+", "/a", False),
        ("+/+", "/a", True),
        ("#", "a/b/c", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "ab", False),
        ("a/+/#", "a", False),
        ("#", "$SYS/uptime", False),
        ("+/uptime", "$SYS/uptime", False),
        ("$SYS/#", "$SYS/uptime", True),
    ],
)
def test_filters_select_as_the_specification_says(pattern: str, topic: str, selected: bool) -> None:
    assert matches(pattern, topic) is selected


ALPHABET: Final = ("a", "b", "c")
DEPTH: Final = 4
EVERY_TOPIC: Final = [
    "/".join(levels)
    for depth in range(1, DEPTH + 1)
    for levels in itertools.product(ALPHABET, repeat=depth)
]
"""Filters below use ``a`` and ``b`` and at most three levels, so that ``c`` and a fourth level
stand for whatever only a wildcard selects."""

filters = st.builds(
    lambda levels, tail: "/".join([*levels, *tail]),
    st.lists(st.sampled_from(["a", "b", "+"]), max_size=DEPTH - 1),
    st.sampled_from([["#"], ["a"], ["+"]]),
).filter(lambda pattern: pattern.count("/") < DEPTH - 1)


@given(filters, filters)
@example("a/#", "a")
@example("a/+/#", "a")
@example("#", "a/b/a")
@example("+/b", "a/+")
@example("a/b/#", "a/#")
def test_two_filters_overlap_exactly_when_some_topic_is_selected_by_both(
    one: str, other: str
) -> None:
    witness = any(matches(one, topic) and matches(other, topic) for topic in EVERY_TOPIC)
    assert overlaps(one, other) is witness
    assert overlaps(other, one) is witness


@given(filters, st.sampled_from(EVERY_TOPIC))
def test_a_topic_is_a_filter_that_overlaps_what_selects_it(pattern: str, topic: str) -> None:
    assert overlaps(pattern, topic) is matches(pattern, topic)
