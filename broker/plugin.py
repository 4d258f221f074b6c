"""The access table, as the plugin that the MQTT library asks about every client and message.

Decisions are made in :mod:`broker.identity` and :mod:`broker.gate`; this is where they meet the
library, the coordinator's secret file and the log.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from amqtt.contexts import Action  # type: ignore[import-untyped]  # amqtt ships no type marker
from amqtt.plugins.base import (  # type: ignore[import-untyped]  # amqtt ships no type marker
    BaseAuthPlugin,
    BaseTopicPlugin,
)

from broker.gate import Gate
from broker.identity import Connect, Refusal, claims_coordinator, identify
from broker.tally import Tally
from protocol.topics import DEFAULT_ROOT, Topics

log = logging.getLogger(__name__)

_GATE: Final = "fleetbus.gate"


def gate_of(session: Any) -> Gate | None:  # noqa: ANN401  # amqtt is untyped
    """Return the gate of an admitted session, None before that."""
    gate: Gate | None = session.attributes.get(_GATE)
    return gate


class FleetAccess(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]  # amqtt is untyped
    """Lets clients in and messages through by the protocol's access table."""

    @dataclass
    class Config:
        """What the library hands over from :class:`broker.settings.BrokerSettings`."""

        root: str = DEFAULT_ROOT
        secret_file: str | None = None

    def __init__(self, context: Any) -> None:  # noqa: ANN401  # amqtt is untyped
        super().__init__(context)
        self._topics = Topics(self.config.root)
        self._secret_file = Path(self.config.secret_file) if self.config.secret_file else None
        self._refused_connects = Tally()
        self._refused_publishes = Tally()

    async def authenticate(self, *, session: Any) -> bool:  # noqa: ANN401  # amqtt is untyped
        """Admit *session* and give it its gate; one that has its gate is admitted already."""
        if gate_of(session) is not None:
            return True
        secret = self._secret() if claims_coordinator(session.username) else None
        connect = Connect(
            client_id=session.client_id,
            username=session.username,
            password=session.password,
            will_topic=session.will_topic if session.will_flag else None,
            clean_session=session.clean_session,
        )
        verdict = identify(self._topics, connect, secret)
        if isinstance(verdict, Refusal):
            # By name rather than by client id, which may be a new random one at each attempt.
            name = session.username or session.client_id
            if count := self._refused_connects.note(name, time.monotonic()):
                log.warning("refused %d connection(s) of %.80r: %s", count, name, verdict.reason)
            return False
        session.attributes[_GATE] = Gate(verdict)
        return True

    async def topic_filtering(
        self,
        *,
        session: Any = None,  # noqa: ANN401  # amqtt is untyped
        topic: str | None = None,
        action: Any = None,  # noqa: ANN401  # amqtt is untyped
    ) -> bool:
        """Say whether *session* may do *action* on *topic*."""
        gate = gate_of(session)
        if gate is None or topic is None:
            return False
        if action is Action.RECEIVE:
            return gate.may_read(topic)
        if action is Action.PUBLISH:
            return gate.may_publish(topic) or self._refuse_publish(session.client_id, topic)
        return gate.may_subscribe(topic)

    def _refuse_publish(self, client_id: str, topic: str) -> bool:
        if count := self._refused_publishes.note(client_id, time.monotonic()):
            log.warning(
                "dropped %d message(s) of %.80r, the last to %.200r: not its topic",
                count,
                client_id,
                topic,
            )
        return False

    def _secret(self) -> bytes | None:
        """Read the coordinator's password, anew each time: a coordinator's start may change it."""
        if self._secret_file is None:
            log.warning("refusing a coordinator: no secret file is set (--secret-file)")
            return None
        try:
            return self._secret_file.read_bytes().strip()
        except OSError as error:
            log.warning(
                "refusing a coordinator: its secret file %s cannot be read: %s",
                self._secret_file,
                error.strerror,
            )
            return None
