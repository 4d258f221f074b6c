"""How a handler's work can end.

``Returned`` and ``Raised`` are the handler's own doing. ``GaveWay`` means that it ended because
it was asked to (or was killed); what is then reported depends on why it was asked.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class StopWhy(StrEnum):
    """Why a handler must stop before its work is done."""

    CANCELLED = "cancelled"
    LEASE_LOST = "lease_lost"
    NOT_ASSIGNED = "not_assigned"
    LEAVING = "leaving"
    RUN_LIMIT = "run_limit"
    PROGRESS_LIMIT = "progress_limit"


@dataclass(frozen=True, slots=True)
class Returned:
    """The work is done; ``result`` is made of JSON types and fits into a report."""

    result: object = None


@dataclass(frozen=True, slots=True)
class Raised:
    """The work failed."""

    code: str
    message: str = ""
    retryable: bool = True
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """The handler does not want this task; nothing was done."""

    code: str
    message: str = ""
    retryable: bool = True
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class GaveWay:
    """The work was stopped, as it was asked to."""

    message: str = ""


Outcome: TypeAlias = Returned | Raised | Declined | GaveWay
