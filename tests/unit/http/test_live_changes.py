"""Streams: a watcher is a number; a slow one costs nothing, and one too far behind starts anew."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from fastapi.responses import StreamingResponse

from coordinator.http.live.changes import KEPT, MOST_TASKS, Change, Ring, merged
from coordinator.http.live.hub import AGENTS_IN_FULL, FRAME_S, EventStream, Hub
from coordinator.http.live.mirror import Mirror
from protocol.codec import encode
from protocol.messages import Registry, TaskView
from protocol.topics import Topics
from protocol.vocabulary import AgentHealth, AgentStatus, Priority, TaskStatus

WITHIN_S = 60.0


def card(name: str, status: AgentStatus = AgentStatus.IDLE, epoch: int = 1) -> bytes:
    return encode(
        Registry(
            ts_ms=1,
            coord="c",
            term=1,
            agent=name,
            status=status,
            health=AgentHealth.HEALTHY,
            epoch=epoch,
        )
    )


def task_card(task: str, status: TaskStatus) -> bytes:
    return encode(
        TaskView(
            ts_ms=1,
            coord="c",
            term=1,
            task=task,
            name=task,
            mode="quest",
            priority=Priority.NORMAL,
            status=status,
            phase="running",
            created_ms=1,
        )
    )


def mirror_of(*names: str) -> Mirror:
    mirror = Mirror(Topics())
    mirror.connected(bus=True)
    for name in names:
        mirror.apply(f"fleet/v1/registry/{name}", card(name), 0.0)
    return mirror


def frames(hub: Hub, views: str, last: str | None = None) -> AsyncIterator[bytes]:
    response = hub.respond(views, last)
    assert isinstance(response, StreamingResponse)
    return response.body_iterator  # type: ignore[return-value] # ours are bytes


async def next_of(stream: AsyncIterator[bytes], event: str) -> dict[str, Any]:
    async with asyncio.timeout(WITHIN_S):
        async for frame in stream:
            if frame.startswith(f"event: {event}\n".encode()):
                data: dict[str, Any] = orjson.loads(frame.partition(b"data: ")[2])
                return data | {"id": frame.partition(b"id: ")[2].partition(b"\n")[0].decode()}
    raise AssertionError(event)


def test_changes_merge_to_the_newest_value_of_each_field_and_what_is_gone_stays_gone() -> None:
    one = Change(1, agents={"A": {"name": "A", "x": 1, "y": 1}, "B": {"name": "B"}})
    two = Change(2, agents={"A": {"name": "A", "x": 2}, "B": None})
    three = Change(3, agents={"C": {"name": "C"}})
    assert merged([one, two, three]).agents == {
        "A": {"name": "A", "x": 2, "y": 1},
        "B": None,
        "C": {"name": "C"},
    }


def test_a_ring_knows_what_it_has_forgotten() -> None:
    ring = Ring()
    for seq in range(1, KEPT + 11):
        ring.add(Change(seq))
    assert ring.since(10) is not None
    assert ring.since(9) is None
    assert ring.since(KEPT + 10) == []
    assert ring.since(KEPT + 11) is None


async def test_a_watcher_gets_a_snapshot_and_then_only_the_fields_that_changed() -> None:
    mirror = mirror_of("Main", "Heals")
    hub = Hub(mirror)
    running = asyncio.create_task(hub.run())
    stream = frames(hub, "agents")
    first = await next_of(stream, "snapshot")
    assert {agent["name"] for agent in first["views"]["agents"]} == {"Main", "Heals"}
    mirror.apply("fleet/v1/registry/Main", card("Main", AgentStatus.BUSY), 1.0)
    mirror.apply("fleet/v1/registry/Heals", b"", 1.0)
    delta = await next_of(stream, "delta")
    assert delta["agents"] == {"upsert": [{"name": "Main", "status": "busy"}], "remove": ["Heals"]}
    assert delta["seq"] == first["seq"] + 1
    running.cancel()


async def test_a_large_fleet_is_told_in_rows_in_the_snapshot_and_in_every_change() -> None:
    mirror = mirror_of(*(f"bot-{number}" for number in range(AGENTS_IN_FULL + 1)))
    hub = Hub(mirror)
    running = asyncio.create_task(hub.run())
    stream = frames(hub, "agents")
    first = await next_of(stream, "snapshot")
    assert len(first["views"]["heat"]["rows"]) == AGENTS_IN_FULL + 1
    mirror.apply("fleet/v1/registry/bot-7", card("bot-7", AgentStatus.BUSY), 1.0)
    delta = await next_of(stream, "delta")
    assert "agents" not in delta
    assert [row[:2] for row in delta["heat"]["upsert"]] == [["bot-7", "busy"]]
    running.cancel()


async def test_what_runs_is_told_however_much_has_ended_since_it_began() -> None:
    mirror = mirror_of()
    for number in range(3 * MOST_TASKS):
        status = TaskStatus.RUNNING if number < 3 else TaskStatus.COMPLETED
        mirror.apply(f"fleet/v1/tasks/t{number}", task_card(f"t{number}", status), 0.0)
    hub = Hub(mirror)
    told = (await next_of(frames(hub, "tasks"), "snapshot"))["views"]["tasks"]
    names = [task["id"] for task in told]
    newest = [f"t{number}" for number in range(3 * MOST_TASKS)][3 - MOST_TASKS :]
    assert names == [*newest, "t0", "t1", "t2"]


async def test_a_watcher_that_comes_back_in_time_goes_on_where_it_was() -> None:
    mirror = mirror_of("Main")
    hub = Hub(mirror)
    running = asyncio.create_task(hub.run())
    kept_open = frames(hub, "agents")
    first = await next_of(kept_open, "snapshot")
    mirror.apply("fleet/v1/registry/Main", card("Main", AgentStatus.BUSY), 1.0)
    await next_of(kept_open, "delta")
    back = frames(hub, "agents", first["id"])
    assert (await next_of(back, "delta"))["agents"]["upsert"] == [
        {"name": "Main", "status": "busy"}
    ]
    running.cancel()


async def test_a_watcher_of_another_process_or_too_far_behind_gets_a_snapshot() -> None:
    mirror = mirror_of("Main")
    hub = Hub(mirror)
    for last in ("nobody-5", "", "garbage", f"{hub.boot}-x", f"{hub.boot}-999"):
        await next_of(frames(hub, "agents", last), "snapshot")
    hub.watchers = 1
    behind = f"{hub.boot}-{hub.ring.seq}"
    for seq in range(KEPT + 1):
        hub.ring.add(Change(hub.ring.seq + 1, agents={"Main": {"name": "Main", "epoch": seq}}))
    await next_of(frames(hub, "agents", behind), "snapshot")


async def test_a_slow_watcher_gets_one_frame_for_all_that_it_missed() -> None:
    mirror = mirror_of("Main")
    hub = Hub(mirror)
    running = asyncio.create_task(hub.run())
    slow = frames(hub, "agents")
    await next_of(slow, "snapshot")
    quick = frames(hub, "agents")
    await next_of(quick, "snapshot")
    for epoch in (2, 3, 4):  # three looks, while the slow one does not read
        mirror.apply("fleet/v1/registry/Main", card("Main", epoch=epoch), 1.0)
        await next_of(quick, "delta")
    assert (await next_of(slow, "delta"))["agents"]["upsert"] == [{"name": "Main", "epoch": 4}]
    running.cancel()


async def test_nobody_gets_more_than_four_frames_a_second() -> None:
    mirror = mirror_of("Main")
    hub = Hub(mirror)
    running = asyncio.create_task(hub.run())
    stream = frames(hub, "agents")
    await next_of(stream, "snapshot")
    loop = asyncio.get_running_loop()
    began, heard = loop.time(), 0
    while loop.time() - began < 5 * FRAME_S:
        for epoch in range(50):
            mirror.apply("fleet/v1/registry/Main", card("Main", epoch=heard * 50 + epoch), 1.0)
        await next_of(stream, "delta")
        heard += 1
    assert heard <= 6
    running.cancel()


async def test_a_watcher_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventStream, "write_s", 0.05)
    hub = Hub(mirror_of("Main"))
    response = hub.respond("agents", None)
    assert isinstance(response, EventStream)

    async def stuck(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async with asyncio.timeout(WITHIN_S):
        await response.stream_response(stuck)
    assert hub.watchers == 0


async def test_of_a_large_fleet_agents_are_rows_of_the_heatmap() -> None:
    hub = Hub(mirror_of(*(f"A{n}" for n in range(AGENTS_IN_FULL + 1))))
    views = (await next_of(frames(hub, "agents"), "snapshot"))["views"]
    assert "agents" not in views
    assert len(views["heat"]["rows"]) == AGENTS_IN_FULL + 1
    assert (
        dict(zip(views["heat"]["columns"], views["heat"]["rows"][0], strict=True))["name"] == "A0"
    )


async def test_a_beat_says_whether_anybody_coordinates() -> None:
    hub = Hub(Mirror(Topics()))
    beat = await next_of(frames(hub, "summary"), "beat")
    assert beat["coordinator"] == "unknown"
    assert beat["bus"] is False
