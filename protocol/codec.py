"""Messages to bytes and back, with the limits and rules that keep bad input harmless.

A payload is read in three steps: its size, its JSON (one object, no duplicate keys, no number
that another reader would read differently, bounded depth), then the model of its topic. Each
step raises :class:`BadPayload` with the reason to count it under; nothing else escapes.
"""

from typing import Final, TypeVar

from pydantic import ValidationError

from protocol.errors import BadPayload, Reason
from protocol.limits import LARGE_MESSAGE_BYTES, SMALL_MESSAGE_BYTES
from protocol.messages import (
    CoordinatorPresence,
    Desired,
    FleetEvent,
    FromAgent,
    Heartbeat,
    HostActual,
    HostDesired,
    HostMetrics,
    HostPresence,
    Info,
    Lease,
    Message,
    Metrics,
    Presence,
    Registry,
    Reply,
    Report,
    RollCall,
    Submit,
    Summary,
    TaskView,
)
from protocol.strict_json import parse_object
from protocol.topics import (
    Address,
    AgentChannel,
    AgentTopic,
    CoordinatorChannel,
    CoordinatorTopic,
    EventsTopic,
    HostChannel,
    HostTopic,
    InboxChannel,
    InboxTopic,
    RegistryTopic,
    ReplyTopic,
    SubmitTopic,
    TaskTopic,
)

MAX_BYTES: Final[dict[type[Message], int]] = {
    Presence: SMALL_MESSAGE_BYTES,
    Info: SMALL_MESSAGE_BYTES,
    Heartbeat: SMALL_MESSAGE_BYTES,
    Metrics: SMALL_MESSAGE_BYTES,
    Report: LARGE_MESSAGE_BYTES,
    Submit: LARGE_MESSAGE_BYTES,
    HostPresence: SMALL_MESSAGE_BYTES,
    HostActual: LARGE_MESSAGE_BYTES,
    HostMetrics: SMALL_MESSAGE_BYTES,
}
"""What a peer may send us. The coordinator's own messages are bounded by what they are made of."""

_OF_AGENT: Final[dict[AgentChannel, type[FromAgent]]] = {
    AgentChannel.PRESENCE: Presence,
    AgentChannel.INFO: Info,
    AgentChannel.HEARTBEAT: Heartbeat,
    AgentChannel.METRICS: Metrics,
    AgentChannel.REPORT: Report,
}
_OF_INBOX: Final[dict[InboxChannel, type[Message]]] = {
    InboxChannel.DESIRED: Desired,
    InboxChannel.LEASE: Lease,
}
_OF_HOST: Final[dict[HostChannel, type[Message]]] = {
    HostChannel.PRESENCE: HostPresence,
    HostChannel.ACTUAL: HostActual,
    HostChannel.METRICS: HostMetrics,
    HostChannel.DESIRED: HostDesired,
}
_OF_COORDINATOR: Final[dict[CoordinatorChannel, type[Message]]] = {
    CoordinatorChannel.PRESENCE: CoordinatorPresence,
    CoordinatorChannel.SUMMARY: Summary,
    CoordinatorChannel.ROLLCALL: RollCall,
}

M = TypeVar("M", bound=Message)


def encode(message: Message) -> bytes:
    """Write *message* as UTF-8 JSON; what is absent is left out."""
    return message.__pydantic_serializer__.to_json(message, exclude_none=True)


def decode(model: type[M], payload: bytes) -> M:
    """Read a *model* from *payload*, or raise :class:`BadPayload`."""
    limit = MAX_BYTES.get(model)
    if limit is not None and len(payload) > limit:
        raise BadPayload(Reason.TOO_LARGE, f"{len(payload)} bytes, at most {limit}")
    document = parse_object(payload)
    try:
        message: M = model.__pydantic_validator__.validate_python(document)
    except ValidationError as error:
        raise _bad_field(error) from None
    return message


def decode_from(address: Address, payload: bytes) -> Message:
    """Read the message that belongs on *address*; an agent may only speak for itself."""
    if type(address) is AgentTopic:  # nearly always
        from_agent = decode(_OF_AGENT[address.channel], payload)
        _require_sender(address.agent, from_agent.agent)
        return from_agent
    message = decode(model_of(address), payload)
    match address:
        case RegistryTopic(agent=agent):
            _require_sender(agent, getattr(message, "agent", agent))
        case HostTopic(host=host):
            _require_sender(host, getattr(message, "host", host))
        case _:
            pass
    return message


def _require_sender(owner: str, said: str) -> None:
    if said != owner:
        raise BadPayload(Reason.WRONG_SENDER, f"{said!r} on the topic of {owner!r}")


def model_of(address: Address) -> type[Message]:
    """Say which message belongs on *address*."""
    match address:
        case AgentTopic(channel=channel):
            return _OF_AGENT[channel]
        case InboxTopic(channel=inbox_channel):
            return _OF_INBOX[inbox_channel]
        case HostTopic(channel=host_channel):
            return _OF_HOST[host_channel]
        case CoordinatorTopic(channel=own_channel):
            return _OF_COORDINATOR[own_channel]
        case RegistryTopic():
            return Registry
        case TaskTopic():
            return TaskView
        case EventsTopic():
            return FleetEvent
        case SubmitTopic():
            return Submit
        case ReplyTopic():
            return Reply


def _bad_field(error: ValidationError) -> BadPayload:
    first = error.errors(include_url=False, include_context=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    reason = Reason.BAD_VERSION if path == "v" else Reason.BAD_FIELD
    return BadPayload(reason, f"{path}: {first['msg']}, not {str(first['input'])[:60]!r}")
