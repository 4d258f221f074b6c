"""Reads what an agent should hold: most of it is what the message before has said."""

from typing import Any

from agent_client.messages import codec
from agent_client.messages.heard import Assignment, Desired
from protocol.strict_json import parse_object


class DesiredReader:
    """Reads one :class:`Desired` after the other; an assignment that has not changed is kept.

    Every message lists all that the agent should hold, and mostly one task of it is new.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[dict[str, Any], Assignment]] = {}
        """Task to its assignment, as it was written and as it was read."""

    def read(self, payload: bytes) -> Desired:
        """Read a :class:`Desired` from *payload*, or raise :class:`~protocol.errors.BadPayload`."""
        document = parse_object(payload)
        written = document.get("tasks")
        if type(written) is not list:
            return codec.read(Desired, document)
        document["tasks"] = [self._reread(member) for member in written]
        desired = codec.read(Desired, document)
        self._known = {
            assignment.task: (member, assignment)
            for member, assignment in zip(written, desired.tasks, strict=True)
        }
        return desired

    def _reread(self, written: Any) -> Any:  # noqa: ANN401 -- JSON that nobody has looked at
        task = written.get("task") if type(written) is dict else None
        known = self._known.get(task) if type(task) is str else None
        return known[1] if known is not None and known[0] == written else written
