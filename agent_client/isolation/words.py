"""What the process of a task says to its agent: one JSON object per line, one key each."""

from typing import Any

import orjson

from agent_client.core.events import (
    Event,
    HandlerEnded,
    HandlerNotStarted,
    HandlerPaused,
    HandlerProgressed,
    HandlerResumed,
)
from agent_client.core.outcomes import Declined, GaveWay, Outcome, Raised, Returned


def of_event(event: Event) -> bytes:
    """Write *event*; empty if the agent need not know of it."""
    match event:
        case HandlerProgressed(_, pct, step, eta_s):
            return _line("progress", [pct, step, eta_s])
        case HandlerPaused():
            return _line("resting", True)  # noqa: FBT003 - a value on the wire
        case HandlerResumed():
            return _line("resting", False)  # noqa: FBT003 - a value on the wire
        case HandlerNotStarted():
            return _of_outcome(GaveWay())
        case HandlerEnded(_, outcome):
            return _of_outcome(outcome)
        case _:
            return b""


def _of_outcome(outcome: Outcome) -> bytes:
    match outcome:
        case Returned(result):
            return _line("returned", result)
        case Raised(code, message, retryable, retry_after_s):
            return _line("raised", [code, message, retryable, retry_after_s])
        case Declined(code, message, retryable, retry_after_s):
            return _line("declined", [code, message, retryable, retry_after_s])
        case GaveWay(message):
            return _line("gave_way", message)


def _line(key: str, value: object) -> bytes:
    return orjson.dumps({key: value}) + b"\n"


def read(line: bytes) -> tuple[str, Any]:
    """Read a line; the key is empty if it is none of ours."""
    try:
        said = orjson.loads(line)
        ((key, value),) = said.items()
    except (ValueError, AttributeError):
        return "", None
    return key, value


def outcome_of(key: str, value: Any) -> Outcome | None:  # noqa: ANN401 - JSON
    """Understand a line that tells the end."""
    match key:
        case "returned":
            return Returned(value)
        case "raised":
            return Raised(*value)
        case "declined":
            return Declined(*value)
        case "gave_way":
            return GaveWay(value)
        case _:
            return None
