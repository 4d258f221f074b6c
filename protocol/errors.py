"""What can be wrong with something a peer sent.

- WireError          a peer sent something we cannot read: drop it, count it, carry on
    - BadName        an agent, task or client name outside the grammar
    - BadTopic       a topic outside the grammar
    - BadPayload     a payload that is no message of this protocol, with the :class:`Reason`

A ``WireError`` is the peer's fault and never stops anything of ours.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a payload was dropped; the name under which it is counted."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    BAD_NUMBER = "bad_number"
    BAD_TEXT = "bad_text"
    BAD_VERSION = "bad_version"
    BAD_FIELD = "bad_field"
    WRONG_SENDER = "wrong_sender"


class FleetBusError(Exception):
    """The root of every error that this project raises on purpose."""


class WireError(FleetBusError):
    """A peer sent something that we cannot read."""


class BadName(WireError):
    """A name that could not stand in a topic or in an access rule."""

    def __init__(self, kind: str, name: object, rule: str) -> None:
        super().__init__(f"not a valid {kind} name: {str(name)[:80]!r} ({rule})")


class BadTopic(WireError):
    """A topic that is not one of this bus."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"not a topic of this bus: {topic[:200]!r}")
        self.topic = topic


class BadPayload(WireError):
    """A payload that is no message of this protocol; ``reason`` is what it is counted under."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail[:200]}")
        self.reason = reason
