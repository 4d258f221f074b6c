"""Since when something is so: what begins, what lasts, and what is over for good.

A case that vanishes counts as being so until it has stayed away for :data:`CALM_MS`; so what
trembles at its threshold is one alert and not twenty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from coordinator.core.alerts.conditions import Conditions
from coordinator.core.alerts.record import Alert, Case, Key, Watched
from coordinator.core.alerts.rules import MINUTE_MS, Rule

CALM_MS: Final = MINUTE_MS
MOST_SUBJECTS: Final = 1000
"""Of one alert; more of them say nothing more."""

_Subject = tuple[str, str]


def watch(
    before: Mapping[Key, Mapping[str, Watched]],
    alerts: Mapping[Key, Alert],
    rule: Rule,
    found: Conditions,
    cases: Iterable[Case],
    now_ms: int,
) -> dict[Key, dict[str, Watched]]:
    """Return what *rule* has to watch now; *cases* are those of its kind in *found*."""
    present: dict[_Subject, Case] = {(case.cause, case.subject): case for case in cases}
    watched: dict[Key, dict[str, Watched]] = {}
    for key, subjects in before.items():
        if key.rule != rule.name:
            continue
        alert = alerts.get(key)
        raised = frozenset(alert.subjects) if alert is not None and alert.is_open else frozenset()
        kept = watched.setdefault(key, {})
        for subject, known in subjects.items():
            if subject in found.silenced:
                continue
            case = present.pop((key.cause, subject), None)
            still = _still(known, case, found, now_ms, is_raised=subject in raised)
            if still is not None:
                kept[subject] = still
    for case in _new(present.values(), found):
        kept = watched.setdefault(Key(rule.name, case.cause), {})
        if len(kept) < MOST_SUBJECTS:
            since_ms = now_ms if case.since_ms is None else min(case.since_ms, now_ms)
            kept[case.subject] = Watched(case, since_ms)
    return {key: kept for key, kept in watched.items() if kept}


def _new(cases: Iterable[Case], found: Conditions) -> Iterable[Case]:
    return (case for case in cases if case.subject not in found.silenced)


def _still(
    known: Watched, case: Case | None, found: Conditions, now_ms: int, *, is_raised: bool
) -> Watched | None:
    """Return *known* as it is now, or ``None`` if it is over."""
    if case is not None:
        since_ms = known.since_ms if case.since_ms is None else min(case.since_ms, now_ms)
        return Watched(case, since_ms)
    if known.case.until_ms is not None:
        is_over = known.case.until_ms <= now_ms or known.case.when in found.ended
        return None if is_over else known
    if known.case.when not in found.judged:
        return known
    if not is_raised:
        return None
    if known.clear_since_ms is None or known.clear_since_ms > now_ms:
        return replace(known, clear_since_ms=now_ms)
    return None if now_ms - known.clear_since_ms >= CALM_MS else known
