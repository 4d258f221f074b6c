"""What is done for the store beside the fleet's work, one turn at a time."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from coordinator.core.events import Noted
from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.plan.load import parse
from coordinator.plan.schema import FleetPlan
from coordinator.shell import upkeep as upkeep_module
from coordinator.shell.backups import copies_in, made_ms, name_at
from coordinator.shell.clock import SystemClock
from coordinator.shell.loop import Writer
from coordinator.shell.outage import Outage
from coordinator.shell.outgoing import Speaker
from coordinator.shell.restoring import restore_as_is
from coordinator.shell.store import Changes, Store
from coordinator.shell.upkeep import Upkeep
from coordinator.shell.voice import Voice
from protocol.topics import Topics
from protocol.vocabulary import CoordinatorState
from tests.support.stored_fleet import store_a_fleet
from tests.support.stores import execute, much, task_row

LATER_MS = 1 << 42
PLAN: dict[str, Any] = {"fleet_name": "x", "agents": [{"name": "Main", "capabilities": ["quest"]}]}


def plan(**more: Any) -> FleetPlan:
    return parse(json.dumps(PLAN | more).encode(), "the test")


@pytest.fixture
async def upkeep(tmp_path: Path) -> AsyncIterator[Upkeep]:
    store = Store.in_directory(tmp_path)
    memory = store.begin_term(0)
    state = State(Policy(), "c", term=memory.term, phase=CoordinatorState.ONLINE)
    speaker = Speaker(Topics("fleet"), "c", memory.term)
    writer = Writer(store, SystemClock(), Voice(state, speaker, 1))
    yield Upkeep(writer, store, tmp_path, plan())
    writer.close()
    store.close()


def told(upkeep: Upkeep) -> list[str]:
    return [event.kind for event in upkeep.writer.inbox.events if isinstance(event, Noted)]


async def test_the_first_copy_is_made_at_once_and_the_next_after_the_interval(
    upkeep: Upkeep, tmp_path: Path
) -> None:
    await upkeep.run_once()
    await upkeep.run_once()
    assert told(upkeep) == ["backup_made"]
    assert len(copies_in(tmp_path, LATER_MS)) == 1
    (first,) = copies_in(tmp_path, LATER_MS)
    an_hour_before = first.with_name(name_at(made_ms(first) - 3_600_000))
    first.rename(an_hour_before)
    upkeep.plan = plan(backup={"interval": "1h", "keep": 1})
    await upkeep.run_once()
    assert told(upkeep) == ["backup_made", "backup_made"]
    (second,) = copies_in(tmp_path, LATER_MS)
    assert second != an_hour_before


async def test_a_clock_that_is_set_back_costs_one_copy_more_and_none_of_those_made_since(
    upkeep: Upkeep, tmp_path: Path
) -> None:
    upkeep.plan = plan(backup={"interval": "1h", "keep": 1})
    await upkeep.run_once()
    (first,) = (tmp_path / "backups").iterdir()
    first.rename(first.with_name(name_at(made_ms(first) + 86_400_000)))
    for _ in range(3):
        await upkeep.run_once()
    assert told(upkeep) == ["backup_made", "backup_made"]
    (second,) = (tmp_path / "backups").iterdir()
    assert made_ms(second) - made_ms(first) < 3_600_000


async def test_a_copy_that_fails_is_told_once_and_tried_again_later(
    upkeep: Upkeep, tmp_path: Path
) -> None:
    (tmp_path / "backups").touch()  # no folder can be made there
    await upkeep.run_once()
    await upkeep.run_once()
    assert told(upkeep) == ["backup_failed"]
    (tmp_path / "backups").unlink()
    upkeep._backup_at_ms = 0
    await upkeep.run_once()
    assert told(upkeep) == ["backup_failed", "backup_made"]


async def test_nothing_is_done_while_nothing_can_be_stored(upkeep: Upkeep, tmp_path: Path) -> None:
    upkeep.writer.storing.outage = Outage("the disk is full")
    await upkeep.run_once()
    assert copies_in(tmp_path, LATER_MS) == []
    assert told(upkeep) == []


async def test_history_is_forgotten_as_the_plan_says(upkeep: Upkeep) -> None:
    store = upkeep.store
    upkeep.plan = plan(retention={"tasks": "1d"})
    store.commit(Changes(tasks=[task_row("old", "completed", completed_ms=2_000)]))
    await upkeep.run_once()
    assert store.past_tasks(["old"]) == []


async def test_a_log_that_grew_is_emptied_when_nobody_writes_and_pages_are_given_back(
    upkeep: Upkeep, tmp_path: Path
) -> None:
    store, log = upkeep.store, tmp_path / "fleet.db-wal"
    upkeep.plan = plan(retention={"tasks": "1d"}, backup={"interval": "1d"})
    await upkeep.run_once()
    for _ in range(15):
        changes = much()
        for row in changes.tasks:
            row |= {"status": "completed", "completed_ms": 2_000}
        store.commit(changes)
    assert log.stat().st_size > upkeep_module.IDLE_LOG
    upkeep._forget_at_ms = 0
    await upkeep.run_once()
    await upkeep.run_once()
    assert log.stat().st_size == 0
    assert execute(store, "PRAGMA freelist_count") == 0
    assert execute(store, "PRAGMA busy_timeout") == 5_000


async def test_a_log_that_cannot_be_emptied_is_told_once(
    upkeep: Upkeep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_module, "LARGE_LOG", 100_000)
    await upkeep.run_once()
    with contextlib.closing(sqlite3.connect(tmp_path / "fleet.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchall()
        for _ in range(15):
            upkeep.store.commit(much())
        async with asyncio.timeout(3):  # it does not wait for the reader
            await upkeep.run_once()
            await upkeep.run_once()
        assert told(upkeep).count("store_log_large") == 1
        reader.execute("ROLLBACK")
    await upkeep.run_once()
    assert (tmp_path / "fleet.db-wal").stat().st_size == 0


async def test_a_store_that_was_put_back_is_believed_once_all_old_leases_are_over(
    tmp_path: Path,
) -> None:
    store_a_fleet(tmp_path)
    restore_as_is(tmp_path, 1_767_571_200_000)
    with contextlib.closing(Store.in_directory(tmp_path)) as store:
        assert store.begin_term(0).restored_ms is not None
        assert store.begin_term(0).restored_ms is not None  # it crashed before they were
        state = State(Policy(), "c", term=store.term)
        writer = Writer(store, SystemClock(), Voice(state, Speaker(Topics("fleet"), "c", 1), 1))
        upkeep = Upkeep(writer, store, tmp_path, plan(), was_restored=True)
        await upkeep.run_once()
        assert store.begin_term(0).restored_ms is not None
        state.phase = CoordinatorState.ONLINE
        await upkeep.run_once()
        assert store.begin_term(0).restored_ms is None
        writer.close()
