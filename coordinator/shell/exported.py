"""What a record of an export must look like before the coordinator reads it as its own.

The coordinator trusts the records in its store. A document may have been written by anybody, and
one number in the place of a text would end the coordinator at its next start.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from coordinator.core.terms import Terms
from coordinator.shell.store import Row
from protocol.limits import MAX_SAFE_INTEGER
from protocol.messages.base import AgentName, BootId, Mode, TaskId

_TERMS: Final = TypeAdapter(Terms)

T = TypeVar("T")

TOO_MUCH: Final = MAX_SAFE_INTEGER // 2
"""Terms and fences are raised from what comes in, and the bus must still be able to say them."""
Count = Annotated[int, Field(ge=0, lt=TOO_MUCH)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True)


class _Attempt(_Record):
    fence: Count
    agent: AgentName
    boot: BootId
    lease_ms: Count
    margin_ms: Count
    born: Annotated[list[Count], Field(min_length=2, max_length=2)]
    offered_ms: Count
    started_ms: Count | None


class _Task(_Record):
    id: TaskId
    name: str
    mode: Mode
    terms: dict[str, Any]
    created_ms: Count
    enqueued_ms: Count
    pin: AgentName | None = None
    args: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    client: str | None = None
    parent: str | None = None
    trace: str | None = None
    depends_on: list[TaskId] = []
    charged: list[str] = []
    excluded: list[str] = []
    not_before_ms: Count | None = None
    scheduled_for_ms: Count | None = None
    expires_ms: Count | None = None
    fence: Count = 0
    fenced_to: AgentName | None = None
    starts: Count = 0
    failures: Count = 0
    attempt: _Attempt | None = None
    pct: float | None = None
    step: str | None = None
    error_code: str | None = None
    error: str | None = None
    started_ms: Count | None = None
    completed_ms: Count | None = None
    ran_ms: Count = 0
    paused_at_ms: Count | None = None


class _Agent(_Record):
    name: AgentName
    epoch: Count
    boot: BootId | None
    forgotten_epoch: Count
    last_heartbeat_wall_ms: Count | None
    last_error: str | None
    resting_until_ms: Count | None


class _Mark(_Record):
    kind: str
    key: str
    record: dict[str, Any]


def check_task(record: Row) -> str:
    """Return which task *record* is of, or raise :class:`ValueError`."""
    task = _told(lambda: _Task.model_validate(record))
    _told(lambda: _TERMS.validate_python(task.terms))
    return task.id


def check_agent(record: Row) -> str:
    """Return which agent *record* is of, or raise :class:`ValueError`."""
    return _told(lambda: _Agent.model_validate(record)).name


def check_mark(record: Row) -> str:
    """Return which mark *record* is, or raise :class:`ValueError`."""
    mark = _told(lambda: _Mark.model_validate(record))
    return f"{mark.kind} {mark.key}"


def _told(check: Callable[[], T]) -> T:
    try:
        return check()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where} {first['input']!r:.80}: {first['msg']}") from None
