"""The one writer while its store takes nothing: decisions wait, and questions are answered."""

import asyncio
import contextlib
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from coordinator.core.events import BusConnected, Heard, Submitted
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.shell import store_thread
from coordinator.shell.batch import Batch
from coordinator.shell.clock import SystemClock
from coordinator.shell.loop import Writer
from coordinator.shell.outgoing import Said, Speaker
from coordinator.shell.recollection import remember
from coordinator.shell.store import Changes, Store, TermEnded
from coordinator.shell.voice import Voice
from protocol.messages import Submit, TaskSpec
from protocol.topics import Topics
from protocol.vocabulary import SubmitOp
from tests.support.bots import Bot
from tests.support.stores import cut_at_commit, fill_disk, free_disk

WITHIN_S = 60.0
PADDING = "x" * 20_000
"""Makes a task too large for the pages that are there."""


@dataclass
class Desk:
    """A writer without a bus: tests tell it events and read what it says."""

    writer: Writer
    store: Store
    said: list[Said] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    running: "asyncio.Task[None] | None" = None

    def say(self, said: Said) -> None:
        self.said.append(said)
        self.news.set()

    def ask(self, request_id: str, op: str, **asked: Any) -> None:
        spec = asked.pop("spec", None)
        request = Submit(
            request_id=request_id,
            op=SubmitOp(op),
            spec=None if spec is None else TaskSpec.model_validate(spec),
            **asked,
        )
        self.writer.tell(Submitted("ops", request))

    def create(self, task: str, **args: Any) -> None:
        spec = {"name": task, "mode": "quest", "args": args}
        self.ask(f"create-{task}", "create", task=task, spec=spec)

    def replies(self, request_id: str) -> list[dict[str, Any]]:
        documents = [orjson.loads(said.payload) for said in self.said if "replies" in said.topic]
        return [reply for reply in documents if reply["request_id"] == request_id]

    def presences(self) -> list[dict[str, Any]]:
        return [
            orjson.loads(said.payload)
            for said in self.said
            if said.topic.endswith("coordinator/presence")
        ]

    async def wait(self, found: Callable[[], Any]) -> Any:
        async with asyncio.timeout(WITHIN_S):
            while not (result := found()):
                self.news.clear()
                await self.news.wait()
        return result

    async def reply(self, request_id: str) -> dict[str, Any]:
        replies: list[dict[str, Any]] = await self.wait(lambda: self.replies(request_id))
        (reply,) = replies
        return reply

    async def state(self, name: str) -> dict[str, Any]:
        """Wait until the coordinator says that it is in the state *name*."""

        def found() -> dict[str, Any] | None:
            presences = self.presences()
            return presences[-1] if presences and presences[-1]["state"] == name else None

        said: dict[str, Any] = await self.wait(found)
        return said


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = Store.in_directory(tmp_path)
    clock, memory = SystemClock(), store.begin_term(0)
    state = State(Policy(), "c", term=memory.term)
    writer = Writer(store, clock, Voice(state, Speaker(Topics("fleet"), "c", memory.term), 1))
    desk = Desk(writer, store)
    writer.voice.publish = desk.say
    batch = Batch()
    batch.add(remember(state, memory, clock))
    store.commit(batch.changes(state, 1, clock.now().wall_ms))
    desk.running = asyncio.create_task(writer.run())
    writer.tell(BusConnected())
    await desk.state("online")
    yield desk
    await stop(desk)
    writer.close()
    store.close()


async def stop(desk: Desk) -> None:
    running, desk.running = desk.running, None
    if running is not None:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@contextlib.asynccontextmanager
async def full_disk(desk: Desk) -> AsyncIterator[None]:
    await desk.writer.after_commits(lambda: fill_disk(desk.store))
    yield
    await desk.writer.after_commits(lambda: free_disk(desk.store))


async def test_what_was_decided_is_kept_and_said_when_it_is_stored(desk: Desk) -> None:
    async with full_disk(desk):
        desk.create("t1", much=PADDING)
        safe = await desk.state("safe")
        assert (
            "database or disk is full; nothing is assigned or changed until it can"
            in (safe["reason"])
        )
        assert desk.replies("create-t1") == []
    reply = await desk.reply("create-t1")
    assert reply["ok"]
    await desk.state("online")
    assert [row["id"] for row in desk.store.past_tasks(["t1"])] == ["t1"]


async def test_meanwhile_writing_requests_are_refused_and_questions_answered(desk: Desk) -> None:
    desk.create("before")
    await desk.reply("create-before")
    async with full_disk(desk):
        desk.create("t1", much=PADDING)
        await desk.state("safe")
        desk.create("t2")
        desk.ask("cancel", "cancel", task="before")
        desk.ask("plan", "plan")
        desk.ask("read", "get", task="before")
        for request_id in ("create-t2", "cancel", "plan"):
            refused = await desk.reply(request_id)
            assert not refused["ok"]
            assert refused["code"] == "store_unavailable"
            assert refused["message"].startswith("the store cannot be written: ")
            assert refused["data"]["retry_after_s"] > 0
        read = await desk.reply("read")
        assert read["ok"]
        assert read["data"]["status"] == "pending"
    await desk.reply("create-t1")
    desk.said.clear()
    desk.create("t2")  # the same request, asked again
    assert (await desk.reply("create-t2"))["ok"]
    assert {row["id"] for row in desk.store.past_tasks(["t1", "t2"])} == {"t1", "t2"}


async def test_nobody_is_told_of_a_task_that_is_not_stored(desk: Desk) -> None:
    async with full_disk(desk):
        desk.create("t1", much=PADDING)
        await desk.state("safe")
        desk.ask("read", "get", task="t1")
        desk.ask("other", "get", task="never")  # perhaps the store knows it
        assert (await desk.reply("read"))["code"] == "store_unavailable"
        assert (await desk.reply("other"))["code"] == "store_unavailable"
        desk.create("t1", much=PADDING)  # its author grows impatient: the answer will come once
        desk.ask("last", "get", task="t1")
        await desk.reply("last")
        assert desk.replies("create-t1") == []
    assert (await desk.reply("create-t1"))["ok"]


async def test_nothing_is_lent_and_nobody_is_judged_while_the_store_is_away(desk: Desk) -> None:
    clock = desk.writer.clock
    bot = Bot("Main", ("quest",))
    bot.start(clock.now().mono_ms, clock.now().wall_ms, knows_predecessor=False)
    for message in (bot.presence(), bot.info(), bot.heartbeat(clock.now().mono_ms)):
        desk.writer.tell(Heard(message))
    await desk.wait(lambda: [said for said in desk.said if said.topic.endswith("inbox/Main/lease")])
    heard_ms = desk.writer.state.agents["Main"].heard_ms
    assert heard_ms is not None
    async with full_disk(desk):
        desk.create("t1", much=PADDING)
        await desk.state("safe")
        began_ms = clock.now().mono_ms
        desk.said.clear()
        desk.writer.tell(Heard(bot.heartbeat(began_ms)))
        desk.ask("read", "get")
        await desk.reply("read")
        assert [said for said in desk.said if "inbox" in said.topic] == []
        assert desk.writer.state.dropped["store_unavailable"] == 1
    await desk.state("online")
    stood_ms = clock.now().mono_ms - began_ms
    given_ms = desk.writer.state.agents["Main"].heard_ms
    assert given_ms is not None
    assert given_ms - heard_ms >= stood_ms - 1000
    story = await desk.wait(
        lambda: [
            orjson.loads(said.payload)
            for said in desk.said
            if said.topic.endswith("events") and b"store_resumed" in said.payload
        ]
    )
    assert "nothing could be stored: the store cannot be written" in story[0]["text"]


async def test_a_new_connection_meanwhile_is_told_how_things_are(desk: Desk) -> None:
    async with full_disk(desk):
        desk.create("t1", much=PADDING)
        await desk.state("safe")
        desk.said.clear()
        desk.writer.tell(BusConnected())
        await desk.state("safe")
        assert {said.topic for said in desk.said} == {
            "fleet/v1/coordinator/presence",
            "fleet/v1/coordinator/summary",
        }
    await desk.reply("create-t1")


async def test_a_lock_that_is_held_too_long_is_waited_for(desk: Desk, tmp_path: Path) -> None:
    desk.store._writer.exec_driver_sql("PRAGMA busy_timeout=10")
    desk.store._writer.rollback()
    with contextlib.closing(sqlite3.connect(tmp_path / "fleet.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        desk.create("t1")
        safe = await desk.state("safe")
        assert "database is locked" in safe["reason"]
        other.execute("ROLLBACK")
        assert (await desk.reply("create-t1"))["ok"]


@pytest.mark.parametrize("name", ["fleet.db", "fleet.db-wal"])
@pytest.mark.parametrize("is_replaced", [True, False])
async def test_into_a_file_that_somebody_took_away_nothing_is_stored_until_it_is_back(
    desk: Desk, tmp_path: Path, name: str, is_replaced: bool
) -> None:
    file, away = tmp_path / name, tmp_path / "away"
    file.rename(away)
    if is_replaced:
        shutil.copy(away, file)
    desk.create("t1")
    safe = await desk.state("safe")
    assert f"{file} was deleted, moved or replaced while it was in use" in safe["reason"]
    assert desk.replies("create-t1") == []
    desk.create("t2")
    assert (await desk.reply("create-t2"))["code"] == "store_unavailable"
    away.replace(file)
    assert (await desk.reply("create-t1"))["ok"]


@pytest.mark.parametrize("was_stored", [True, False])
async def test_a_commit_of_unknown_outcome_is_said_once(desk: Desk, was_stored: bool) -> None:
    with cut_at_commit(desk.store, after=was_stored):
        desk.create("t1")
        safe = await desk.state("safe")
        assert "the store cannot be written: the connection broke; " in safe["reason"]
    assert (await desk.reply("create-t1"))["ok"]
    desk.create("t2")
    assert (await desk.reply("create-t2"))["ok"]


async def test_stopping_meanwhile_loses_nothing_that_was_promised(desk: Desk) -> None:
    desk.create("kept")
    await desk.reply("create-kept")
    async with full_disk(desk):
        desk.create("t1", much=PADDING)
        await desk.state("safe")
        await stop(desk)
        await desk.writer.drain()  # the disk is still full: it gives up, and says nothing
        assert desk.replies("create-t1") == []
    await desk.writer.drain()
    assert (await desk.reply("create-t1"))["ok"]
    assert len(desk.store.past_tasks(["kept", "t1"])) == 2


async def ends_without_a_word(desk: Desk) -> None:
    """Wait until the writer ends as its term is over; it must have said nothing."""
    assert desk.running is not None
    with pytest.raises(TermEnded):
        await desk.running
    desk.running = None
    assert desk.said == []


async def test_a_coordinator_whose_term_is_over_ends(desk: Desk, tmp_path: Path) -> None:
    with contextlib.closing(Store.in_directory(tmp_path)) as other:
        other.begin_term(0)
        desk.said.clear()
        desk.create("t1")
        await ends_without_a_word(desk)
        assert other.past_tasks(["t1"]) == []


class Late:
    """The machine's clocks, seen by a process that stands still now and then."""

    def __init__(self) -> None:
        self.stood_ms = 0
        self._clock = SystemClock()

    def now(self) -> Instant:
        now = self._clock.now()
        return Instant(now.wall_ms + self.stood_ms, now.mono_ms + self.stood_ms)


async def test_a_store_that_takes_too_long_to_confirm_the_lead_is_told_of_and_all_resumes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, store = Late(), desk.store
    commit, confirm, lag_ms = store.commit, store.confirm, 3_000
    await desk.wait(lambda: not desk.writer.inbox.events)
    desk.writer.clock = desk.writer.storing.clock = clock
    desk.writer.storing.confirms = True

    def answers_late(answer: None) -> None:
        clock.stood_ms += lag_ms
        store.led_ms = clock.now().mono_ms - lag_ms

    monkeypatch.setattr(store, "commit", lambda changes: answers_late(commit(changes)))
    monkeypatch.setattr(store, "confirm", lambda: answers_late(confirm()))
    desk.create("t1")
    safe = await desk.state("safe")
    assert "took 3.0 s to confirm who leads it, and must within 1.5 s" in safe["reason"]
    assert desk.replies("create-t1") == []
    desk.create("t2")
    assert (await desk.reply("create-t2"))["code"] == "store_unavailable"
    lag_ms = 1_000
    assert (await desk.reply("create-t1"))["ok"]
    await desk.state("online")
    lag_ms = 1_900  # still within what the lead lasts, and told nobody but the operator
    desk.create("t3")
    assert (await desk.reply("create-t3"))["ok"]
    lag_ms = 0
    desk.create("t4")
    assert (await desk.reply("create-t4"))["ok"]
    slow = [record for record in caplog.messages if "and all that is said waits for it" in record]
    assert len(slow) == 1


async def test_a_store_that_hangs_is_told_of_and_what_it_took_is_said_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_answer, commit = threading.Event(), desk.store.commit

    def hang(changes: Changes) -> None:
        may_answer.wait(WITHIN_S)
        commit(changes)

    monkeypatch.setattr(desk.store, "commit", hang)
    monkeypatch.setattr(store_thread, "ANSWERS_WITHIN_S", 0.05)
    try:
        desk.create("t1")
        safe = await desk.state("safe")
        assert "the store has not answered for 0.05 s" in safe["reason"]
        desk.ask("what", "get")
        assert (await desk.reply("what"))["ok"]
        assert desk.replies("create-t1") == []
    finally:
        may_answer.set()
    monkeypatch.setattr(store_thread, "ANSWERS_WITHIN_S", WITHIN_S)
    assert (await desk.reply("create-t1"))["ok"]
    await desk.state("online")
    assert len(desk.replies("create-t1")) == 1
    assert [row["id"] for row in desk.store.past_tasks(["t1"])] == ["t1"]


async def test_who_stood_still_after_the_commit_says_nothing_until_the_lead_is_confirmed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, commit, confirmed = Late(), desk.store.commit, 0
    await desk.wait(lambda: not desk.writer.inbox.events)
    desk.writer.clock = desk.writer.storing.clock = clock
    desk.writer.storing.confirms = True

    def commit_and_stand_still(changes: Changes) -> None:
        commit(changes)
        clock.stood_ms += 5_000

    def another_leads() -> None:
        nonlocal confirmed
        confirmed += 1
        raise TermEnded("another leads by now")

    monkeypatch.setattr(desk.store, "commit", commit_and_stand_still)
    monkeypatch.setattr(desk.store, "confirm", another_leads)
    desk.said.clear()
    desk.create("t1")
    await ends_without_a_word(desk)
    assert confirmed == 1
