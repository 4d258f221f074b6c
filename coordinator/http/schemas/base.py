"""The types that every schema of the API is made of: instants, pages, problems."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar, overload

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

JsonObject: TypeAlias = dict[str, Any]

Instant = Annotated[
    str,
    Field(
        description="ISO 8601, UTC, milliseconds",
        examples=["2026-11-26T06:38:00.000Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
Moment = Annotated[AwareDatetime, Field(description="ISO 8601 with a zone, such as Z or +01:00")]
"""An instant that a client sends."""

DAY_MS: Final = 86_400_000
LATEST_MS: Final = 253_402_300_799_000
"""The end of the year 9999; what is later is for ever."""

EARLIEST_MS: Final = -62_135_596_800_000
"""The beginning of the year 1."""

ItemT = TypeVar("ItemT")


class Said(BaseModel):
    """What the API answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(BaseModel):
    """What a client sends; an unknown field is an error, because it is a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Page(Said, Generic[ItemT]):
    """A part of a list; ``next_cursor`` is the ``cursor`` of the next part."""

    items: list[ItemT]
    next_cursor: str | None = None
    total: int
    stale: bool = False
    """Whether the coordinator is away, so that this is what was known last."""


class Fault(Said):
    """One thing that is wrong with a request."""

    path: str = Field(description="Where it is, such as `body.constraints.time_window`")
    value: Any = None
    expected: str = Field(description="What would be right")


class Problem(Said):
    """Why a request was not done (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(description="A word for programs, such as `not_found`")
    errors: list[Fault] = Field(default_factory=list)


class Done(Said):
    """An act was carried out, and is stored."""

    ok: bool = True
    message: str | None = None


@overload
def instant(ms: int) -> str: ...


@overload
def instant(ms: int | None) -> str | None: ...


def instant(ms: int | None) -> str | None:
    """Write milliseconds since 1970 as the API's instant."""
    if ms is None:
        return None
    day, rest = divmod(max(EARLIEST_MS, min(ms, LATEST_MS)), DAY_MS)
    seconds, milliseconds = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day(day)}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"


@lru_cache(maxsize=4096)
def _day(since_1970: int) -> str:
    # A page of tasks has hundreds of instants, and hardly more than two days.
    return (date(1970, 1, 1) + timedelta(days=since_1970)).isoformat()


def until(ms: int | None) -> str | None:
    """Write the end of something; what is for ever has none."""
    return None if ms is None or ms >= LATEST_MS else instant(ms)


def millis(moment: datetime | None) -> int | None:
    """Read an instant that a client sent."""
    return None if moment is None else round(moment.timestamp() * 1000)
