"""Looking after the store while the fleet works: copies, history, the log's size, the lead.

Nothing here decides about the fleet, and nothing here may harm it: what fails is told, and tried
again later, unless another coordinator leads. Only short pieces of work go to the writer's thread,
between its batches; a copy is made in a thread of its own.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from coordinator.core.events import Noted
from coordinator.plan.load import parse
from coordinator.plan.schema import FleetPlan
from coordinator.shell.backups import (
    FOLDER,
    BackupFailed,
    back_up,
    copies_in,
    made_ms,
    name_at,
    rotate,
)
from coordinator.shell.loop import Writer
from coordinator.shell.retention import Forgotten, forget
from coordinator.shell.store import Store, TermEnded
from coordinator.shell.store.engine import FILE_NAME
from protocol.errors import FleetBusError
from protocol.vocabulary import CoordinatorState

log = logging.getLogger("fleetbus.upkeep")

EVERY_S: Final = 1.0
FORGET_EVERY_MS: Final = 60_000
BACKUP_AGAIN_MS: Final = 600_000
"""After a failure, if the plan's interval is not shorter."""
LARGE_LOG: Final = 64 * 1024 * 1024
IDLE_LOG: Final = 1024 * 1024

T = TypeVar("T")


@dataclass(slots=True)
class Upkeep:
    """Keeps one coordinator's store in order; see :meth:`run`."""

    writer: Writer
    store: Store
    data: Path
    plan: FleetPlan
    """The plan in force, looked up anew when its version has changed."""
    was_restored: bool = False
    _plan_version: int = field(init=False)
    _forget_at_ms: int = 0
    _backup_at_ms: int = 0
    _commits: int = 0
    _log_is_large: bool = False
    _complained: str = ""

    def __post_init__(self) -> None:
        self._plan_version = self.writer.state.plan_version

    async def run(self) -> None:
        """Do what is due every second, until cancelled. Raises :class:`TermEnded`."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.run_once()
            except TermEnded:
                raise
            except (FleetBusError, OSError) as error:
                self._complain(str(error))
            else:
                self._complained = ""

    async def run_once(self) -> None:
        """Do what is due now. Raises what the store or the disk raises."""
        if self.writer.storing.outage is not None:
            return
        if self.store.lock_can_be_lost:
            await self._in_between(self.store.confirm)
        await self._learn_plan()
        await self._in_between(self.store.note_commits)
        if self.was_restored and self.writer.state.phase is CoordinatorState.ONLINE:
            await self._in_between(self.store.forget_restoration)
            self.was_restored = False
        await self._forget_history()
        if not self.store.lock_can_be_lost:  # what follows is about the SQLite file
            await self._watch_log()
            await self._back_up()

    async def _learn_plan(self) -> None:
        version = self.writer.state.plan_version
        if version != self._plan_version:
            stored = await self._in_between(lambda: self.store.archive.plan(version))
            if stored is not None:
                self.plan = await asyncio.to_thread(parse, stored.document, f"version {version}")
            self._plan_version = version

    async def _forget_history(self) -> None:
        now = self.writer.clock.now()
        if now.mono_ms < self._forget_at_ms:
            return
        keep = self.plan.retention

        def some() -> Forgotten:
            return self.store.maintain(lambda connection: forget(connection, keep, now.wall_ms))

        forgotten = await self._in_between(some)
        # While there is more, every second a little; then a minute's rest.
        self._forget_at_ms = now.mono_ms + (FORGET_EVERY_MS if forgotten.is_all else 0)

    async def _watch_log(self) -> None:
        size = _size(self.data / f"{FILE_NAME}-wal")
        is_idle, self._commits = self.store.commits == self._commits, self.store.commits
        if size > IDLE_LOG and (is_idle or size > LARGE_LOG):
            await self._in_between(self.store.tidy)
            size = _size(self.data / f"{FILE_NAME}-wal")
        if size > LARGE_LOG and not self._log_is_large:
            text = (
                f"the log of the store has {size >> 20} MiB and cannot be emptied; "
                "something has been reading the store for long"
            )
            log.warning("%s", text)
            self._tell("store_log_large", text, bytes=size)
        self._log_is_large = size > LARGE_LOG

    async def _back_up(self) -> None:
        now = self.writer.clock.now()
        interval_ms = int(self.plan.backup.interval * 1000)
        newest = next(iter(copies_in(self.data, now.wall_ms)), None)
        is_recent = newest is not None and 0 <= now.wall_ms - made_ms(newest) < interval_ms
        if is_recent or now.mono_ms < self._backup_at_ms:
            return
        to = self.data / FOLDER / name_at(now.wall_ms)
        try:
            size = await asyncio.to_thread(back_up, self.data, to)
            await asyncio.to_thread(rotate, self.data, self.plan.backup.keep, now.wall_ms)
        except (BackupFailed, OSError) as error:
            self._backup_at_ms = now.mono_ms + min(interval_ms, BACKUP_AGAIN_MS)
            log.warning("%s", error)
            self._tell("backup_failed", str(error))
        else:
            took_s = (self.writer.clock.now().mono_ms - now.mono_ms) / 1000
            self._tell("backup_made", f"{to.name}, {size} bytes", bytes=size, seconds=took_s)

    async def _in_between(self, work: Callable[[], T]) -> T:
        return await self.writer.after_commits(work)

    def _tell(self, kind: str, text: str, **data: object) -> None:
        self.writer.tell(Noted(kind, None, text, data))

    def _complain(self, text: str) -> None:
        """Say what is wrong once, not every second."""
        if text != self._complained:
            log.warning("upkeep of the store: %s", text)
        self._complained = text


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
