"""A fleet seen by the judge of alerts, second by second, and what it said."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from coordinator.core.alerts.judge import Judged, judge
from coordinator.core.alerts.observation import AgentSeen, Happening, Observation
from coordinator.core.alerts.record import Alert, AlertState
from coordinator.core.alerts.rules import DEFAULTS, Rule
from coordinator.core.alerts.telling import Manner, Notice
from protocol.vocabulary import CoordinatorState

START_MS = 1_800_000_000_000
CALM = Observation(coordinator=CoordinatorState.ONLINE, agents=(), waiting=(), limits={})


@dataclass
class AlertWatch:
    """The judge with its memory; time moves only when the test says so."""

    rules: tuple[Rule, ...] = DEFAULTS
    repeat_ms: int = 3_600_000
    is_quiet: bool = False
    state: AlertState = field(default_factory=AlertState)
    now_ms: int = START_MS
    notices: list[tuple[int, Notice]] = field(default_factory=list)
    ever: dict[int, Alert] = field(default_factory=dict)
    """Every alert there was, as it was last."""

    def look(self, seen: Observation) -> Judged:
        """Look once, now."""
        manner = Manner(self.repeat_ms, self.is_quiet)
        judged = judge(self.state, seen, self.rules, self.now_ms, manner)
        self.state = judged.state
        self.notices += ((self.now_ms, notice) for notice in judged.notices)
        self.ever |= {alert.id: alert for alert in judged.changed}
        return judged

    def last(self, seconds: float, seen: Observation = CALM, *, step_s: float = 1.0) -> list[str]:
        """Let *seen* be so for *seconds*, and return what was told of it."""
        before = len(self.notices)
        end_ms = self.now_ms + int(seconds * 1000)
        while self.now_ms <= end_ms:
            self.look(seen)
            seen = replace(seen, failed=(), happenings=())
            self.now_ms += int(step_s * 1000)
        return [told(notice) for _, notice in self.notices[before:]]

    @property
    def open(self) -> list[str]:
        """What is so."""
        return [alert.text for alert in self.state.alerts.values() if alert.is_open]


def told(notice: Notice) -> str:
    """Write a message on one line."""
    return f"{notice.title}: {notice.body}"


def agents(names: Iterable[str], **how: Any) -> Observation:
    """See these agents, all in the same way."""
    seen = tuple(AgentSeen(name, **{"machine": "host-a", **how}) for name in names)
    return replace(CALM, agents=seen)


def happened(number: int, kind: str, text: str = "", **data: object) -> Observation:
    """See one new line of the fleet's story."""
    return replace(CALM, happenings=(Happening(number, START_MS, kind, None, text, data),))
