"""A report is counted seldom, and told to everybody who asks."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from coordinator.http import clock
from coordinator.http.problems import Refused
from coordinator.http.reader import Reader
from coordinator.http.reports import Kept, Reports

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("fleet_name", "timezone", "from", "until"), ""),
    **{key: [] for key in ("days", "agents", "modes", "failures")},
    "is_cut_off": False,
    "lost": {"covered_s": 0, "reasons": []},
    "totals": {
        **dict.fromkeys(("runs", "succeeded", "failed", "other", "ran_s", "average_running"), 0),
        **dict.fromkeys(("failure_rate", "utilisation", "wait_p50_s", "wait_p95_s")),
        **dict.fromkeys(("run_p50_s", "run_p95_s")),
        **dict.fromkeys(("agents", "modes"), 0),
    },
}


@dataclass
class Slow(Reports):
    """Counts when it is let."""

    counted: int = 0
    may_count: asyncio.Event = field(default_factory=asyncio.Event)

    async def fresh(self, days: float) -> dict[str, Any]:
        self.counted += 1
        await self.may_count.wait()
        return {**NOTHING, "fleet_name": f"{days:g}"}


def reports(tmp_path: Path) -> Slow:
    return Slow(Reader(tmp_path), lambda: None, lambda: False)


async def test_many_who_ask_at_once_are_told_what_was_counted_once(tmp_path: Path) -> None:
    own = reports(tmp_path)
    asking = [asyncio.create_task(own.get(7)) for _ in range(10)]
    await asyncio.sleep(0)
    own.may_count.set()
    assert {b'"fleet_name":"7"' in text for text in await asyncio.gather(*asking)} == {True}
    assert own.counted == 1


async def test_an_old_report_that_cost_much_is_told_while_it_is_counted_again(
    tmp_path: Path,
) -> None:
    own = reports(tmp_path)
    own.kept[7] = Kept(b"old", clock.mono_s() - 100, took_s=2)
    assert await own.get(7) == b"old"
    own.may_count.set()
    own.kept.clear()  # then whoever asks waits for the one that is counted
    assert b'"fleet_name":"7"' in await own.get(7)
    assert own.counted == 1


async def test_a_report_that_cost_little_is_always_of_now(tmp_path: Path) -> None:
    own = reports(tmp_path)
    own.may_count.set()
    own.kept[1] = Kept(b"old", clock.mono_s() - 1, took_s=0.001)
    assert b'"fleet_name":"1"' in await own.get(1)


async def test_a_report_that_was_just_counted_is_good(tmp_path: Path) -> None:
    own = reports(tmp_path)
    own.kept[7] = Kept(b"new", clock.mono_s() - 10, took_s=2)
    assert await own.get(7) == b"new"
    assert own.counted == 0


async def test_without_a_store_whoever_asks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no store yet"):
        await Reports(Reader(tmp_path), lambda: None, lambda: False).get(7)
