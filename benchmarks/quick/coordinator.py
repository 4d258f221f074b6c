"""The coordinator from the bytes that it hears to the bytes that it says, with a store on disk.

Everything between is what runs in production; only its clock is moved by hand, its socket is a
list, and the store's thread is this one.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple

import orjson

from benchmarks.fleet.bot import Bot
from benchmarks.quick.counting import Work
from benchmarks.quick.transport import Kept
from coordinator.core.events import BusConnected
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.shell.batch import Batch
from coordinator.shell.coordinator import Coordinator
from coordinator.shell.loop import Writer
from coordinator.shell.mqtt import Hello, Link, packets
from coordinator.shell.mqtt.packets import Delivery, Reader
from coordinator.shell.outgoing import Said, Speaker
from coordinator.shell.recollection import remember
from coordinator.shell.store import Store
from coordinator.shell.store_thread import StoreThread
from coordinator.shell.voice import Voice
from protocol.topics import Topics

HEARTBEATS: Final = 100
TASKS: Final = 20
BURST_AGENTS: Final = 5
WAITING: Final = 500
_ACCEPTED: Final = b"\x20\x02\x00\x00"
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Here(StoreThread):
    """Does in this thread, at once, what another thread should do."""

    async def do(
        self,
        call: Callable[[*Ts], T],
        *args: *Ts,
        wait_ms: int = 0,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> T:
        """Return what *call* returns; it is over at once."""
        if wait_ms:
            meanwhile()
        return call(*args)


@dataclass
class _Clock:
    ms: int = 1_700_000_000_000

    def now(self) -> Instant:
        return Instant(self.ms, self.ms)


@dataclass
class Stage:
    """A coordinator, and the bots that it hears and speaks to."""

    writer: Writer
    coordinator: Coordinator
    clock: _Clock
    link: Link
    transport: Kept
    work: Work
    topics: Topics = field(default_factory=Topics)
    bots: dict[str, Bot] = field(default_factory=dict)
    messages: int = 0
    """How many the coordinator has said."""
    bytes_said: int = 0
    _reader: Reader = field(default_factory=Reader)
    _waiting: list[bytes] = field(default_factory=list)

    def join(self, names: Iterable[str]) -> None:
        """Let new agents state themselves."""
        for name in names:
            bot = self.bots[name] = Bot(name, boot=f"{len(self.bots):032x}", machine=name)
            said = {"presence": bot.presence(), "info": bot.info(), "metrics": bot.metrics()}
            for channel, payload in said.items():
                self.say(f"agents/{name}/{channel}", payload)
            self.say(f"agents/{name}/heartbeat", bot.heartbeat(0.0))

    def say(self, topic: str, payload: bytes) -> None:
        """Have the coordinator hear *payload* in its next turn."""
        self._waiting.append(packets.publish(self.topics.under(topic), payload, 0, retain=False))

    async def turn(self, *, after_ms: int = 60) -> None:
        """Let the coordinator hear what waits, decide, store and speak; the bots take it in."""
        self.clock.ms += after_ms
        heard, self._waiting = b"".join(self._waiting), []
        with self.work.counted():
            self.link.data_received(heard)
            await self.writer.turn_over(self.clock.now())
            await asyncio.sleep(0)
        said = self.transport.take()
        self.bytes_said += len(said)
        answers = bytearray()
        for message in self._reader.feed(said):
            if not isinstance(message, Delivery):
                continue
            self.messages += 1
            if message.packet_id:
                answers += b"\x40\x02" + message.packet_id.to_bytes(2)
            self._deliver(message.topic, message.payload)
        with self.work.counted():
            self.link.data_received(bytes(answers))

    async def until_quiet(self) -> None:
        """Let turns follow each other until nobody says anything any more."""
        await self.turn()
        while self._waiting:
            await self.turn()

    def _deliver(self, topic: str, payload: bytes) -> None:
        inbox, name, channel = topic.rsplit("/", 2)
        bot = self.bots.get(name)
        if bot is None or not inbox.endswith("/inbox"):
            return
        said = orjson.loads(payload)
        if channel == "lease":
            bot.on_lease(said, 0.0)
            return
        for report in bot.on_desired(said):
            self.say(f"agents/{name}/report", report)


@contextlib.asynccontextmanager
async def stage(work: Work) -> AsyncIterator[Stage]:
    """Start a coordinator with an empty store."""
    with tempfile.TemporaryDirectory(prefix="fleetbus-bench-") as folder, work.statements_counted():
        store = Store.in_directory(Path(folder))
        with contextlib.closing(store):
            clock, topics = _Clock(), Topics()
            memory = store.begin_term(0)
            state = State(policy=Policy(), coord="bench", term=memory.term)
            speaker = Speaker(topics, "bench", memory.term)
            writer = Writer(
                store, clock, Voice(state, speaker, 1), memory.answered, store_thread=_Here()
            )
            coordinator = Coordinator(writer, topics, speaker, clock, plans=None)
            batch = Batch()
            batch.add(remember(state, memory, clock))
            store.commit(batch.changes(state, 1, clock.ms))
            hello = Hello(client_id="coordinator-bench", keepalive_s=60)
            link = Link(hello, coordinator._on_message)  # noqa: SLF001 -- what the bus calls

            def publish(said: Said) -> None:
                link.publish(said.topic, said.payload, qos=said.qos, retain=said.retain)

            writer.voice.publish = publish
            transport = Kept()
            link.connection_made(transport)
            link.data_received(_ACCEPTED)
            writer.tell(BusConnected())
            yield Stage(writer, coordinator, clock, link, transport, work)
            link.connection_lost(None)


async def measure() -> dict[str, float]:
    """Count what heartbeats and tasks cost."""
    return {**await _heartbeats(), **await _one_by_one(), **await _burst()}


async def _heartbeats() -> dict[str, float]:
    work = Work()
    async with stage(work) as scene:
        scene.join(f"Agent-{n}" for n in range(HEARTBEATS))
        await scene.until_quiet()
        await scene.turn(after_ms=2000)
        for bot in scene.bots.values():
            scene.say(f"agents/{bot.name}/heartbeat", bot.heartbeat(0.0))
        before, said, commits = work.instructions, scene.bytes_said, work.commits
        await scene.turn()
        assert all(not bot.beats for bot in scene.bots.values()), "a heartbeat was not answered"
    return {
        "heartbeat: instructions": (work.instructions - before) / HEARTBEATS,
        "heartbeat: bytes said": (scene.bytes_said - said) / HEARTBEATS,
        "heartbeat: commits of 100": work.commits - commits,
    }


async def _one_by_one() -> dict[str, float]:
    """Give an idle fleet one task after the other: what stands between a request and its end."""
    work = Work()
    async with stage(work) as scene:
        scene.join(["Agent-0", "Agent-1"])
        await scene.until_quiet()
        await scene.turn(after_ms=2000)
        found = await _each_alone(scene, "idle task")
        for n in range(WAITING):
            scene.say("submit/bench", _request(f"waits-{n}", mode="unknown"))
        await scene.until_quiet()
        waiting = sum(shape.live for shape in scene.writer.state.shapes.values())
        assert waiting == WAITING, f"{waiting} tasks wait"
        crowded = await _each_alone(scene, "idle task")
    name = "idle task: instructions"
    found[f"{name} with {WAITING} that wait"] = crowded[name] / found[name]
    return found


async def _each_alone(scene: Stage, of_what: str) -> dict[str, float]:
    before = _tallies(scene)
    for n in range(TASKS):
        scene.say("submit/bench", _request(f"alone-{before['commits']}-{n}"))
        await scene.until_quiet()
    return _each(before, _tallies(scene), TASKS, of_what)


async def _burst() -> dict[str, float]:
    """Give a busy fleet all tasks at once: they share what can be shared."""
    work = Work()
    async with stage(work) as scene:
        scene.join(f"Agent-{n}" for n in range(BURST_AGENTS))
        await scene.until_quiet()
        await scene.turn(after_ms=2000)
        before = _tallies(scene)
        for n in range(TASKS):
            scene.say("submit/bench", _request(f"burst-{n}"))
        await scene.until_quiet()
        return _each(before, _tallies(scene), TASKS, "task of a burst")


def _tallies(scene: Stage) -> dict[str, int]:
    work = scene.work
    return {
        "done": sum(bot.done for bot in scene.bots.values()),
        "instructions": work.instructions,
        "messages said": scene.messages,
        "bytes said": scene.bytes_said,
        "SQL statements": work.statements,
        "commits": work.commits,
    }


def _each(
    before: dict[str, int], after: dict[str, int], tasks: int, of_what: str
) -> dict[str, float]:
    assert after.pop("done") - before.pop("done") == tasks, "not all tasks were done"
    return {f"{of_what}: {name}": (after[name] - before[name]) / tasks for name in before}


def _request(name: str, mode: str = "noop") -> bytes:
    spec = {"name": "noop", "mode": mode}
    return orjson.dumps({"request_id": name, "op": "create", "spec": spec})
