"""What requests refer to and only the store knows.

That is the answers that repeated requests got, and tasks that were over long ago. The core decides
with both in hand; it never asks the store itself.
"""

from typing import NamedTuple

from coordinator.core.events import Event, Submitted
from coordinator.core.records import task_from
from coordinator.core.state import State
from coordinator.shell.store import Answered, Row, Store
from protocol.messages import Reply
from protocol.vocabulary import SubmitOp


class Unknown(NamedTuple):
    """What is to be looked up before some events can be decided."""

    requests: list[tuple[str, str]]
    """By client and id."""
    tasks: set[str]

    def look_up(self, store: Store) -> "Found":
        """Ask *store*, in its thread."""
        return Found(
            store.known_replies(self.requests) if self.requests else {},
            store.past_tasks(self.tasks) if self.tasks else [],
        )


class Found(NamedTuple):
    """What the store knew."""

    replies: dict[tuple[str, str], Reply]
    records: list[Row]

    def add_to(self, events: list[Event]) -> None:
        """Give every request in *events* what the store knew."""
        if not self.replies and not self.records:
            return
        past = tuple(task_from(record) for record in self.records)
        for n, event in enumerate(events):
            if isinstance(event, Submitted):
                earlier = self.replies.get((event.client, event.request.request_id))
                events[n] = event._replace(earlier=earlier, past=past)


def unknown(events: list[Event], state: State, answered: Answered) -> Unknown | None:
    """Return what the requests in *events* refer to that *state* does not hold, if anything.

    *answered* tells the requests whose answers the store may have.
    """
    asked = [event for event in events if isinstance(event, Submitted)]
    if not asked:
        return None
    requests = [
        key
        for event in asked
        if (key := (event.client, event.request.request_id)) not in state.answered
        and answered.may_hold(key)
    ]
    # Not by subtracting the keys: that would go through all tasks for each request.
    known = state.tasks
    tasks = {name for event in asked for name in _names_of(event) if name not in known}
    return Unknown(requests, tasks) if requests or tasks else None


def _names_of(event: Submitted) -> set[str]:
    """Name the tasks that a request refers to."""
    request = event.request
    named = {request.task} if request.task is not None else set()
    if request.op is SubmitOp.ACT_ON_MANY:
        named.update(request.tasks)
    specs = request.specs if request.spec is None else (request.spec, *request.specs)
    return named.union(*(spec.depends_on for spec in specs))
