"""The judge of alerts: a pure function of what is remembered, what is seen, and the time.

Once a look it says which alerts there are and what is to be told of them. It may be asked as often
as one likes; what it says depends on what is so and for how long, not on how often it was asked.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from coordinator.core.alerts.conditions import conditions_of
from coordinator.core.alerts.observation import Observation
from coordinator.core.alerts.record import Acknowledged, Alert, AlertState, Case, Key, Watched
from coordinator.core.alerts.rules import HOUR_MS, Rule
from coordinator.core.alerts.telling import Manner, Notice, tell
from coordinator.core.alerts.watching import watch
from coordinator.core.alerts.wording import summary_of
from coordinator.core.alerts.words import AlertWhen


class Judged(NamedTuple):
    """What came of one look."""

    state: AlertState
    changed: tuple[Alert, ...]
    """Alerts that are new or not as they were, also those that are over and told."""
    notices: tuple[Notice, ...]


_PLAIN = Manner(repeat_ms=HOUR_MS)


def judge(
    state: AlertState,
    seen: Observation,
    rules: tuple[Rule, ...],
    now_ms: int,
    manner: Manner = _PLAIN,
) -> Judged:
    """Judge what is *seen* at *now_ms* (wall clock) by *rules*; each has a name of its own."""
    news = tuple(h for h in seen.happenings if h.number > state.last_event)
    found = conditions_of(replace(seen, happenings=news), now_ms)
    watched: dict[Key, Mapping[str, Watched]] = {}
    alerts: dict[Key, Alert] = {}
    next_id = state.next_id
    cases: defaultdict[AlertWhen, list[Case]] = defaultdict(list)
    for case in found.cases:
        cases[case.when].append(case)
    for rule in rules:
        own = cases[rule.when]
        watched.update(watch(state.watched, state.alerts, rule, found, own, now_ms))
    by_name = {rule.name: rule for rule in rules}
    for key in {**state.alerts, **watched}:
        its_rule, before = by_name.get(key.rule), state.alerts.get(key)
        now = None
        if its_rule is not None:
            now = _alert(its_rule, key, watched.get(key, {}), before, next_id, now_ms)
        if now is not None:
            alerts[key] = now
            next_id += before is None
        elif before is not None:
            silenced = found.silenced if its_rule is not None else frozenset(before.subjects)
            alerts[key] = _over(before, state.watched.get(key, {}), silenced, now_ms)
    told = tell(alerts, state.told, by_name, now_ms, manner)
    after = AlertState(
        watched=watched,
        alerts={key: alert for key, alert in told.alerts.items() if _is_kept(alert)},
        told=told.when,
        next_id=next_id,
        last_event=max([state.last_event, *(h.number for h in news)]),
    )
    changed = tuple(alert for key, alert in told.alerts.items() if alert != state.alerts.get(key))
    return Judged(after, changed, told.notices)


def acknowledge(state: AlertState, alert_id: int, by: str, now_ms: int) -> AlertState:
    """Let an open alert be repeated no more; ``KeyError`` if there is no such alert."""
    for key, alert in state.alerts.items():
        if alert.id == alert_id and alert.is_open:
            seen = (
                alert
                if alert.acknowledged
                else replace(alert, acknowledged=Acknowledged(by, now_ms))
            )
            return replace(state, alerts={**state.alerts, key: seen})
    raise KeyError(alert_id)


def _is_kept(alert: Alert) -> bool:
    """Say whether an alert is open, or its end is still to be told."""
    return alert.is_open or alert.told is not None


def _over(
    before: Alert, cases: Mapping[str, Watched], silenced: frozenset[str], now_ms: int
) -> Alert:
    """Return an alert that is over. Of those who are silenced nobody is told even that."""
    left = [case for subject, case in cases.items() if subject not in silenced]
    over = replace(before, resolved_ms=before.resolved_ms or now_ms)
    if silenced.isdisjoint(before.subjects):
        return over
    subjects = tuple(name for name in before.subjects if name not in silenced)
    if not subjects or not left:
        return replace(over, told=None)
    text = summary_of(before.when, before.key.cause, [watched.case for watched in left])
    return replace(over, subjects=subjects, text=text)


def _alert(
    rule: Rule,
    key: Key,
    cases: Mapping[str, Watched],
    before: Alert | None,
    next_id: int,
    now_ms: int,
) -> Alert | None:
    """Return the alert that *cases* make; ``None`` if they make none (any more)."""
    is_open = before is not None and before.is_open
    raised = frozenset(before.subjects) if before is not None and is_open else frozenset()
    ripe = {
        subject: case
        for subject, case in cases.items()
        # What was raised stays so until it is clear, also when the clock is set back.
        if subject in raised or now_ms - case.since_ms >= rule.after_ms
    }
    if not ripe:
        return None
    subjects = tuple(ripe)
    text = summary_of(rule.when, key.cause, [watched.case for watched in ripe.values()])
    if before is None:
        return Alert(
            next_id, key, rule.when, rule.severity, now_ms, subjects, text, most=len(subjects)
        )
    return replace(
        before,
        severity=rule.severity,
        subjects=subjects,
        text=text,
        most=max(before.most, len(subjects)),
        resolved_ms=None,
    )
