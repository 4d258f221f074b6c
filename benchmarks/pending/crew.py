"""A few agents that end a task when they are told to, and note when the next one comes."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson

from benchmarks.fleet.bot import HEARTBEAT_S, Bot
from coordinator.shell.mqtt import Hello, Link
from tests.support.bus_client import Where

WITHIN_S = 120.0


@dataclass
class Crew:
    """Agents that share one connection; each has one slot."""

    where: Where
    bots: dict[str, Bot]
    _link: Link | None = None
    _given: "dict[str, asyncio.Queue[tuple[bytes, float]]]" = field(init=False)
    """Of each agent, what it will say to end its task, and when that came."""

    def __post_init__(self) -> None:
        self._given = {name: asyncio.Queue() for name in self.bots}

    async def connect(self) -> None:
        """Let everybody state itself; the first tasks come by themselves."""
        hello = Hello(
            client_id=f"coordinator-crew-{secrets.token_hex(4)}",
            keepalive_s=600,
            username="coordinator",
            password=self.where.coordinator_password,
        )
        self._link = await Link.open(self.where.host, self.where.port, hello, self._hear)
        await self._link.subscribe([f"{self.where.base}/inbox/+/+"], 0)
        for bot in self.bots.values():
            self._say(bot, "presence", bot.presence(), qos=1)
            self._say(bot, "info", bot.info(), qos=1)
            self._say(bot, "metrics", bot.metrics())
        self._beat_all()

    async def beat(self) -> None:
        """Renew all leases for ever."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._beat_all()

    async def given(self, agent: str) -> tuple[bytes, float]:
        """Wait until *agent* has a task; return what would end it, and when it came."""
        async with asyncio.timeout(WITHIN_S):
            return await self._given[agent].get()

    async def is_given(self, agent: str) -> float:
        """Wait until *agent* has a task, which it keeps; return when that came."""
        report, at = await self.given(agent)
        self._given[agent].put_nowait((report, at))
        return at

    def end(self, agent: str, report: bytes) -> float:
        """Let *agent* say that its task is over; return when."""
        at = asyncio.get_running_loop().time()
        self._say(self.bots[agent], "report", report, qos=1)
        return at

    async def close(self) -> None:
        if self._link is not None:
            self._link.close()
            await self._link.lost

    def _beat_all(self) -> None:
        now = asyncio.get_running_loop().time()
        for bot in self.bots.values():
            self._say(bot, "heartbeat", bot.heartbeat(now))

    def _hear(self, topic: str, payload: bytes, _retained: bool) -> None:  # noqa: FBT001 -- Link's
        now = asyncio.get_running_loop().time()
        _, name, channel = topic.rsplit("/", 2)
        bot = self.bots.get(name)
        if bot is None or not payload:
            return
        said = orjson.loads(payload)
        if channel == "lease":
            bot.on_lease(said, now)
            return
        for report in bot.on_desired(said):
            self._given[name].put_nowait((report, now))

    def _say(self, bot: Bot, channel: str, payload: bytes, qos: int = 0) -> None:
        assert self._link is not None, "not connected"
        topic = f"{self.where.base}/agents/{bot.name}/{channel}"
        self._link.publish(topic, payload, qos=qos, retain=False)


@contextlib.asynccontextmanager
async def crew_of(where: Where, size: int) -> AsyncIterator[Crew]:
    """Connect *size* agents and keep their leases."""
    crew = Crew(where, {name: Bot(name) for name in (f"Bot-{n}" for n in range(size))})
    await crew.connect()
    async with asyncio.TaskGroup() as group:
        beating = group.create_task(crew.beat(), name="beat")
        yield crew
        beating.cancel()
    await crew.close()
