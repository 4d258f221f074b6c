"""The envelopes that every message shares, and the field types they are made of.

Unknown fields are ignored, so that a newer peer can say more; an illegal value in a known field
is an error. Scalars are strict (``true`` is no number, ``"5"`` is no number), containers are not,
because JSON has only lists and objects.
"""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from protocol.limits import MAX_SAFE_INTEGER, PROTOCOL_VERSION

Count = Annotated[int, Field(strict=True, ge=0, le=MAX_SAFE_INTEGER)]
Millis = Annotated[int, Field(strict=True, ge=0, le=MAX_SAFE_INTEGER)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e9)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, StringConstraints(strict=True, max_length=1024)]
Label = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=128)]
AgentName = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
]
"""An operator's name obeys the same grammar, and so does a host's: all are MQTT usernames."""
HostName = AgentName
TaskId = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$")]
BootId = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{32}$")]
Capability = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Mode = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Version = Annotated[str, StringConstraints(strict=True, pattern=r"^1\.[0-9]{1,4}$")]
JsonObject: TypeAlias = dict[str, Any]


class Message(BaseModel):
    """A frozen value that can be said on the bus."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @classmethod
    def model_construct(  # type: ignore[override] # of what pydantic's plugin for mypy supposes
        cls,
        _fields_set: set[str] | None = None,
        **values: Any,  # noqa: ANN401 -- as its base
    ) -> Self:
        """Make a message of *values* that are known to be right, without looking at them.

        As pydantic does, for models without aliases and extra fields; it goes through all the
        fields of the model every time, and did a sixth of all that a task costs the coordinator.
        """
        blank, factories = _blank(cls)
        fields = blank | values  # in the order of the model
        for name, make in factories:
            if name not in values:
                fields[name] = make()
        message = cls.__new__(cls)
        put = object.__setattr__  # the model is frozen
        put(message, "__dict__", fields)
        put(message, "__pydantic_fields_set__", set(values) if _fields_set is None else _fields_set)
        put(message, "__pydantic_extra__", None)
        put(message, "__pydantic_private__", None)
        return message


@cache
def _blank(
    model: type[BaseModel],
) -> tuple[dict[str, Any], tuple[tuple[str, Callable[[], Any]], ...]]:
    """Return what a message has in the fields that nobody names, and those that must be made."""
    fields = model.model_fields
    blank = {name: field.get_default() for name, field in fields.items()}
    factories = {name: field.default_factory for name, field in fields.items()}
    made = tuple((name, make) for name, make in factories.items() if make is not None)
    return blank, made  # type: ignore[return-value] # none of ours wants the fields before it


class FromAgent(Message):
    """What every message of an agent carries.

    ``boot`` names the process, ``epoch`` orders an agent's boots, ``conn`` counts the connections
    of this boot, ``seq`` counts messages per boot and topic. ``ts_ms`` is the sender's wall clock
    and is only ever displayed.
    """

    v: Version = PROTOCOL_VERSION
    ts_ms: Millis
    agent: AgentName
    boot: BootId
    epoch: Count
    conn: Count
    seq: Count


class FromHost(Message):
    """What every message of a machine's host carries, as those of an agent do."""

    v: Version = PROTOCOL_VERSION
    ts_ms: Millis
    host: HostName
    machine_id: Label
    boot: BootId
    epoch: Count
    conn: Count
    seq: Count


class FromCoordinator(Message):
    """What every message of the coordinator carries; the highest ``term`` is the one to obey."""

    v: Version = PROTOCOL_VERSION
    ts_ms: Millis
    coord: Label
    term: Count
