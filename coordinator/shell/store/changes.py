"""What goes into the store with one batch, and what comes out of it at a start."""

from dataclasses import dataclass, field
from typing import Any

from coordinator.shell.store.answered import Answered

Row = dict[str, Any]


@dataclass(slots=True)
class Changes:
    """The rows that one batch of decisions changed; the last word on a row counts."""

    tasks: list[Row] = field(default_factory=list)
    agents: list[Row] = field(default_factory=list)
    ledgers: list[Row] = field(default_factory=list)
    gone_ledgers: list[Row] = field(default_factory=list)
    """``of_agent`` and ``of_boot`` of each; a new one comes with them."""
    marks: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    replies: list[Row] = field(default_factory=list)
    plans: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(
            self.tasks
            or self.agents
            or self.ledgers
            or self.marks
            or self.attempts
            or self.replies
            or self.plans
            or self.events
        )


@dataclass(slots=True)
class Memory:
    """What a coordinator needs to know when it starts."""

    term: int
    last_event: int
    tasks: list[Row]
    """Records of all tasks that are not over, or not for long."""
    agents: list[Row]
    ledgers: list[tuple[str, str, Row]]
    marks: list[tuple[str, str, Row]]
    """Kind, key and record of the small things that survive."""
    tally: list[tuple[str, str, str, int]]
    """Status, priority, mode and the number of tasks ever stored with them."""
    answered: Answered = field(default_factory=lambda: Answered(None))
    """The requests whose answers are stored."""
    restored_ms: int | None = None
    """When the store was put back, if nobody has led it since for as long as a lease lasts."""
