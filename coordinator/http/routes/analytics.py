"""Routes about the past: figures, failures, files to take away, series, and the timeline."""

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response

from coordinator.core.series import Bucket, best_level
from coordinator.http import clock
from coordinator.http.auth.guard import Reader
from coordinator.http.errors import REFUSALS
from coordinator.http.problems import Refused
from coordinator.http.room import Room, RoomOf
from coordinator.http.schemas.analytics import (
    Analytics,
    FailureCell,
    Points,
    SeriesPage,
    Timeline,
)
from coordinator.http.schemas.base import Moment, instant, millis
from coordinator.http.views.timeline import bar_of, shades_of
from coordinator.shell.store.errors import StoreUnavailable
from coordinator.shell.store.runs import agents_between, runs_between
from protocol.messages.base import AgentName

router = APIRouter(tags=["analytics"], responses=REFUSALS)

DAY_MS: Final = 86_400_000
MOST_BARS: Final = 5_000
MOST_POINTS: Final = 1_000
LONGEST_TIMELINE_MS: Final = 31 * DAY_MS
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Days = Annotated[float, Query(gt=0, le=3660, description="How far to look back")]


@router.get("/analytics", operation_id="get_analytics", response_model=Analytics)
async def get_analytics(_who: Reader, room: RoomOf, days: Days = 7.0) -> Response:
    """Show what the fleet did: use, waits, failures, running time, and time without work.

    The answer is as of ``until``, which is some time ago if there is much to count: it is not
    counted again for everybody who looks.
    """
    return Response(await room.reports.get(days), media_type="application/json")


@router.get("/analytics/failures", operation_id="get_failures")
async def get_failures(_who: Reader, room: RoomOf, days: Days = 7.0) -> list[FailureCell]:
    """Count by agent and mode what succeeded or failed, the worst first."""
    document = await _report(room, days)
    return [FailureCell(**row) for row in document["failures"]]


@router.get(
    "/analytics/export.csv",
    operation_id="export_analytics",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_analytics(
    _who: Reader, room: RoomOf, days: Days = 7.0, group: Literal["agent", "mode"] = "agent"
) -> Response:
    """Return the figures by agent or by mode as a table for a spreadsheet."""
    document = await _report(room, days)
    rows = document["agents" if group == "agent" else "modes"]
    return Response(
        csv_of(rows, group, document["days"]),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="fleet-by-{group}.csv"'},
    )


@router.get("/agents/{name}/metrics", operation_id="get_agent_metrics")
async def get_agent_metrics(
    name: str,
    _who: Reader,
    room: RoomOf,
    since: Annotated[Moment | None, Query(description="[default: an hour ago]")] = None,
    until: Annotated[Moment | None, Query(description="[default: now]")] = None,
    names: Annotated[list[str] | None, Query(max_length=50)] = None,
) -> SeriesPage:
    """Return the numbers of one agent over time, in the finest resolution that is kept."""
    return await _series(room, name, names, millis(since), millis(until))


@router.get("/fleet/metrics", operation_id="get_fleet_metrics")
async def get_fleet_metrics(
    _who: Reader,
    room: RoomOf,
    since: Annotated[Moment | None, Query(description="[default: an hour ago]")] = None,
    until: Annotated[Moment | None, Query(description="[default: now]")] = None,
    names: Annotated[list[str] | None, Query(max_length=50)] = None,
) -> SeriesPage:
    """Return the fleet's figures over time: agents, tasks, limits in use, why agents idle."""
    return await _series(room, "", names, millis(since), millis(until))


@router.get("/timeline", operation_id="get_timeline")
async def get_timeline(
    _who: Reader,
    room: RoomOf,
    since: Annotated[Moment | None, Query(alias="from", description="[default: a day ago]")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="[default: now]")] = None,
    agent: Annotated[list[AgentName] | None, Query(max_length=200)] = None,
) -> Timeline:
    """Show attempts as bars, and the hours of the plan as shades, which may lie in the future.

    Of a large fleet, name the agents that are looked at: the newest 5,000 attempts are told.
    """
    now_ms = clock.wall_ms()
    until_ms = now_ms if until is None else millis(until) or now_ms
    from_ms = millis(since) if since is not None else min(until_ms, now_ms) - DAY_MS
    from_ms = from_ms or 0
    if not 0 < until_ms - from_ms <= LONGEST_TIMELINE_MS:
        raise Refused.bad("query.from", instant(from_ms), "before `to`, by at most 31 days")
    ended_ms = min(until_ms, now_ms)
    agents = list(dict.fromkeys(agent or ()))
    runs, worked, in_force = await asyncio.gather(
        room.reader.read(
            lambda lists: runs_between(
                *(lists.engine, from_ms, ended_ms),
                agents=agents,
                most=MOST_BARS,
                with_waits=False,
            )
        ),
        room.reader.read(lambda lists: agents_between(lists.engine, from_ms, ended_ms)),
        room.reader.plan(room.mirror.summary.plan_version if room.mirror.summary else None),
    )
    shades = shades_of(in_force.policy, agents, from_ms, until_ms)
    return Timeline.model_construct(
        from_=instant(from_ms),
        until=instant(until_ms),
        bars=[bar_of(run) for run in runs],
        shades=shades,
        agents=worked,
        is_cut_off=len(runs) >= MOST_BARS,
    )


def csv_of(rows: Sequence[Mapping[str, Any]], group: str, days: Sequence[str]) -> str:
    """Write figures as CSV. A text that a spreadsheet would take for a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out)
    plain = [
        name
        for name in (rows[0] if rows else {})
        if name not in {"key", "ran_per_day_s", "average_running", "utilisation"}
    ]
    own = "utilisation" if group == "agent" else "average_running"
    writer.writerow([group, own, *plain, *(f"ran_s {day}" for day in days)])
    for row in rows:
        figures = [row[own], *(row[name] for name in plain), *row["ran_per_day_s"]]
        writer.writerow([no_formula(str(row["key"])), *figures])
    return out.getvalue()


def no_formula(text: str) -> str:
    """Return *text* so that a spreadsheet shows it and does not compute it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


async def _report(room: Room, days: float) -> dict[str, Any]:
    return await room.reports.fresh(days)


async def _series(
    room: Room, subject: str, names: list[str] | None, since: int | None, until: int | None
) -> SeriesPage:
    now_s = clock.wall_ms() // 1000
    until_s = now_s if until is None else until // 1000
    since_s = until_s - 3600 if since is None else since // 1000
    if since_s >= until_s:
        raise Refused.bad("query.since", instant(since_s * 1000), "before `until`")
    watch = room.watch
    oldest_s = since_s + max(0, now_s - until_s)
    level = best_level(watch.recorder.levels, min(oldest_s, since_s), now_s, MOST_POINTS)
    try:
        found = await watch.in_thread(
            lambda: watch.history.series(subject, names, level.step_s, since_s, until_s + 1)
        )
    except StoreUnavailable as error:
        raise Refused(503, "store_unavailable", str(error)) from None
    series = [_points(name, buckets[-MOST_POINTS:]) for name, buckets in found.items()]
    return SeriesPage(subject=subject, step_s=level.step_s, series=series)


def _points(name: str, buckets: Sequence[Bucket]) -> Points:
    return Points.model_construct(
        name=name,
        at=[instant(bucket.at_s * 1000) for bucket in buckets],
        mean=[bucket.mean for bucket in buckets],
        low=[bucket.low for bucket in buckets],
        high=[bucket.high for bucket in buckets],
    )
