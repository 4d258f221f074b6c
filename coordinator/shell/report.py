"""The report on a span of time, as one JSON document that pages, files and tables show."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine

from coordinator.core.analytics import (
    Figures,
    Lost,
    Run,
    days_of,
    failures,
    figures,
)
from coordinator.core.civil import Period, local_time
from coordinator.core.series import DAY_S, Bucket, best_level, levels
from coordinator.shell.history.store import HistoryStore
from coordinator.shell.store.runs import MOST, first_event_ms, runs_between, slots_of_agents

IDLE: Final = "idle:"
"""Begins the names of the series that count agents without work, by the reason."""
NO_WORK: Final = "NO_WORK"
AT_WORK: Final = "AGENT_BUSY"
_HOUR_S: Final = 3600
_MOST_BUCKETS: Final = 2000

Document = dict[str, Any]


class Fleet(NamedTuple):
    """What a report has to know of the plan."""

    name: str
    zone: str = "UTC"
    day_start_min: int = 0
    metrics_kept_s: float = 7 * DAY_S


def report(
    engine: Engine, history: HistoryStore | None, fleet: Fleet, days: float, now_ms: int
) -> Document:
    """Report on the last *days*; where less is known, on as much as is."""
    asked_ms = now_ms - int(days * DAY_S * 1000)
    runs = runs_between(engine, asked_ms, now_ms)
    begins_ms = [run.offered_ms for run in runs]
    told_ms = first_event_ms(engine)
    known_ms = min([*begins_ms, now_ms if told_ms is None else told_ms])
    span = Period(min(max(asked_ms, known_ms), now_ms - 1), now_ms)
    civil = days_of(span, fleet.zone, fleet.day_start_min)
    slots = slots_of_agents(engine)
    by_agent = figures(runs, "agent", span, civil, slots)
    by_mode = figures(runs, "mode", span, civil, slots)
    return {
        "fleet_name": fleet.name,
        "timezone": fleet.zone,
        "from": instant(span.start_ms),
        "until": instant(span.end_ms),
        "days": [f"{local_time(fleet.zone, day.start_ms):%Y-%m-%d}" for day in civil],
        "is_cut_off": len(runs) >= MOST,
        "totals": _totals(by_mode, runs, span, slots),
        "agents": [_row(one) for one in by_agent],
        "modes": [_row(one) for one in by_mode],
        "failures": [one._asdict() for one in failures(runs, span)],
        "lost": _lost(history, fleet, span),
    }


def _totals(
    by_mode: Sequence[Figures], runs: Sequence[Run], span: Period, slots: Mapping[str, int]
) -> Document:
    whole = figures([run._replace(mode="") for run in runs], "mode", span, (), {})
    row = _row(whole[0]) if whole else _row(_nothing())
    row.pop("key"), row.pop("ran_per_day_s")
    places = sum(slots.values())
    row["utilisation"] = row["average_running"] / places if places else None
    row["agents"] = len(slots)
    row["modes"] = len(by_mode)
    return row


def _nothing() -> Figures:
    return Figures("", 0, 0, 0, 0, 0.0, None, None, None, None, None, ())


def _row(one: Figures) -> Document:
    row = asdict(one)
    for name in ("ran", "wait_p50", "wait_p95", "run_p50", "run_p95"):
        ms = row.pop(f"{name}_ms")
        row[f"{name}_s"] = None if ms is None else ms / 1000
    row["ran_per_day_s"] = [ms / 1000 for ms in row.pop("ran_per_day")]
    return {**row, "other": one.other, "failure_rate": one.failure_rate}


def _lost(history: HistoryStore | None, fleet: Fleet, span: Period) -> Document:
    """Add up the time of agents without work by reason, as far as somebody looked."""
    if history is None:
        return {"covered_s": 0, "reasons": []}
    since_s, until_s = span.start_ms // 1000, span.end_ms // 1000
    kept = levels(fleet.metrics_kept_s, history.count_series())
    level = best_level(kept, since_s, until_s, _MOST_BUCKETS)
    found = history.series("", None, level.step_s, since_s, until_s + 1)
    looks = found.get("agents_total", [])
    idle = {name.removeprefix(IDLE): buckets for name, buckets in found.items() if name[:5] == IDLE}
    reasons = [
        Lost(code, _agent_hours(buckets, level.step_s))
        for code, buckets in idle.items()
        if code != AT_WORK
    ]
    reasons.sort(key=lambda one: -one.agent_hours)
    return {
        "covered_s": min(len(looks) * level.step_s, until_s - since_s),
        "reasons": [one._asdict() for one in reasons if one.agent_hours > 0],
    }


def _agent_hours(buckets: Sequence[Bucket], step_s: int) -> float:
    return sum(bucket.mean for bucket in buckets) * step_s / _HOUR_S


def instant(ms: int) -> str:
    """Write an instant as the API does."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
