"""The messages of this agent, built from what it is and what it decided.

Everything that is retained can be built again at any time: the broker may have forgotten it. What
is said is a document at once, without a class in between; a test holds it against the models.
"""

from collections import Counter
from typing import Any, Final

import orjson

from agent_client.clock import Clock
from agent_client.core.effects import SendHeartbeat
from agent_client.core.identity import Identity
from agent_client.core.outbox import StoredReport
from agent_client.messages.codec import document_of
from agent_client.settings import AgentSettings
from agent_client.version import VERSION
from protocol.limits import PROTOCOL_VERSION
from protocol.topics import AgentChannel
from protocol.vocabulary import PresenceState

FEATURES: Final = ("pause", "cancel", "progress")
CLIENT: Final = {"name": "fleetbus", "version": VERSION, "lang": "python"}
SPOKEN: Final = {"min": PROTOCOL_VERSION, "max": PROTOCOL_VERSION}


class Statements:
    """Builds and numbers what this process says, ready for the wire."""

    def __init__(
        self,
        settings: AgentSettings,
        identity: Identity,
        clock: Clock,
        prev_boot: str | None = None,
    ) -> None:
        self._prev_boot = prev_boot
        self._settings = settings
        self._identity = identity
        self._clock = clock
        self._born_ms = clock.now_ms()
        self._seq: Counter[AgentChannel] = Counter()

    def presence(self, state: PresenceState, reason: str | None = None) -> bytes:
        """Say whether the agent is there."""
        return self._said(
            self._next(AgentChannel.PRESENCE),
            state=state,
            reason=reason,
            prev_boot=self._prev_boot,
        )

    def will(self) -> bytes:
        """Write what the broker says for this connection when it breaks."""
        return self.presence(PresenceState.LOST, "the connection broke")

    def info(self) -> bytes:
        """Say what the agent is."""
        settings = self._settings
        return self._said(
            self._next(AgentChannel.INFO),
            machine_id=settings.machine_id,
            window_id=settings.window_id,
            capabilities=settings.capabilities,
            labels=dict(settings.labels),
            slots=settings.slots,
            features=FEATURES,
            config_path=settings.config_path,
            client=CLIENT,
            proto=SPOKEN,
            heartbeat_s=settings.heartbeat_s,
        )

    def heartbeat(self, facts: SendHeartbeat, mode: str | None) -> bytes:
        """Say that the agent is alive, and everything it holds."""
        return self._said(
            facts.seq,
            interval_s=self._settings.heartbeat_s,
            uptime_s=(self._clock.now_ms() - self._born_ms) / 1000,
            mode=mode or facts.mode,
            slots_free=facts.slots_free,
            holding=[document_of(held) for held in facts.holding],
            seen=document_of(facts.seen),
            report_seq=facts.report_seq,
            outbox=facts.outbox,
        )

    def metrics(self, numbers: dict[str, float]) -> bytes:
        """Tell the latest numbers."""
        return self._said(self._next(AgentChannel.METRICS), m=numbers)

    def report(self, report: StoredReport) -> bytes:
        """Tell one step of one assignment, under the number it was born with."""
        return self._said(
            report.seq,
            boot=report.boot,
            task=report.fence.task,
            fence=report.fence.number,
            event=report.event,
            detail=document_of(report.detail),
        )

    def _next(self, channel: AgentChannel) -> int:
        self._seq[channel] += 1
        return self._seq[channel]

    def _said(self, seq: int, *, boot: str | None = None, **fields: Any) -> bytes:  # noqa: ANN401 - JSON
        """Write an envelope and *fields*, less what is absent."""
        identity = self._identity
        document: dict[str, Any] = {
            "v": PROTOCOL_VERSION,
            "ts_ms": self._clock.wall_ms(),
            "agent": self._settings.name,
            "boot": boot or identity.boot,
            "epoch": identity.will_epoch if identity.epoch is None else identity.epoch,
            "conn": identity.conn,
            "seq": seq,
        }
        document |= {name: value for name, value in fields.items() if value is not None}
        return orjson.dumps(document)
