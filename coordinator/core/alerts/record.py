"""What the judge of alerts remembers: what is so, what was told of it, and how often."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from coordinator.core.alerts.words import AlertSeverity, AlertWhen


class Key(NamedTuple):
    """What makes two alerts one: the rule, and the common cause."""

    rule: str
    cause: str
    """Such as a machine, a mode or a limit; empty if the kind itself is the cause."""


class Case(NamedTuple):
    """One thing that is so: an agent that is gone, a limit that is full."""

    when: AlertWhen
    cause: str
    subject: str
    text: str
    since_ms: int | None = None
    """Since when, if that is known; otherwise it is counted from when it was first seen."""
    until_ms: int | None = None
    """Of what happens and has no end: how long it counts as being so."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A case under one rule: since when it is so, and since when it is so no more."""

    case: Case
    since_ms: int
    clear_since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody has seen it and wants no reminder."""

    by: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, from when it was raised until it was told to be over."""

    id: int
    key: Key
    when: AlertWhen
    severity: AlertSeverity
    raised_ms: int
    subjects: tuple[str, ...]
    """Who or what it is about now; of one that is over, what it was about last."""
    text: str
    most: int = 1
    """The most subjects that it had at once."""
    resolved_ms: int | None = None
    acknowledged: Acknowledged | None = None
    told: int | None = None
    """How many subjects were told last; ``None`` if nobody has been told yet."""
    told_ms: int | None = None
    """When something of it was told last."""

    @property
    def is_open(self) -> bool:
        """Whether it is still so."""
        return self.resolved_ms is None


@dataclass(frozen=True, slots=True)
class ToldWhen:
    """When something was told within the last hour; it outlives the alerts themselves."""

    by_rule: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    by_key: Mapping[Key, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertState:
    """Everything that is remembered between two looks."""

    watched: Mapping[Key, Mapping[str, Watched]] = field(default_factory=dict)
    """By rule and cause, then by subject."""
    alerts: Mapping[Key, Alert] = field(default_factory=dict)
    """Those that are open, and those whose end could not be told yet."""
    told: ToldWhen = ToldWhen()
    next_id: int = 1
    last_event: int = 0
    """The newest line of the fleet's story that was judged."""
