"""All agents that speak HTTP, and the connection on which their words are said.

They are forgotten when the control room ends; a bot then hears `not_registered` and introduces
itself again, as after any restart of its own.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from coordinator.http import clock
from coordinator.http.gateway.agent import CLIENT, Held, HttpAgent
from coordinator.http.live.mirror import Mirror
from coordinator.http.problems import Refused
from coordinator.http.schemas.agents import (
    AgentHeartbeat,
    AgentRegistration,
    HeartbeatAnswer,
    HeldTask,
)
from coordinator.http.schemas.base import instant
from coordinator.http.schemas.tasks import Task
from coordinator.http.views.tasks import shown_task
from coordinator.shell.bus import Bus
from protocol import codec
from protocol.errors import BadName, WireError
from protocol.messages import Desired, Lease, ReportDetail
from protocol.names import agent_name
from protocol.topics import AgentChannel, InboxChannel
from protocol.vocabulary import (
    AgentHealth,
    AgentStatus,
    PresenceState,
    Priority,
    ReportEvent,
    TaskStatus,
)

DEFAULT_HEARTBEAT_S: Final = 10.0
ANSWER_S: Final = 5.0
RESEND_S: Final = 1.0
MOST_AGENTS: Final = 1_000
KNOWN_WITHIN_S: Final = 5.0


@dataclass(slots=True)
class HttpAgents:
    """Registers agents, says their words, and keeps what they are told. One event loop uses it."""

    mirror: Mirror
    listen: Callable[[list[str]], None] = lambda _filters: None
    """How to hear what is said to somebody."""
    bus: Bus | None = None
    """A connection that may speak for agents; without one, nobody can register."""
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is somebody to speak for."""
    _known: dict[str, HttpAgent] = field(default_factory=dict)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _telling: "set[asyncio.Task[None]]" = field(default_factory=set)

    # --- requests

    async def register(self, said: AgentRegistration) -> None:
        """Introduce an agent to the fleet, and wait until the coordinator knows it."""
        try:
            agent_name(said.name)
        except BadName as error:
            raise Refused.bad("body.name", said.name, str(error)) from None
        self._refuse_others(said.name)
        before = self._known.get(said.name)
        card = self.mirror.registry(said.name)
        now_ms = clock.wall_ms()
        agent = HttpAgent(
            said,
            boot=secrets.token_hex(16),
            epoch=max(now_ms, (card.epoch if card else 0) + 1),
            heartbeat_s=said.heartbeat_s or DEFAULT_HEARTBEAT_S,
            born_s=clock.mono_s(),
            born_ms=now_ms,
            prev_boot=before.boot if before else None,
        )
        self._known[said.name] = agent
        await self._connected()
        topics = self.mirror.topics
        self.listen([topics.inbox(said.name, channel) for channel in InboxChannel])
        self._greet(agent)
        await self._beat(agent)
        await self._until(
            lambda: (
                (known := self.mirror.registry(said.name)) is not None
                and known.epoch >= agent.epoch
            ),
            KNOWN_WITHIN_S,
        )

    def _refuse_others(self, name: str) -> None:
        if self.bus is None:
            raise Refused(
                501,
                "no_gateway",
                "this control room may not speak for agents on its broker; run it beside the "
                "broker, or give it the coordinator's credentials",
            )
        card, info = self.mirror.registry(name), self.mirror.info(name)
        is_ours = info is not None and info.client is not None and info.client.name == CLIENT
        if card is not None and card.status is not AgentStatus.OFFLINE and not is_ours:
            raise Refused(409, "conflict", f"agent {name} is on the bus and speaks for itself")
        if name not in self._known and len(self._known) >= MOST_AGENTS:
            raise Refused(503, "busy", f"{MOST_AGENTS} agents speak HTTP here already")

    async def beat(self, name: str, said: AgentHeartbeat) -> HeartbeatAnswer:
        """Say that *name* is alive and how it is; return what the coordinator answered."""
        agent = self._agent(name)
        agent.mode = said.mode if said.mode is not None else agent.mode
        pauses = said.status in {AgentStatus.MAINTENANCE, AgentStatus.ERROR}
        self._state(agent, PresenceState.PAUSED if pauses else PresenceState.ONLINE)
        if said.status is AgentStatus.OFFLINE:
            self._state(agent, PresenceState.OFFLINE)
        if said.metrics:
            agent.metrics = dict(said.metrics)
            self._say(agent, AgentChannel.METRICS, agent.numbers(clock.wall_ms()))
        await self._beat(agent)
        card, now_s = self.mirror.registry(name), clock.mono_s()
        return HeartbeatAnswer(
            agent=name,
            status=card.status if card else AgentStatus.ONLINE,
            health=card.health if card else AgentHealth.UNKNOWN,
            desired_mode=agent.desired_mode,
            holds=[
                HeldTask(
                    task=task,
                    fence=held.told.fence,
                    want=held.told.want.value,
                    lease_left_s=round(max(0.0, held.deadline_s - now_s), 3),
                )
                for task, held in agent.held.items()
            ],
            next_within_s=agent.heartbeat_s,
        )

    async def next_task(self, name: str, wait_s: float) -> Task | None:
        """Return the next task that *name* was given and has not begun."""
        agent = self._agent(name)
        end_s = clock.mono_s() + wait_s
        await self._beat(agent)
        while (offer := agent.next_offer(clock.mono_s())) is None:
            left_s = end_s - clock.mono_s()
            if left_s <= 0:
                return None
            await self._until(
                lambda: agent.next_offer(clock.mono_s()) is not None,
                min(left_s, agent.heartbeat_s),
            )
            if agent.next_offer(clock.mono_s()) is None and end_s > clock.mono_s():
                await self._beat(agent)
        return self._offered(agent, offer)

    def holder_of(self, task: str) -> HttpAgent | None:
        """Return the agent that holds *task* over HTTP, if one does."""
        now_s = clock.mono_s()
        for agent in self._known.values():
            held = agent.held.get(task)
            if held is not None:
                if now_s < held.deadline_s:
                    return agent
                agent.give_up_overdue(now_s, clock.wall_ms())
        return None

    async def report(
        self, agent: HttpAgent, task: str, event: ReportEvent, detail: ReportDetail
    ) -> None:
        """Say what became of *task*, and wait until that is stored."""
        agent.report(task, event, detail, clock.mono_s(), clock.wall_ms())
        end_s = clock.mono_s() + 2 * ANSWER_S
        while agent.outbox and clock.mono_s() < end_s:
            for said in agent.outbox:
                self._say(agent, AgentChannel.REPORT, codec.encode(said))
            await self._until(lambda: not agent.outbox, RESEND_S)
        if agent.outbox:
            raise Refused(
                503,
                "coordinator_silent",
                "the report is not stored yet; it is repeated with the next heartbeat",
            )

    def forget(self, name: str) -> None:
        """Let *name* speak no more."""
        self._known.pop(name, None)

    # --- the bus

    def on_connected(self) -> None:
        """State everything anew: the broker may have forgotten it. Nobody lives by this alone."""
        for agent in self._known.values():
            agent.conn += 1
            self._greet(agent)

    def hear(self, name: str, channel: str, payload: bytes) -> None:
        """Take in what the coordinator tells *name*."""
        agent = self._known.get(name)
        if agent is None or not payload:
            return
        try:
            if channel == InboxChannel.DESIRED.value:
                desired = codec.decode(Desired, payload)
                for said in agent.take_desired(desired, clock.mono_s(), clock.wall_ms()):
                    self._say(agent, AgentChannel.REPORT, codec.encode(said))
            else:
                agent.take_lease(codec.decode(Lease, payload), clock.mono_s())
        except WireError:
            self.mirror.unreadable += 1
            return
        self.notice()

    def notice(self) -> None:
        """Wake those who wait for something to change."""
        telling = asyncio.ensure_future(self._tell())
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def say_goodbye(self) -> None:
        """Say for everyone that it is gone."""
        for agent in self._known.values():
            self._state(agent, PresenceState.OFFLINE)

    async def _connected(self) -> None:
        self.wanted.set()
        bus = self.bus
        await self._until(lambda: bus is not None and bus.is_connected, ANSWER_S)
        if bus is None or not bus.is_connected:
            raise Refused(503, "bus_unreachable", "the control room has no connection to the bus")

    async def _beat(self, agent: HttpAgent) -> None:
        """Say a heartbeat and what was not acknowledged, and wait for the coordinator's answer."""
        await self._connected()
        self._say(agent, AgentChannel.HEARTBEAT, agent.beat(clock.mono_s(), clock.wall_ms()))
        for said in agent.outbox:
            self._say(agent, AgentChannel.REPORT, codec.encode(said))
        number = agent.beats
        await self._until(lambda: agent.answered >= number, ANSWER_S)

    async def _until(self, done: Callable[[], bool], within_s: float) -> bool:
        end_s = clock.mono_s() + within_s
        async with self._news:
            while not done():
                left_s = end_s - clock.mono_s()
                if left_s <= 0:
                    return False
                try:
                    # Not all that is waited for comes with a notice.
                    async with asyncio.timeout(min(left_s, 0.05)):
                        await self._news.wait()
                except TimeoutError:
                    continue
        return True

    def _state(self, agent: HttpAgent, presence: PresenceState) -> None:
        if agent.presence is not presence:
            agent.presence = presence
            self._greet(agent)

    def _greet(self, agent: HttpAgent) -> None:
        for channel, payload in agent.greeting(clock.wall_ms()):
            self._say(agent, channel, payload)

    def _say(self, agent: HttpAgent, channel: AgentChannel, payload: bytes) -> None:
        if self.bus is not None:
            topic = self.mirror.topics.agent(agent.said.name, channel)
            is_level = channel is not AgentChannel.REPORT
            self.bus.publish(topic, payload, qos=1, retain=is_level)

    def _agent(self, name: str) -> HttpAgent:
        agent = self._known.get(name)
        if agent is None:
            raise Refused(
                404, "not_registered", f"agent {name[:80]!r} has not registered here; register it"
            )
        return agent

    def _offered(self, agent: HttpAgent, offer: Held) -> Task:
        told = offer.told
        card = self.mirror.task(told.task)
        if card is not None and card.fence == told.fence:
            return shown_task(card).model_copy(update={"args": told.args})
        return Task.model_construct(
            id=told.task,
            name=told.name,
            mode=told.mode,
            agent_name=agent.said.name,
            priority=Priority.NORMAL,
            status=TaskStatus.RUNNING,
            phase="offered",
            fence=told.fence,
            created_at=instant(agent.born_ms),
            args=told.args,
        )
