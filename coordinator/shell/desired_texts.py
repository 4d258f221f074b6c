"""What each agent was told last, as it was said: the same ``rev`` is the same bytes.

An assignment is encoded once for as long as it stays as it is, so an agent that holds many tasks
costs no more than what changes of them.
"""

from dataclasses import dataclass, field

from coordinator.core.agents import DesiredState
from coordinator.core.instant import Instant
from coordinator.shell.outgoing import Said, Speaker
from protocol.codec import encode
from protocol.messages import Assignment


@dataclass(slots=True)
class _Told:
    """The newest ``desired`` of one agent."""

    rev: int
    said: Said
    texts: dict[str, tuple[Assignment, bytes]]
    """Task to its assignment and how that is written."""


@dataclass(slots=True)
class DesiredTexts:
    """Renders what agents should hold."""

    speaker: Speaker
    _told: dict[str, _Told] = field(default_factory=dict)

    def render(self, desired: DesiredState, now: Instant) -> Said:
        """Render *desired*, or return what was said of this ``rev`` before."""
        known = self._told.get(desired.agent)
        if known is not None and known.rev == desired.rev:
            return known.said
        before = {} if known is None else known.texts
        texts = {}
        for assignment in desired.tasks:
            earlier = before.get(assignment.task)
            if earlier is None or earlier[0] is not assignment:
                earlier = assignment, encode(assignment)
            texts[assignment.task] = earlier
        said = self.speaker.desired(desired, [text for _, text in texts.values()], now)
        self._told[desired.agent] = _Told(desired.rev, said, texts)
        return said

    def forget(self, agent: str) -> None:
        """Let go of what was said to *agent*, who is forgotten."""
        self._told.pop(agent, None)
