"""Reports on spans of time, counted seldom and told to everybody who asks.

To count what a busy fleet did in a week takes a second, during which the control room would answer
nobody quickly. So a report is kept for a while, the longer the more it cost, and told as it is
while it is counted again. What is counted in an instant is told as of now. While somebody watches,
the usual ones are counted before they are asked for.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from coordinator.http import clock
from coordinator.http.problems import Refused
from coordinator.http.reader import Reader
from coordinator.http.schemas.analytics import Analytics
from coordinator.shell.history.store import HistoryStore
from coordinator.shell.report import Fleet, report

log = logging.getLogger("fleetbus.web")

USUAL_DAYS: Final = (7.0, 1.0, 30.0)
"""What the page offers, the first one first."""
SHARE: Final = 0.05
"""Of the time, at most this much is spent on counting a report anew."""
QUICK_S: Final = 0.05
"""Who asks waits so long rather than be told what is not of now."""
AHEAD_EVERY_S: Final = 30.0
FORGOTTEN_AFTER_S: Final = 3600.0
KEPT: Final = 32


@dataclass(frozen=True, slots=True)
class Kept:
    """One report as it is told, when it was counted, and how long that took."""

    text: bytes
    at_s: float
    took_s: float

    def is_good(self, now_s: float) -> bool:
        """Say whether it is too soon to count again."""
        return now_s - self.at_s <= self.took_s / SHARE


@dataclass(slots=True)
class Reports:
    """The newest report on each span; see :meth:`get`. One event loop uses it."""

    reader: Reader
    history: Callable[[], HistoryStore | None]
    is_watched: Callable[[], bool]
    """Whether anybody looks at a page."""
    kept: dict[float, Kept] = field(default_factory=dict)
    _counting: dict[float, "asyncio.Task[Kept]"] = field(default_factory=dict)

    async def get(self, days: float) -> bytes:
        """Return the report on the last *days* as JSON; raise :class:`Refused` if there is none."""
        known, now_s = self.kept.get(days), clock.mono_s()
        if known is not None and known.is_good(now_s):
            return known.text
        counting = self._count(days)
        if known is None or known.took_s <= QUICK_S or now_s - known.at_s > FORGOTTEN_AFTER_S:
            return (await asyncio.shield(counting)).text
        return known.text

    async def fresh(self, days: float) -> dict[str, Any]:
        """Count a report now, for a file to be taken away."""
        plan = await self.reader.plan()
        fleet = Fleet(
            plan.plan.fleet_name,
            plan.policy.zone,
            plan.policy.day_start_min,
            float(plan.plan.retention.metrics),
        )
        history, now_ms = self.history(), clock.wall_ms()
        return await self.reader.read(
            lambda lists: report(lists.engine, history, fleet, days, now_ms)
        )

    async def run(self) -> None:
        """Count the usual ones anew while somebody watches, until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            for days in USUAL_DAYS if self.is_watched() else ():
                known, now_s = self.kept.get(days), clock.mono_s()
                if known is None or (
                    now_s - known.at_s > AHEAD_EVERY_S and not known.is_good(now_s)
                ):
                    await asyncio.wait([self._count(days)])

    def _count(self, days: float) -> "asyncio.Task[Kept]":
        """Begin to count, unless that has begun already."""
        if days not in self._counting:
            counting = asyncio.create_task(self._counted(days), name=f"report on {days:g} days")
            counting.add_done_callback(lambda _: self._counting.pop(days, None))
            counting.add_done_callback(_look_at)
            self._counting[days] = counting
        return self._counting[days]

    async def _counted(self, days: float) -> Kept:
        began_s = clock.mono_s()
        text = Analytics.model_validate(await self.fresh(days)).model_dump_json(by_alias=True)
        made = Kept(text.encode(), clock.mono_s(), clock.mono_s() - began_s)
        if len(self.kept) >= KEPT:
            self.kept.pop(next(iter(self.kept)))
        self.kept[days] = made
        return made


def _look_at(counting: "asyncio.Task[Kept]") -> None:
    """Tell of a fault that nobody may have waited for; a refusal is asked about again."""
    fault = None if counting.cancelled() else counting.exception()
    if fault is not None and not isinstance(fault, Refused):
        log.error("%s could not be counted", counting.get_name(), exc_info=fault)
