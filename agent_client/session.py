"""The agent's side of the bus: connect, state itself, and hear what it is told.

On every connection, reconnects included: the will first, then the subscriptions, then presence,
info and heartbeat, because the broker may have forgotten them all. Before its first presence a
process waits a moment for what is retained about its name, to take a higher epoch.
"""

import logging
from collections.abc import Callable
from random import Random
from typing import Final

from agent_client.backoff import Backoff
from agent_client.clock import Clock
from agent_client.connection import Connection, Received, Stage
from agent_client.core.effects import SendHeartbeat
from agent_client.core.events import (
    Connected,
    CoordinatorSeen,
    DesiredReceived,
    Disconnected,
    Event,
    LeaseReceived,
    RollCalled,
)
from agent_client.core.identity import Identity, Verdict
from agent_client.core.outbox import StoredReport
from agent_client.dropped import Dropped
from agent_client.errors import AgentError, SubscriptionRefused, Superseded
from agent_client.messages import CoordinatorPresence, Lease, Presence, Registry, RollCall
from agent_client.messages.codec import decode
from agent_client.messages.rereading import DesiredReader
from agent_client.metrics import MetricSet
from agent_client.settings import AgentSettings, BrokerAddress
from agent_client.statements import Statements
from protocol.errors import BadPayload, Reason
from protocol.topics import AgentChannel, CoordinatorChannel, InboxChannel
from protocol.vocabulary import PresenceState

log = logging.getLogger("fleetbus.agent")

RETAINED_WITHIN_MS: Final = 250
"""How long after the broker accepted the subscriptions its retained messages may still come."""
CHOOSE_WITHIN_MS: Final = 1_000
MISC_EVERY_MS: Final = 1_000
METRICS_EVERY_MS: Final = 1_000


class Session:
    """All connections of this process, one after the other."""

    def __init__(
        self,
        settings: AgentSettings,
        identity: Identity,
        clock: Clock,
        random: Random,
        metrics: MetricSet,
        *,
        prev_boot: str | None = None,
    ) -> None:
        self.identity = identity
        self.fatal: AgentError | None = None
        self.connection: Connection | None = None
        self.online = False
        self._settings = settings
        self._clock = clock
        self._random = random
        self._metrics = metrics
        self._backoff = Backoff(random)
        self._dropped = Dropped()
        self._says = Statements(settings, identity, clock, prev_boot)
        self._state = PresenceState.ONLINE
        self._reason: str | None = None
        self._mode: str | None = None
        self._connect_due: int | None = clock.now_ms()
        self._connected_ms = 0
        self._choose_due: int | None = None
        self._misc_due = 0
        self._rollcall_due: int | None = None
        self._metrics_sent: int | None = None
        self._last_metrics: bytes | None = None
        self._heard: set[str] = set()
        self._host: tuple[int, str] | None = None
        self._successor: Presence | None = None
        self._give_way_due: int | None = None
        self._desired = DesiredReader()
        self._term = 0
        self._turn = 0
        topics, name = settings.topics, settings.name
        self._presence_topic = topics.agent(name, AgentChannel.PRESENCE)
        self._info_topic = topics.agent(name, AgentChannel.INFO)
        self._heartbeat_topic = topics.agent(name, AgentChannel.HEARTBEAT)
        self._metrics_topic = topics.agent(name, AgentChannel.METRICS)
        self._report_topic = topics.agent(name, AgentChannel.REPORT)
        self._registry_topic = topics.registry(name)
        desired = topics.inbox(name, InboxChannel.DESIRED)
        lease = topics.inbox(name, InboxChannel.LEASE)
        coordinator = topics.coordinator(CoordinatorChannel.PRESENCE)
        rollcall = topics.coordinator(CoordinatorChannel.ROLLCALL)
        self._listeners: dict[str, Callable[[bytes, int], Event | None]] = {
            desired: lambda payload, _: DesiredReceived(self._desired.read(payload)),
            lease: lambda payload, _: LeaseReceived(decode(Lease, payload)),
            coordinator: self._on_coordinator,
            rollcall: self._on_rollcall,
            self._presence_topic: self._on_presence,
            self._registry_topic: self._on_registry,
        }
        inbox = desired.removesuffix(InboxChannel.DESIRED.value) + "#"
        self._subscriptions = (
            self._presence_topic,
            self._registry_topic,
            inbox,
            coordinator,
            rollcall,
        )

    @property
    def _server(self) -> BrokerAddress:
        """The server whose turn it is: the next one after each failure and each loss."""
        servers = self._settings.broker.servers
        return self._settings.broker.at(servers[self._turn % len(servers)])

    # --- time and connection

    def next_due(self) -> int | None:
        """When :meth:`advance` has something to do."""
        dues = [self._connect_due, self._choose_due, self._rollcall_due, self._give_way_due]
        if self.connection is not None:
            dues.append(self._misc_due)
        if self.online:
            dues.append(self.identity.restate_due())
        return min((due for due in dues if due is not None), default=None)

    def advance(self, now: int) -> list[Event]:
        """Do what has come due, take in what was received, and say what that means."""
        happened: list[Event] = []
        if self._connect_due is not None and now >= self._connect_due:
            self._connect(now)
        connection = self.connection
        if connection is None:
            return happened
        if now >= self._misc_due:
            self._misc_due = now + MISC_EVERY_MS
            connection.misc()
            self._refuse_silence(connection, now)
        while connection.received and self.fatal is None:
            if (event := self._hear(connection.received.popleft(), now)) is not None:
                happened.append(event)
        if self._give_way_due is not None and now >= self._give_way_due:
            self._give_way()
        if connection.stage is Stage.READY and not self.online and self._successor is None:
            self._greet(now, happened)
        if self.online:
            self._due_statements(now, happened)
        if connection.stage is Stage.CLOSED and self.connection is connection:
            self._lost(connection, now, happened)
        return happened

    def _connect(self, now: int) -> None:
        self._connect_due, self._connected_ms = None, now
        self._misc_due = now + MISC_EVERY_MS
        self.identity.connecting(self._clock.wall_ms())
        self._heard.clear()
        self.connection = Connection(
            self._settings,
            self._server,
            will=(self._presence_topic, self._says.will()),
            topics=self._subscriptions,
        )
        self.connection.open()

    def _refuse_silence(self, connection: Connection, now: int) -> None:
        # A broker that accepted the connection but neither CONNECT nor SUBSCRIBE is no broker.
        within_ms = self._settings.profile.answers_within_s * 1000
        young = connection.stage in {Stage.CONNECTING, Stage.SUBSCRIBING}
        if young and now - self._connected_ms >= within_ms:
            connection.close("the broker does not answer", gracefully=False)

    def _greet(self, now: int, happened: list[Event]) -> None:
        if self.identity.epoch is None:
            if self._choose_due is None:
                latest = self._connected_ms + CHOOSE_WITHIN_MS
                self._choose_due = max(now, min(now + RETAINED_WITHIN_MS, latest))
            all_heard = {self._presence_topic, self._registry_topic} <= self._heard
            if now < self._choose_due and not all_heard:
                return
            self._choose_due = None
            if not self.identity.choose_epoch():
                self.reconnect("the will must carry the epoch", now, happened)
                return
        self.online = True
        log.info("agent %s is connected to %s", self._settings.name, self._server)
        self._state_all(now)
        happened.append(Connected())

    def _due_statements(self, now: int, happened: list[Event]) -> None:
        due = self.identity.restate_due()
        if due is not None and now >= due:
            self.state_presence(self._state, now)
        if self._rollcall_due is not None and now >= self._rollcall_due:
            self._rollcall_due = None
            self._state_all(now)
            happened.append(RollCalled())

    def _lost(self, connection: Connection, now: int, happened: list[Event]) -> None:
        connection.close("", gracefully=False)
        was_online, self.online, self.connection = self.online, False, None
        self._choose_due = self._rollcall_due = None
        if was_online:
            self._backoff.lived(now - self._connected_ms)
            happened.append(Disconnected())
        if self._successor is not None:
            self._give_way()
        elif connection.refused_topic is not None:
            self.fatal = SubscriptionRefused(self._settings.name, connection.refused_topic)
        if self.fatal is not None:
            return
        tried = self._server
        self._turn += 1
        wait_ms = self._backoff.next_ms(refused=connection.credentials_refused)
        self._connect_due = now + wait_ms
        level = logging.ERROR if connection.credentials_refused else logging.INFO
        log.log(
            level,
            "agent %s is not connected to %s: %s; next attempt in %.1f s",
            self._settings.name,
            tried,
            connection.why_closed,
            wait_ms / 1000,
        )

    def reconnect(self, why: str, now: int, happened: list[Event]) -> None:
        """Make a new connection at once."""
        log.info("agent %s makes a new connection: %s", self._settings.name, why)
        if self.connection is not None:
            self.connection.close(why, gracefully=True)
            self.connection = None
        if self.online:
            self.online = False
            happened.append(Disconnected())
        self._choose_due = self._rollcall_due = None
        self._connect_due = now

    def close(self) -> None:
        """Hang up without a word, and do not come back."""
        self._connect_due = None
        self.online = False
        if self.connection is not None:
            self.connection.close("closed", gracefully=True)
            self.connection = None

    # --- hearing

    def acknowledge(self) -> None:
        """Tell the broker that what :meth:`advance` took in has been carried out."""
        if self.connection is not None:
            self.connection.acknowledge()

    def _hear(self, message: Received, now: int) -> Event | None:
        listener = self._listeners.get(message.topic)
        if listener is None:
            return None  # a channel of a newer protocol
        self._heard.add(message.topic)
        if not message.payload:
            return None  # a retained message was cleared
        try:
            return listener(message.payload, now)
        except BadPayload as error:
            self._dropped.count(message.topic, message.payload, error, now)
            return None

    def _on_coordinator(self, payload: bytes, _now: int) -> Event | None:
        presence = decode(CoordinatorPresence, payload)
        if presence.term < self._term:
            return None
        self._term = presence.term
        return CoordinatorSeen(presence.state)

    def _on_rollcall(self, payload: bytes, now: int) -> None:
        jitter_ms = decode(RollCall, payload).jitter_ms
        if self.online and self._rollcall_due is None:
            self._rollcall_due = now + self._random.randint(0, jitter_ms)

    def _on_presence(self, payload: bytes, now: int) -> None:
        presence = decode(Presence, payload)
        if presence.agent != self._settings.name:
            raise BadPayload(Reason.WRONG_SENDER, presence.agent)
        match self.identity.on_presence(presence):
            case Verdict.SUPERSEDED if self._successor is None:
                self._successor, self._give_way_due = presence, now + RETAINED_WITHIN_MS
                self._give_way_if_host_is_known()
            case Verdict.SUPERSEDED:
                self._successor = presence
                self._give_way_if_host_is_known()
            case Verdict.RESTATE:
                self.identity.ask_restatement(now)
            case Verdict.RAISE_EPOCH:
                self._raise_epoch()
            case Verdict.NOTHING:
                pass

    def _on_registry(self, payload: bytes, _now: int) -> None:
        registry = decode(Registry, payload)
        if registry.agent != self._settings.name:
            raise BadPayload(Reason.WRONG_SENDER, registry.agent)
        if registry.machine_id is not None:
            host = f"{registry.machine_id}, window {registry.window_id}"
            self._host = (registry.epoch, host)
        if self._successor is not None:
            self._give_way_if_host_is_known()
        elif self.identity.on_registry(registry.epoch) is Verdict.RAISE_EPOCH:
            self._raise_epoch()

    def _give_way_if_host_is_known(self) -> None:
        """End because of the successor; its card, which names its host, may be on its way."""
        if self._host and self._successor and self._host[0] >= self._successor.epoch:
            self._give_way()

    def _give_way(self) -> None:
        if self._successor is not None and self.fatal is None:
            epoch, host = self._host or (-1, "")
            known = host if epoch >= self._successor.epoch else None
            self.fatal = Superseded(self._settings.name, self._successor.boot, known)

    def _raise_epoch(self) -> None:
        # Through the closed stage, so that the wait before the next attempt is drawn as usual.
        self.identity.reconsider_epoch()
        if self.connection is not None:
            self.connection.close("a higher epoch is known", gracefully=True)

    # --- speaking

    def _state_all(self, now: int) -> None:
        self.state_presence(self._state, now)
        self._publish(self._info_topic, self._says.info(), qos=1, retain=True)

    def state_presence(self, state: PresenceState, now: int) -> None:
        """State the presence, now if that is possible and else when connected."""
        self._state = state
        if self.online:
            payload = self._says.presence(state, self._reason)
            self.identity.state(state, now)
            self._publish(self._presence_topic, payload, qos=1, retain=True)

    def give_reason(self, reason: str | None, now: int) -> None:
        """Put *reason* into the presence, not more often than it may be stated."""
        self._reason = reason
        self.identity.ask_restatement(now)

    def set_mode(self, mode: str | None) -> None:
        """Say *mode* in heartbeats instead of that of the running task."""
        self._mode = mode

    def send_heartbeat(self, facts: SendHeartbeat, now: int) -> None:
        """Publish a heartbeat, and the metrics beside it."""
        payload = self._says.heartbeat(facts, self._mode)
        self._publish(self._heartbeat_topic, payload, qos=0, retain=True)
        if self._metrics_sent is None or now - self._metrics_sent >= METRICS_EVERY_MS:
            self._metrics_sent = now
            numbers = self._metrics.collect()
            for reason, count in self._dropped.by_reason.items():
                numbers.setdefault(f"dropped.{reason}", float(count))
            self._publish(self._metrics_topic, self._says.metrics(numbers), qos=0, retain=True)

    def send_report(self, report: StoredReport) -> None:
        """Publish a report."""
        self._publish(self._report_topic, self._says.report(report), qos=1, retain=False)

    def say_goodbye(self, reason: str, now: int) -> None:
        """State that the agent is offline by intent, and hang up."""
        self._reason = reason or None
        self.state_presence(PresenceState.OFFLINE, now)
        self.close()

    def _publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        if self.connection is not None and self.online:
            self.connection.publish(topic, payload, qos=qos, retain=retain)
