"""When what ended is started again, and how its end is told."""

import pytest

from agent_client.host.process import how_it_ended
from agent_client.host.restarts import OF_AN_AGENT, OF_THE_CORE, Restarts


def test_each_end_doubles_the_wait_up_to_the_longest() -> None:
    policy = Restarts(limit=10, window_s=1000, first_s=1, longest_s=5)
    ends = [100.0, 110.0, 120.0, 130.0]
    waits = [policy.next_start(ends[: n + 1]) for n in range(4)]
    assert waits == [101, 112, 124, 135]


def test_ends_outside_the_window_are_forgotten() -> None:
    policy = Restarts(limit=2, window_s=60, first_s=1, longest_s=30)
    assert policy.next_start([0, 1, 2, 500]) == 501


def test_too_many_ends_within_the_window_are_the_last() -> None:
    policy = Restarts(limit=2, window_s=60, first_s=1, longest_s=30)
    assert policy.next_start([0, 1]) is not None
    assert policy.next_start([0, 1, 2]) is None


def test_an_agent_is_given_more_chances_than_the_core() -> None:
    assert OF_AN_AGENT.limit > OF_THE_CORE.limit


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (3, "ended with exit status 3"),
        (-9, "was killed by SIGKILL"),
        (-250, "was killed by signal 250"),
    ],
)
def test_an_exit_status_is_told_in_words(status: int, said: str) -> None:
    assert how_it_ended(status) == said
