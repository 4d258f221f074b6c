"""The file that a plan is written in: looked at, judged and offered, never in force by itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from coordinator.core.events import Noted
from coordinator.plan.compile import compile_plan
from coordinator.plan.impact import impact
from coordinator.plan.load import examine_file
from coordinator.plan.schema import FleetPlan
from coordinator.plan.versions import REFUSED, Note, judge_file
from coordinator.shell.loop import Writer
from coordinator.shell.store.errors import StoreUnavailable

log = logging.getLogger("fleetbus.coordinator")

LOOK_EVERY_S: Final = 2.0
LISTED: Final = 200
"""How many entries of one list are told at once."""

Stamp = tuple[int, int, int] | None


class InForce(NamedTuple):
    """The plan in force, and its version."""

    version: int
    plan: FleetPlan


@dataclass(frozen=True, slots=True)
class PlanFile:
    """Watches one file; what it finds is told to the fleet."""

    writer: Writer
    file: Path
    current: Callable[[], Awaitable[InForce]]
    """Returns the plan in force."""

    async def watch(self) -> None:
        """Look at the file every now and then; read it once it has stopped changing."""
        seen = judged = await asyncio.to_thread(_stamp, self.file)
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = await asyncio.to_thread(_stamp, self.file)
            if now == seen != judged:
                try:
                    await self.look()
                except StoreUnavailable as error:
                    log.warning("%s is looked at later: %s", self.file, error)
                    continue
                judged = now
            seen = now

    async def look(self) -> None:
        """Read the file, and tell the fleet if it is wrong or differs from what is in force."""
        if not await asyncio.to_thread(self.file.is_file):
            return
        examined = await asyncio.to_thread(examine_file, self.file)
        in_force = await self.current()
        note = await asyncio.to_thread(
            judge_file, examined, str(self.file), in_force.plan, in_force.version
        )
        if note is not None and examined.plan is not None:
            policy = await asyncio.to_thread(compile_plan, examined.plan)
            effect = impact(self.writer.state, policy)
            more = effect.document()
            more["warnings"] = [*map(str, examined.problems), *more["warnings"]][:LISTED]
            note = note._replace(data={**note.data, **more})
        if note is not None:
            self.tell(note)

    def tell(self, note: Note) -> None:
        """Let the fleet know."""
        log.log(logging.ERROR if note.kind == REFUSED else logging.WARNING, "%s", note.text)
        self.writer.tell(Noted(note.kind, None, note.text, note.data))


def _stamp(file: Path) -> Stamp:
    """Return what changes whenever the file does; ``None`` if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
