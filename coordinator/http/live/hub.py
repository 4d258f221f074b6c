"""Server-sent events: a snapshot, then numbered deltas, and a beat every two seconds.

Frames are rendered once and shared by all who watch the same. At most four a second are sent to
anybody, and nothing is kept for those who cannot keep up.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from fastapi.responses import Response, StreamingResponse
from starlette.types import Message, Send

from coordinator.http import clock
from coordinator.http.live.changes import MOST_EVENTS, MOST_TASKS, Change, Ring, differing, merged
from coordinator.http.live.mirror import Mirror
from coordinator.http.problems import Refused
from coordinator.http.schemas.base import instant
from coordinator.http.views.agents import HEAT_COLUMNS, agent_view, heat_row
from coordinator.http.views.fleet import summary_view
from coordinator.http.views.tasks import shown_task
from protocol.messages import FleetEvent
from protocol.vocabulary import TaskStatus

log = logging.getLogger("fleetbus.web")

FRAME_S: Final = 0.25
BEAT_S: Final = 2.0
MOST_WATCHERS: Final = 200
AGENTS_IN_FULL: Final = 500
"""Of a larger fleet, ``agents`` means rows of the heatmap."""
WRITE_S: Final = 30.0
WHOLE: Final = frozenset({"summary", "agents", "heat", "tasks", "events", "alerts"})
ONE: Final = frozenset({"agent", "task"})
_CACHED: Final = 64
_TASKS_KEPT: Final = 10 * MOST_TASKS

Fields = dict[str, Any]


class EventStream(StreamingResponse):
    """A stream that ends when its reader has taken nothing for a while."""

    write_s = WRITE_S

    def __init__(self, frames: AsyncGenerator[bytes, None]) -> None:
        super().__init__(
            frames, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )
        self._frames = frames

    async def stream_response(self, send: Send) -> None:
        """Send frame after frame, each within :attr:`write_s`."""

        async def bounded(message: Message) -> None:
            async with asyncio.timeout(self.write_s):
                await send(message)

        try:
            await super().stream_response(bounded)
        except TimeoutError:
            log.info("a watcher took nothing for %s s and was let go", self.write_s)
        finally:
            await self._frames.aclose()


@dataclass(slots=True)
class Hub:
    """Looks at the mirror for all who watch; see :meth:`run` and :meth:`respond`."""

    mirror: Mirror
    alerts: Callable[[], tuple[Fields, ...]] = tuple
    """Returns the alerts that are open."""
    boot: str = field(default_factory=lambda: secrets.token_hex(4))
    watchers: int = 0
    ring: Ring = field(default_factory=Ring)
    _agents: dict[str, Fields] = field(default_factory=dict)
    _tasks: dict[str, Fields] = field(default_factory=dict)
    _heat: dict[str, list[Any]] = field(default_factory=dict)
    _summary: bytes = b""
    _alerts: tuple[Fields, ...] = ()
    _moved: asyncio.Event = field(default_factory=asyncio.Event)
    _frames: dict[tuple[object, ...], bytes] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Look at what has changed four times a second, while anybody watches."""
        while True:
            await asyncio.sleep(FRAME_S)
            if not self.watchers:
                self.mirror.take_news()
                self._forget()
                continue
            change = self._look()
            if change is not None:
                self.ring.add(change)
                self._frames.clear()
                self._moved.set()
                self._moved = asyncio.Event()

    def respond(self, views: str, last_event_id: str | None) -> Response:
        """Answer a request to watch *views*, from what *last_event_id* names."""
        wanted = _views(views)
        if self.watchers >= MOST_WATCHERS:
            raise Refused(503, "busy", f"{MOST_WATCHERS} watch already")
        return EventStream(self._watch(wanted, self._resumed(last_event_id)))

    def stop(self) -> None:
        """Let all who watch go."""
        self.stopping.set()
        self._moved.set()

    # --- one watcher

    async def _watch(self, views: tuple[str, ...], seq: int | None) -> AsyncGenerator[bytes, None]:
        self._arrive()
        try:
            yield b"retry: 1000\n\n"
            sent_s = float("-inf")
            while not self.stopping.is_set():
                moved = self._moved
                frame, seq = self._next(views, seq)
                if frame is not None:
                    yield frame
                now_s = clock.mono_s()
                if now_s - sent_s >= BEAT_S:
                    sent_s = now_s
                    yield self._beat()
                try:
                    async with asyncio.timeout(max(0.0, sent_s + BEAT_S - clock.mono_s())):
                        await moved.wait()
                except TimeoutError:
                    continue
        finally:
            self.watchers -= 1

    def _arrive(self) -> None:
        self.watchers += 1
        if self.watchers == 1:
            self.mirror.take_news()
            self._forget()

    def _resumed(self, last_event_id: str | None) -> int | None:
        """Return the change that a watcher had last, if it is one of this process."""
        boot, _, seq = (last_event_id or "").partition("-")
        return int(seq) if boot == self.boot and seq.isdigit() else None

    def _next(self, views: tuple[str, ...], seq: int | None) -> tuple[bytes | None, int]:
        changes = None if seq is None else self.ring.since(seq)
        now = self.ring.seq
        if changes is None:
            return self._framed("snapshot", views, None, self._snapshot), now
        if not changes:
            return None, now
        shown = self._as_told(views)
        return self._framed("delta", views, seq, lambda _: _delta(merged(changes), shown)), now

    def _as_told(self, views: tuple[str, ...]) -> tuple[str, ...]:
        """Return *views* as they are told now: of a large fleet, rows in place of agents."""
        if len(self._agents) <= AGENTS_IN_FULL:
            return views
        return tuple(dict.fromkeys("heat" if view == "agents" else view for view in views))

    def _framed(
        self,
        event: str,
        views: tuple[str, ...],
        since: int | None,
        render: Callable[[tuple[str, ...]], Fields | None],
    ) -> bytes | None:
        key = (event, views, since, self.ring.seq)
        if key not in self._frames:
            said = render(views)
            frame = b""
            if said is not None:
                head = {"seq": self.ring.seq, "at": instant(clock.wall_ms())}
                frame = _frame(event, {**head, **said}, f"{self.boot}-{self.ring.seq}")
            if len(self._frames) >= _CACHED:
                self._frames.clear()
            self._frames[key] = frame
        return self._frames[key] or None

    def _beat(self) -> bytes:
        mirror = self.mirror
        return _frame(
            "beat",
            {
                "at": instant(clock.wall_ms()),
                "coordinator": mirror.state,
                "bus": mirror.bus,
                "behind_s": round(mirror.behind_s, 1),
            },
        )

    # --- looking

    def _forget(self) -> None:
        self.ring.clear()
        self.ring.seq += 1
        self._frames.clear()
        self._agents.clear()
        self._tasks.clear()
        self._heat.clear()

    def _snapshot(self, views: tuple[str, ...]) -> Fields:
        self._catch_up()
        said: Fields = {}
        for view in views:
            kind, _, name = view.partition(":")
            match kind:
                case "summary":
                    said["summary"] = orjson.loads(summary_view(self.mirror).model_dump_json())
                case "agents" if len(self._agents) <= AGENTS_IN_FULL:
                    said["agents"] = list(self._agents.values())
                case "agents" | "heat":
                    said["heat"] = {"columns": HEAT_COLUMNS, "rows": list(self._heat.values())}
                case "tasks":
                    said["tasks"] = self._tasks_to_show()
                case "events":
                    newest = list(self.mirror.events)[-MOST_EVENTS:]
                    said["events"] = [_event(event) for event in newest]
                case "alerts":
                    said["alerts"] = self.alerts()
                case "agent":
                    said[view] = self._agents.get(name)
                case _:
                    said[view] = self._tasks.get(name)
        return {"views": said}

    def _catch_up(self) -> None:
        """Render what nobody has looked at yet; later looks tell only what differs from it."""
        if not self._agents:
            for name in self.mirror.agent_names():
                self._look_at_agent(name)
        if not self._tasks:
            for task in list(self.mirror.task_ids())[-_TASKS_KEPT:]:
                self._look_at_task(task)

    def _tasks_to_show(self) -> list[Fields]:
        """Return tasks that run, however many have ended since they began, and then the newest."""
        running: list[Fields] = []
        others: list[Fields] = []
        for task in self._tasks.values():
            (running if task["status"] == TaskStatus.RUNNING else others).append(task)
        running = running[-MOST_TASKS:]
        room = MOST_TASKS - len(running)
        return [*others[len(others) - min(room, len(others)) :], *running]

    def _look(self) -> Change | None:
        news = self.mirror.take_news()
        summary = self._look_at_summary()
        alerts = self.alerts()
        if alerts == self._alerts:
            alerts_changed = None
        else:
            alerts_changed = self._alerts = alerts
        agents, heat, tasks = {}, {}, {}
        for name in news.agents:
            before = self._heat.get(name)
            changed = self._look_at_agent(name)
            if changed != {}:
                agents[name] = changed
            if self._heat.get(name) != before:
                heat[name] = self._heat.get(name)
        for task in sorted(news.tasks)[-MOST_TASKS:]:
            changed = self._look_at_task(task)
            if changed != {}:
                tasks[task] = changed
        events = tuple(_event(event) for event in news.events[-MOST_EVENTS:])
        if not (agents or heat or tasks or events or summary or alerts_changed is not None):
            return None
        return Change(self.ring.seq + 1, agents, heat, tasks, events, summary, alerts_changed)

    def _look_at_summary(self) -> Fields | None:
        view = summary_view(self.mirror)
        said = view.model_dump_json(exclude={"as_of"}).encode()
        if said == self._summary:
            return None
        self._summary = said
        whole: Fields = orjson.loads(view.model_dump_json())
        return whole

    def _look_at_agent(self, name: str) -> Fields | None:
        """Render *name*; return what is new of it, and ``None`` if it is gone."""
        row = heat_row(self.mirror, name)
        if row is None:
            self._heat.pop(name, None)
            return None if self._agents.pop(name, None) is not None else {}
        self._heat[name] = row
        view = agent_view(self.mirror, name)
        if view is None:
            return {}
        fields: Fields = view.model_dump(mode="json")
        changed = differing(self._agents.get(name), fields)
        self._agents[name] = fields
        return {"name": name, **changed} if changed else {}

    def _look_at_task(self, task: str) -> Fields | None:
        card = self.mirror.task(task)
        if card is None:
            return None if self._tasks.pop(task, None) is not None else {}
        fields: Fields = shown_task(card).model_dump(mode="json")
        changed = differing(self._tasks.pop(task, None), fields)
        self._tasks[task] = fields  # the newest last
        if len(self._tasks) > _TASKS_KEPT:
            del self._tasks[next(iter(self._tasks))]
        return {"id": task, **changed} if changed else {}


def _views(asked: str) -> tuple[str, ...]:
    views = tuple(dict.fromkeys(asked.split(",")))
    for view in views:
        kind, _, name = view.partition(":")
        if not (view in WHOLE or (kind in ONE and name)):
            known = ", ".join(sorted(WHOLE))
            raise Refused.bad("query.views", view, f"of {known}, agent:NAME, task:ID")
    return views


def _delta(change: Change, views: tuple[str, ...]) -> Fields | None:
    """Say of *change* what belongs to *views*; ``None`` if nothing does."""
    said: Fields = {}
    for view in views:
        kind, _, name = view.partition(":")
        match kind:
            case "summary" if change.summary is not None:
                said["summary"] = change.summary
            case "agents" if change.agents:
                said["agents"] = _moves(change.agents)
            case "heat" if change.heat:
                said["heat"] = _moves(change.heat)
            case "tasks" if change.tasks:
                said["tasks"] = _moves(change.tasks)
            case "events" if change.events:
                said["events"] = change.events
            case "alerts" if change.alerts is not None:
                said["alerts"] = change.alerts
            case "agent" if name in change.agents:
                said[view] = change.agents[name]
            case "task" if name in change.tasks:
                said[view] = change.tasks[name]
            case _:
                pass
    return said or None


def _moves(changed: dict[str, Any]) -> Fields:
    return {
        "upsert": [value for value in changed.values() if value is not None],
        "remove": [name for name, value in changed.items() if value is None],
    }


def _event(event: FleetEvent) -> Fields:
    return {
        "number": event.number,
        "at": instant(event.ts_ms),
        "kind": event.kind,
        "subject": event.subject,
        "text": event.text,
        "data": event.data,
    }


def _frame(event: str, data: Fields, number: str | None = None) -> bytes:
    head = f"event: {event}\n" if number is None else f"event: {event}\nid: {number}\n"
    return head.encode() + b"data: " + orjson.dumps(data) + b"\n\n"
