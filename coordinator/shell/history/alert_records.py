"""Alerts, and what their judge remembers, as plain records and back."""

from dataclasses import asdict
from typing import Any

from coordinator.core.alerts.record import (
    Acknowledged,
    Alert,
    AlertState,
    Case,
    Key,
    ToldWhen,
    Watched,
)
from coordinator.core.alerts.words import AlertSeverity, AlertWhen

Record = dict[str, Any]


def alert_record(alert: Alert) -> Record:
    """Write down one alert."""
    record = asdict(alert)
    record["key"] = list(alert.key)
    record["when"], record["severity"] = alert.when.value, alert.severity.value
    record["subjects"] = list(alert.subjects)
    return record


def alert_from(record: Record) -> Alert:
    """Read one alert back."""
    seen = record["acknowledged"]
    fields = {
        **record,
        "key": Key(*record["key"]),
        "when": AlertWhen(record["when"]),
        "severity": AlertSeverity(record["severity"]),
        "subjects": tuple(record["subjects"]),
        "acknowledged": None if seen is None else Acknowledged(**seen),
    }
    return Alert(**fields)


def state_record(state: AlertState) -> Record:
    """Write down what the judge remembers."""
    return {
        "watched": [
            [*key, [[*watched.case, watched.since_ms, watched.clear_since_ms]]]
            for key, cases in state.watched.items()
            for watched in cases.values()
        ],
        "alerts": [alert_record(alert) for alert in state.alerts.values()],
        "told_by_rule": {rule: list(times) for rule, times in state.told.by_rule.items()},
        "told_by_key": [[*key, list(times)] for key, times in state.told.by_key.items()],
        "next_id": state.next_id,
        "last_event": state.last_event,
    }


def state_from(record: Record) -> AlertState:
    """Read back what the judge remembered."""
    watched: dict[Key, dict[str, Watched]] = {}
    for rule, cause, cases in record["watched"]:
        for when, *case, since_ms, clear_since_ms in cases:
            known = Case(AlertWhen(when), *case)
            kept = watched.setdefault(Key(rule, cause), {})
            kept[known.subject] = Watched(known, since_ms, clear_since_ms)
    alerts = [alert_from(alert) for alert in record["alerts"]]
    return AlertState(
        watched=watched,
        alerts={alert.key: alert for alert in alerts},
        told=ToldWhen(
            {rule: tuple(times) for rule, times in record["told_by_rule"].items()},
            {Key(rule, cause): tuple(times) for rule, cause, times in record["told_by_key"]},
        ),
        next_id=record["next_id"],
        last_event=record["last_event"],
    )
