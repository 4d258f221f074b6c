"""What alerts say: one sentence for a person who sees it on a phone."""

from collections.abc import Sequence
from typing import Final

from coordinator.core.alerts.record import Alert, Case
from coordinator.core.alerts.words import AlertWhen

NAMED: Final = 5
"""How many of many are named."""

_MANY: Final = {
    AlertWhen.AGENT_OFFLINE: "agents are lost",
    AlertWhen.AGENT_UNHEALTHY: "agents are unwell",
    AlertWhen.AGENT_CONFLICT: "agents are in conflict",
    AlertWhen.TASK_FAILED: "tasks failed",
}
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


def summary_of(when: AlertWhen, cause: str, cases: Sequence[Case]) -> str:
    """Say in one sentence what is so."""
    if len(cases) == 1 or when not in _MANY:
        return "; ".join(dict.fromkeys(case.text for case in cases[:NAMED]))
    texts = {case.text for case in cases}
    if len(texts) == 1:
        return cases[0].text
    of = f" ({cause})" if cause else ""
    names = ", ".join(case.subject for case in cases[:NAMED])
    more = f" and {len(cases) - NAMED} more" if len(cases) > NAMED else ""
    return f"{len(cases)} {_MANY[when]}{of}: {names}{more}"


def line_of(alert: Alert, now_ms: int) -> str:
    """Say of one alert what is, or was, so, and for how long."""
    if alert.resolved_ms is not None:
        return f"over after {lasting(alert.resolved_ms - alert.raised_ms)}: {alert.text}"
    for_ms = now_ms - alert.raised_ms
    return alert.text if for_ms < 60_000 else f"{alert.text} (for {lasting(for_ms)})"  # noqa: PLR2004 -- a minute


def lasting(milliseconds: int) -> str:
    """Write a duration in its largest unit: ``40 s``, ``12 min``, ``3 h``."""
    for unit_ms, name in _UNITS:
        if milliseconds >= unit_ms:
            return f"{milliseconds // unit_ms} {name}"
    return "0 s"
