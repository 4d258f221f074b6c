"""From what a handler returns or raises to what is reported."""

import asyncio
from typing import Any

import pytest

from agent_client import verdict
from agent_client.core.outcomes import Declined, GaveWay, Outcome, Raised, Returned
from agent_client.errors import Cancelled, Failed, LeaseLost, Rejected


def of(handler: Any, *, asked: bool = False) -> Outcome:
    return verdict.of_call(handler, lambda: asked)


def raising(error: BaseException) -> Any:
    def handler() -> None:
        raise error

    return handler


@pytest.mark.parametrize("result", [None, 7, "text", [1, None], {"a": {"b": [True, None]}}])
def test_a_result_of_json_types_is_a_success(result: object) -> None:
    assert of(lambda: result) == Returned(result)


@pytest.mark.parametrize(
    ("result", "hint"),
    [
        (object(), "not JSON serializable"),
        ({1, 2}, "not JSON serializable"),
        (2**60, "53"),
        ("x" * 300_000, "store it elsewhere"),
        ("a\x00b", "NUL"),
        ("\ud800", "surrogates"),
    ],
)
def test_a_result_that_no_report_could_carry_is_a_failure_that_says_so(
    result: object, hint: str
) -> None:
    outcome = of(lambda: result)
    assert isinstance(outcome, Raised)
    assert (outcome.code, outcome.retryable) == ("bad_result", False)
    assert hint in outcome.message


def test_a_result_nested_too_deep_for_a_report_is_a_failure() -> None:
    result: list[Any] = []
    for _ in range(40):
        result = [result]
    outcome = of(lambda: result)
    assert isinstance(outcome, Raised)
    assert "nested deeper" in outcome.message


def test_an_exception_fails_the_task_under_its_name_with_the_traceback_of_the_author() -> None:
    outcome = of(raising(ZeroDivisionError("by zero")))
    assert isinstance(outcome, Raised)
    assert (outcome.code, outcome.retryable) == ("ZeroDivisionError", True)
    assert "raise error" in outcome.message
    assert "verdict.py" not in outcome.message


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_nothing_that_a_handler_raises_leaves_it(error: BaseException) -> None:
    outcome = of(raising(error))
    assert isinstance(outcome, Raised)
    assert outcome.code == type(error).__name__


def test_a_failure_in_the_words_of_its_author_keeps_them() -> None:
    failed = Failed("no_luck", "the dragon won", retryable=False, retry_after_s=30)
    assert of(raising(failed)) == Raised("no_luck", "the dragon won", False, 30)


def test_a_rejection_is_no_failure() -> None:
    assert of(raising(Rejected("busy", "later"))) == Declined("busy", "later")


@pytest.mark.parametrize("error", [Cancelled(), LeaseLost(), asyncio.CancelledError()])
def test_who_stops_as_asked_gave_way(error: BaseException) -> None:
    assert of(raising(error), asked=True) == GaveWay()


@pytest.mark.parametrize("error", [Cancelled(), asyncio.CancelledError()])
def test_who_stops_without_having_been_asked_failed(error: BaseException) -> None:
    assert isinstance(of(raising(error), asked=False), Raised)


def test_a_long_traceback_keeps_its_end() -> None:
    outcome = of(raising(ValueError("x" * 20_000 + "the end")))
    assert isinstance(outcome, Raised)
    assert len(outcome.message) <= verdict.MAX_MESSAGE
    assert outcome.message.rstrip().endswith("the end")


def test_texts_that_others_choke_on_are_made_portable() -> None:
    outcome = of(raising(Failed("a\x00b", "\ud800")))
    assert outcome == Raised("a\N{REPLACEMENT CHARACTER}b", "?")


@pytest.mark.parametrize(
    ("said", "told"),
    [(3, 3.0), (-1, 0.0), (float("nan"), None), (float("inf"), None), ("soon", None), (1e12, 1e9)],
)
def test_a_wait_that_no_report_could_carry_does_not_end_the_agent(
    said: Any, told: float | None
) -> None:
    for error in (Failed("no_luck", retry_after_s=said), Rejected("later", retry_after_s=said)):
        outcome = verdict.of_exception(error, asked_to_stop=False)
        assert isinstance(outcome, Raised | Declined)
        assert outcome.retry_after_s == told
