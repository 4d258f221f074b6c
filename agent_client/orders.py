"""What the bot asks of its own agent, from any thread."""

from dataclasses import dataclass

from protocol.vocabulary import PresenceState


@dataclass(frozen=True, slots=True)
class ModeSet:
    """The bot says in which mode it is."""

    mode: str | None


@dataclass(frozen=True, slots=True)
class StatusSet:
    """The bot says whether it takes new work, and why not."""

    state: PresenceState
    reason: str | None


@dataclass(frozen=True, slots=True)
class ErrorNoted:
    """The bot says what went wrong."""

    message: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Somebody wants the agent to go; handlers may finish for ``patience_ms``."""

    patience_ms: int
    reason: str
