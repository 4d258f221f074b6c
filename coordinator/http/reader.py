"""What is stored, for whoever asks over HTTP: read in threads, in one committed moment each.

The store is opened when it is first asked about, since the coordinator may not have made it yet.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from coordinator.core.policy import Policy
from coordinator.http import clock
from coordinator.http.problems import Refused
from coordinator.http.schemas.base import Page, instant
from coordinator.http.schemas.fleet import Event, Schedule
from coordinator.http.schemas.tasks import AttemptRow, Story
from coordinator.http.views.cursors import read_cursor, write_cursor
from coordinator.plan.compile import compile_plan
from coordinator.plan.load import parse
from coordinator.plan.schema import FleetPlan
from coordinator.plan.versions import StoredPlan
from coordinator.shell.store.archive import Archive
from coordinator.shell.store.errors import StoreError
from coordinator.shell.store.lists import EventsWanted, Lists, Wanted

T = TypeVar("T")

COUNTED_FOR_S: Final = 1.0
THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class PlanInForce:
    """The newest stored plan."""

    stored: StoredPlan
    plan: FleetPlan
    policy: Policy


@dataclass(slots=True)
class Reader:
    """Reads the store of the data directory, or the one at ``url``."""

    data: Path
    url: str | None = None
    _archive: Archive | None = None
    _plan: PlanInForce | None = None
    _counts: dict[Wanted, tuple[float, int]] = field(default_factory=dict)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="reader")
    )

    async def read(self, question: Callable[[Lists], T]) -> T:
        """Return the answer to *question*; raise :class:`Refused` while the store is away."""
        return await self._in_thread(lambda: question(Lists(self._open().engine)))

    async def is_readable(self) -> str | None:
        """Say why the store cannot be read; ``None`` if it can."""
        try:
            await self.read(lambda lists: lists.marks(()))
        except Refused as refused:
            return refused.detail
        return None

    async def count(self, wanted: Wanted) -> int:
        """Count tasks; a count is good for a second."""
        known = self._counts.get(wanted)
        if known is not None and clock.mono_s() - known[0] < COUNTED_FOR_S:
            return known[1]
        count = await self.read(lambda lists: lists.count(wanted))
        if len(self._counts) > 1000:  # noqa: PLR2004 -- bounds what strangers can fill
            self._counts.clear()
        self._counts[wanted] = (clock.mono_s(), count)
        return count

    async def plan(self, version: int | None = None) -> PlanInForce:
        """Return the plan in force; *version* is what the summary says it is, if that is known."""
        known = self._plan
        if known is not None and known.stored.version == version:
            return known
        self._plan = await self._in_thread(self._read_plan)
        return self._plan

    async def story(self, task: str) -> Story | None:
        """Tell what happened to *task*."""
        attempts, events = await self.read(lambda lists: lists.story(task))
        if not (attempts or events):
            records = await self.read(lambda lists: lists.records([task]))
            if not records:
                return None
        return Story(
            task=task,
            attempts=[
                AttemptRow(
                    fence=row["fence"],
                    agent=row["agent"],
                    outcome=row["outcome"],
                    offered_at=instant(row["offered_ms"]) or "",
                    started_at=instant(row["started_ms"]),
                    ended_at=instant(row["ended_ms"]),
                    ran_s=row["ran_ms"] / 1000,
                )
                for row in attempts
            ],
            events=[event_of(row).model_dump() for row in events],
        )

    async def events(self, wanted: EventsWanted, *, limit: int, cursor: str | None) -> Page[Event]:
        """List the fleet's story, newest first."""
        before = None
        if cursor is not None:
            (before,) = read_cursor(cursor, "events", 1)
            if not isinstance(before, int):
                raise Refused.bad("query.cursor", cursor, "a next_cursor that this list gave")
        rows = await self.read(lambda lists: lists.events(wanted, before, limit))
        total = await self.read(lambda lists: lists.count_events(wanted))
        more = len(rows) == limit
        return Page[Event](
            items=[event_of(row) for row in rows],
            next_cursor=write_cursor("events", [rows[-1]["number"]]) if more else None,
            total=total,
        )

    async def schedules(self) -> list[Schedule]:
        """List the recurring tasks of the plan, and how far each has come."""
        plan = await self.plan()
        marks = await self.read(lambda lists: lists.marks(["schedule"]))
        progress = {key: record for _, key, record in marks}
        rhythms = {one.name: one.rhythm for one in plan.policy.schedules}
        now_ms = clock.wall_ms()
        return [
            Schedule(
                name=one.name,
                definition=one.model_dump(mode="json", exclude_unset=True),
                runs_made=progress.get(one.name, {}).get("created"),
                last_planned_for=instant(progress.get(one.name, {}).get("last_ms")),
                next_at=instant(rhythms[one.name].next_after(now_ms))
                if one.name in rhythms
                else None,
                paused=progress.get(one.name, {}).get("pause") is not None or not one.enabled,
            )
            for one in plan.plan.schedules
        ]

    def close(self) -> None:
        """Close the store."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._archive is not None:
            self._archive.close()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except StoreError as error:
            raise Refused(503, "store_unavailable", str(error)) from None

    def _open(self) -> Archive:
        if self._archive is None:
            url = self.url
            archive = Archive.in_directory(self.data) if url is None else Archive.at(url)
            if archive is None:
                raise StoreError("there is no store yet; the coordinator makes it when it starts")
            self._archive = archive
        return self._archive

    def _read_plan(self) -> PlanInForce:
        stored = next(self._open().plans(), None)
        if stored is None:
            raise StoreError("no plan is stored yet; the coordinator stores it when it starts")
        plan = parse(stored.document, f"version {stored.version}")
        return PlanInForce(stored, plan, compile_plan(plan))


def event_of(row: dict[str, Any]) -> Event:
    """Show one stored event."""
    return Event(
        number=row["number"],
        at=instant(row["at_ms"]) or "",
        kind=row["kind"],
        subject=row["subject"],
        text=row["text"],
        data=row["data"],
    )
