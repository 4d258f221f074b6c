"""The scalars of a plan: clock times, durations, zones, hours, limits and names.

Everything is strict: ``true`` is no number, ``"5"`` is no number, NaN is nothing. A value keeps
the form in which it was written, so that a plan which is read and written again stays itself.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Final, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializationInfo,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from coordinator.plan.problems import did_you_mean
from protocol.errors import BadName
from protocol.names import agent_name

DAY_MIN: Final = 1440
AS_MEANT: Final = "as meant"
"""The context in which a plan is written with each duration in seconds, however it was written."""

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_LOOSE_CLOCK: Final = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::\d{2})?")
_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_UNIT_S: Final = (86_400, 3_600, 60, 1)
_LONGEST_S: Final = 1e9
_LONGEST_POOL_NAME: Final = 59
_DURATION_RULE: Final = "must be seconds, or a duration such as '90s', '20m', '1h30m' or '7d'"
_PLACES: Final = {
    "bst": "Europe/London",
    "cdt": "America/Chicago",
    "cest": "Europe/Berlin",
    "cet": "Europe/Berlin",
    "cst": "America/Chicago",
    "edt": "America/New_York",
    "est": "America/New_York",
    "gmt": "UTC",
    "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo",
    "mdt": "America/Denver",
    "mst": "America/Denver",
    "pdt": "America/Los_Angeles",
    "pst": "America/Los_Angeles",
    "z": "UTC",
}


def refusal(message: str, suggestion: str | None = None) -> PydanticCustomError:
    """Build the error that a validator raises; the suggestion travels in its context."""
    # Pydantic would read braces in the message as fields to fill in.
    return PydanticCustomError("plan", "{text}", {"text": message, "suggestion": suggestion})


def unknown_keys(
    keys: Iterable[str], known: Iterable[str], rule: str = "unknown key"
) -> PydanticCustomError:
    """Build one error for several unknown keys; the reader of errors takes it apart again."""
    hints = {key: did_you_mean(key, known) for key in keys}
    return PydanticCustomError("plan_keys", "{text}", {"text": rule, "keys": hints})


def minutes(clock: str) -> int:
    """Return the minutes after midnight of a clock time that was validated."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


def _clock(text: str) -> str:
    if _CLOCK.fullmatch(text):
        return text
    raise refusal("must be a time of day as HH:MM, from 00:00 to 23:59", _better_clock(text))


def _end_clock(text: str) -> str:
    if text == "24:00" or _CLOCK.fullmatch(text):
        return text
    raise refusal("must be a time of day as HH:MM, from 00:00 to 24:00", _better_clock(text))


def _better_clock(text: str) -> str | None:
    loose = _LOOSE_CLOCK.fullmatch(text.strip())
    better = f"{int(loose[1]):02}:{loose[2] or '00'}" if loose else ""
    return f"did you mean {better!r}?" if _CLOCK.fullmatch(better) else None


class Seconds(float):
    """A duration that remembers how it was written, such as ``"1h30m"``."""

    written: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a duration from *text*."""
        parts = _DURATION.fullmatch(text)
        if not text or parts is None:
            raise refusal(_DURATION_RULE)
        pairs = zip(parts.groups("0"), _UNIT_S, strict=True)
        seconds = cls(sum(float(number) * unit for number, unit in pairs))
        seconds.written = text
        return seconds


def _duration(value: object) -> float:
    span = _span(value)
    if span == 0:
        raise refusal("must be more than 0")
    return span


def _span(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refusal(_DURATION_RULE)
    seconds = Seconds.read(value) if isinstance(value, str) else float(value)
    if not 0 <= seconds <= _LONGEST_S:
        raise refusal(f"must be from 0 to {_LONGEST_S:g} seconds")
    return seconds


def _as_written(seconds: float, info: SerializationInfo) -> float | str:
    if isinstance(seconds, Seconds) and info.context != AS_MEANT:
        return seconds.written
    return float(seconds)


def _zone(name: str) -> str:
    if name in _zones():
        return name
    raise refusal(
        "must be the IANA name of a time zone, which knows its summer time",
        _better_zone(name),
    )


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    # Names without a place ("EST", "MST7MDT") and "Etc/GMT+5" are offsets in disguise.
    places = {zone for zone in available_timezones() if "/" in zone and zone[:4] != "Etc/"}
    return frozenset(places | {"UTC", "Etc/UTC"})


def _better_zone(name: str) -> str:
    plain = name.strip().lower().replace(" ", "_")
    if plain in _PLACES:
        return f"did you mean {_PLACES[plain]!r}?"
    cities = {zone.rsplit("/", 1)[-1].lower(): zone for zone in sorted(_zones(), reverse=True)}
    if plain in cities:
        return f"did you mean {cities[plain]!r}?"
    return did_you_mean(plain, _zones()) or "name a place, such as 'Europe/Berlin', or 'UTC'"


def _agent(name: str) -> str:
    try:
        return agent_name(name)
    except BadName as error:
        raise refusal(str(error)) from None


def _pool(name: str) -> str:
    if len(name) > _LONGEST_POOL_NAME:
        raise refusal(f"must be at most {_LONGEST_POOL_NAME} characters: its agents add a number")
    return _agent(name)


_AS_JSON: Final = WithJsonSchema({"type": ["number", "string"], "description": "a duration"})

Clock = Annotated[str, AfterValidator(_clock)]
EndClock = Annotated[str, AfterValidator(_end_clock)]
Zone = Annotated[str, AfterValidator(_zone)]
Agent = Annotated[str, AfterValidator(_agent)]
Duration = Annotated[float, PlainValidator(_duration), PlainSerializer(_as_written), _AS_JSON]
"""Seconds; written as a number of them or as ``"1h30m"``."""
Span = Annotated[float, PlainValidator(_span), PlainSerializer(_as_written), _AS_JSON]
"""A duration that may be nothing."""
PoolName = Annotated[str, AfterValidator(_pool)]
"""What the names of a pool's agents begin with."""
Hour = Annotated[int, Field(ge=0, le=23)]
Weekday = Annotated[int, Field(ge=0, le=6)]
"""0 is Monday."""
Limit = Annotated[int, Field(ge=0, le=1_000_000)]
AtLeastOne = Annotated[int, Field(ge=1, le=1_000_000)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
WORD: Final = r"^[a-z0-9][a-z0-9_.-]{0,62}$"
Word = Annotated[str, StringConstraints(pattern=WORD)]
"""A mode or a capability."""
Text = Annotated[str, StringConstraints(max_length=2000)]
