"""The tree of subscriptions, a case at a time; against every filter there is: tests/property."""

import pytest

from broker.subscriptions import Subscriptions, is_filter


def holders(subscriptions: Subscriptions[str], topic: str) -> dict[str, int]:
    return dict(subscriptions.holders(topic))


def test_a_holder_of_many_filters_is_found_once_with_its_highest_qos() -> None:
    tree: Subscriptions[str] = Subscriptions()
    for pattern, qos in (("a/#", 0), ("a/b", 2), ("+/b", 1)):
        tree.add(pattern, "me", qos)
    tree.add("a/b", "you", 1)
    assert holders(tree, "a/b") == {"me": 2, "you": 1}
    assert holders(tree, "x/b") == {"me": 1}
    assert holders(tree, "x/y") == {}


def test_a_new_qos_replaces_the_old_at_once() -> None:
    tree: Subscriptions[str] = Subscriptions()
    tree.add("a", "me", 2)
    assert holders(tree, "a") == {"me": 2}
    tree.add("a", "me", 0)
    assert holders(tree, "a") == {"me": 0}
    assert len(tree) == 1


@pytest.mark.parametrize("pattern", ["a/b/c", "a/+/c", "a/#", "#", "+", "a/b/c/#"])
def test_nothing_is_left_of_a_filter_that_nobody_holds(pattern: str) -> None:
    tree: Subscriptions[str] = Subscriptions()
    topic = "a" if pattern == "+" else "a/b/c"
    tree.add(pattern, "me", 1)
    assert holders(tree, topic) == {"me": 1}
    tree.discard(pattern, "me")
    assert holders(tree, topic) == {}
    assert len(tree) == 0
    assert tree._root.is_bare()


def test_pruning_spares_what_others_hold() -> None:
    tree: Subscriptions[str] = Subscriptions()
    tree.add("a/b/c", "me", 1)
    tree.add("a/b", "you", 1)
    tree.discard("a/b/c", "me")
    assert holders(tree, "a/b") == {"you": 1}


@pytest.mark.parametrize("pattern", ["a", "a/b", "a/#", "b"])
def test_discarding_what_is_not_held_does_nothing(pattern: str) -> None:
    tree: Subscriptions[str] = Subscriptions()
    tree.add("a/b/c", "me", 1)
    tree.discard(pattern, "me")
    assert holders(tree, "a/b/c") == {"me": 1}


@pytest.mark.parametrize("topic", ["$SYS/broker", "$SYS", "$"])
def test_a_wildcard_at_the_first_level_finds_nothing_of_the_server(topic: str) -> None:
    tree: Subscriptions[str] = Subscriptions()
    for pattern in ("#", "+", "+/broker", "+/#"):
        tree.add(pattern, "me", 1)
    assert holders(tree, topic) == {}
    tree.add("$SYS/#", "me", 1)
    assert holders(tree, topic) == ({"me": 1} if topic.startswith("$SYS") else {})


def test_the_work_for_a_topic_does_not_grow_with_the_clients() -> None:
    small: Subscriptions[str] = Subscriptions()
    large: Subscriptions[str] = Subscriptions()
    for tree, count in ((small, 1), (large, 2000)):
        for n in range(count):
            tree.add(f"fleet/v1/inbox/bot-{n}/#", f"bot-{n}", 1)
        tree.add("fleet/v1/#", "coordinator", 1)
    topic = "fleet/v1/inbox/bot-0/desired"
    assert len(large._select(topic)) == len(small._select(topic)) == 2


@pytest.mark.parametrize("pattern", ["a", "/", "a/", "+", "#", "a/+/b", "+/+", "a/#", "/#", "a b"])
def test_a_filter_within_the_grammar(pattern: str) -> None:
    assert is_filter(pattern)


@pytest.mark.parametrize("pattern", ["a#", "#a", "a/#/b", "##", "#/", "a+", "+a", "a/b+/c", "++"])
def test_a_filter_outside_the_grammar(pattern: str) -> None:
    assert not is_filter(pattern)
