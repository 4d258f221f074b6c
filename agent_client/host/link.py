"""A host's side of the bus: connect, connect again, say what it is, and hear what it should run."""

import logging
from collections.abc import Callable
from random import Random
from typing import Final

from agent_client.backoff import Backoff
from agent_client.clock import Clock
from agent_client.connection import Connection, Received, Stage
from agent_client.errors import AgentError, SubscriptionRefused
from agent_client.host.settings import HostSettings
from agent_client.host.words import Words
from agent_client.settings import BrokerAddress
from protocol.codec import decode
from protocol.errors import BadPayload
from protocol.messages import HostDesired, HostPresence
from protocol.topics import HostChannel
from protocol.vocabulary import PresenceState

log = logging.getLogger("fleetbus.host")

MISC_EVERY_MS: Final = 1_000
GREETING_WITHIN_MS: Final = 10_000


class HostSuperseded(AgentError):
    """Another host says that it is of this machine."""

    def __init__(self, machine_id: str, boot: str) -> None:
        super().__init__(
            f"another host of machine {machine_id!r} was started (boot {boot}); this one has "
            "stopped its agents. Give one of the two another --machine"
        )


class Link:
    """All connections of this host, one after the other."""

    def __init__(
        self,
        settings: HostSettings,
        words: Words,
        clock: Clock,
        random: Random,
        on_desired: Callable[[HostDesired], None],
    ) -> None:
        self.connection: Connection | None = None
        self.is_online = False
        self.fatal: AgentError | None = None
        self._settings = settings
        self._words = words
        self._clock = clock
        self._backoff = Backoff(random)
        self._on_desired = on_desired
        self._connect_due: int | None = clock.now_ms()
        self._connected_ms = 0
        self._turn = 0
        self._misc_due = 0
        topics, name = settings.bus.topics, settings.name
        self._topic = {channel: topics.host(name, channel) for channel in HostChannel}

    @property
    def _server(self) -> BrokerAddress:
        """The server whose turn it is."""
        servers = self._settings.broker.servers
        return self._settings.broker.at(servers[self._turn % len(servers)])

    def next_due(self) -> int | None:
        """When :meth:`advance` has something to do."""
        return self._misc_due if self.connection is not None else self._connect_due

    def advance(self, now: int) -> bool:
        """Do what has come due and take in what was received; say whether it is newly online."""
        if self._connect_due is not None and now >= self._connect_due:
            self._connect(now)
        connection = self.connection
        if connection is None:
            return False
        if now >= self._misc_due:
            self._misc_due = now + MISC_EVERY_MS
            connection.misc()
            young = connection.stage in {Stage.CONNECTING, Stage.SUBSCRIBING}
            if young and now - self._connected_ms >= GREETING_WITHIN_MS:
                connection.close("the broker does not answer", gracefully=False)
        while connection.received:
            self._hear(connection.received.popleft())
        greets = connection.stage is Stage.READY and not self.is_online
        if greets:
            self.is_online = True
            log.info("host %s is connected to %s", self._settings.name, self._server)
            self.say(HostChannel.PRESENCE, self._words.presence(PresenceState.ONLINE), qos=1)
        if connection.stage is Stage.CLOSED:
            self._lost(connection, now)
        return greets

    def say(self, channel: HostChannel, payload: bytes, *, qos: int) -> None:
        """Say something that is retained, if there is a connection."""
        if self.connection is not None and self.is_online:
            self.connection.publish(self._topic[channel], payload, qos=qos, retain=True)

    def close(self, reason: str) -> None:
        """Say goodbye, hang up and do not come back."""
        self.say(HostChannel.PRESENCE, self._words.presence(PresenceState.OFFLINE, reason), qos=1)
        self._connect_due = None
        if self.connection is not None:
            self.connection.close(reason, gracefully=True)
            self.connection = None
        self.is_online = False

    def _connect(self, now: int) -> None:
        self._connect_due, self._connected_ms = None, now
        self._misc_due = now + MISC_EVERY_MS
        self._words.conn += 1
        will = self._words.presence(PresenceState.LOST, "the connection broke")
        self.connection = Connection(
            self._settings.bus,
            self._server,
            will=(self._topic[HostChannel.PRESENCE], will),
            topics=(self._topic[HostChannel.PRESENCE], self._topic[HostChannel.DESIRED]),
        )
        self.connection.open()

    def _lost(self, connection: Connection, now: int) -> None:
        connection.close("", gracefully=False)
        if self.is_online:
            self._backoff.lived(now - self._connected_ms)
        self.connection, self.is_online = None, False
        tried = self._server
        self._turn += 1
        if connection.refused_topic is not None:
            self.fatal = SubscriptionRefused(self._settings.name, connection.refused_topic)
            return
        wait_ms = self._backoff.next_ms(refused=connection.credentials_refused)
        self._connect_due = now + wait_ms
        log.log(
            logging.ERROR if connection.credentials_refused else logging.INFO,
            "host %s is not connected to %s: %s; next attempt in %.1f s",
            self._settings.name,
            tried,
            connection.why_closed,
            wait_ms / 1000,
        )

    def _hear(self, message: Received) -> None:
        if not message.payload:
            return  # a retained message was cleared
        try:
            if message.topic == self._topic[HostChannel.DESIRED]:
                self._on_desired(decode(HostDesired, message.payload))
            elif message.topic == self._topic[HostChannel.PRESENCE]:
                self._meet(decode(HostPresence, message.payload))
        except BadPayload as error:
            log.warning("dropped a message on %s: %s", message.topic, str(error)[:200])

    def _meet(self, said: HostPresence) -> None:
        mine = self._words
        if said.boot == mine.boot:
            if said.conn < mine.conn and self.is_online:  # the will of an earlier connection
                payload = mine.presence(PresenceState.ONLINE)
                self.say(HostChannel.PRESENCE, payload, qos=1)
        elif said.epoch > mine.epoch:
            if said.state is PresenceState.ONLINE:
                self.fatal = HostSuperseded(self._settings.machine_id, said.boot)
            else:
                mine.epoch = said.epoch + 1  # this machine's clock was set back since
        elif self.is_online:
            self.say(HostChannel.PRESENCE, mine.presence(PresenceState.ONLINE), qos=1)
