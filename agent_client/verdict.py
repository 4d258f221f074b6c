"""From what a handler returned or raised to an outcome that fits into a report.

A result that no report could carry is found here, where it can be said to the author, and not
on the bus, where it would be refused for ever.
"""

import math
import sys
import traceback
from collections.abc import Callable
from typing import Final

import orjson

from agent_client.core.outcomes import Declined, GaveWay, Outcome, Raised, Returned
from agent_client.errors import Failed, MustStop, Rejected
from agent_client.portable import portable
from protocol.errors import BadPayload
from protocol.limits import KIB, LARGE_MESSAGE_BYTES
from protocol.strict_json import parse_object

MAX_RESULT_BYTES: Final = LARGE_MESSAGE_BYTES - 4 * KIB
MAX_MESSAGE: Final = 8 * KIB
LONGEST_RETRY_S: Final = 1e9
_MAX_CODE: Final = 128


def of_result(result: object) -> Outcome:
    """Judge what a handler returned."""
    if result is None:
        return Returned(None)
    try:
        text = orjson.dumps(result, option=orjson.OPT_STRICT_INTEGER)
        if len(text) > MAX_RESULT_BYTES:
            return Raised(
                "bad_result",
                f"the result has {len(text)} bytes as JSON, at most {MAX_RESULT_BYTES}; "
                "store it elsewhere and return where",
                retryable=False,
            )
        # As deep as in a report, and by the rules by which the coordinator will read it.
        report = parse_object(b'{"detail":{"result":' + text + b"}}")
    except (TypeError, BadPayload) as error:
        return Raised("bad_result", f"the result is no portable JSON: {error}", retryable=False)
    return Returned(report["detail"]["result"])


def of_exception(error: BaseException, *, asked_to_stop: bool) -> Outcome:
    """Judge what a handler raised; nothing it raises may end the agent."""
    match error:
        case MustStop() if asked_to_stop:
            return GaveWay()
        case _ if asked_to_stop and _is_cancellation(error):
            return GaveWay()
        case Failed():
            return Raised(
                portable(error.code)[:_MAX_CODE] or "failed",
                portable(error.message)[:MAX_MESSAGE],
                bool(error.retryable),
                _seconds(error.retry_after_s),
            )
        case Rejected():
            return Declined(
                portable(error.code)[:_MAX_CODE] or "rejected",
                portable(error.message)[:MAX_MESSAGE],
                bool(error.retryable),
                _seconds(error.retry_after_s),
            )
        case _:
            return Raised(type(error).__name__[:_MAX_CODE], _traceback(error))


def _seconds(value: object) -> float | None:
    """Take a number of seconds; what is none would keep the report itself from being read."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return min(max(float(value), 0.0), LONGEST_RETRY_S)


def of_call(call: Callable[[], object], asked_to_stop: Callable[[], bool]) -> Outcome:
    """Call a handler and judge how that ends."""
    try:
        return of_result(call())
    except BaseException as error:  # noqa: BLE001 - a handler's SystemExit is its own, not ours
        if error.__traceback__ is not None:
            error.__traceback__ = error.__traceback__.tb_next  # the author's frames are enough
        return of_exception(error, asked_to_stop=asked_to_stop())


def _is_cancellation(error: BaseException) -> bool:
    # A bot without coroutines is spared the import.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def _traceback(error: BaseException) -> str:
    try:
        lines = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - an exception whose own text raises
        lines = f"{type(error).__name__} (it could not be printed)"
    text = portable(lines)
    if len(text) <= MAX_MESSAGE:
        return text
    return "[...]\n" + text[-(MAX_MESSAGE - 6) :]  # the end says what went wrong
