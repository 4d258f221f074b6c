"""The messages of this agent, built from what it is and what it decided.

Everything that is retained can be built again at any time: the broker may have forgotten it.
"""

from collections import Counter
from importlib import metadata
from typing import Final, TypedDict

from agent_client.clock import Clock
from agent_client.core.effects import SendHeartbeat
from agent_client.core.identity import Identity
from agent_client.core.outbox import StoredReport
from agent_client.settings import AgentSettings
from protocol.codec import encode
from protocol.messages import ClientInfo, Heartbeat, Info, Metrics, Presence, Report
from protocol.topics import AgentChannel
from protocol.vocabulary import PresenceState

FEATURES: Final = ("pause", "cancel", "progress")
CLIENT_NAME: Final = "fleetbus"


class _Envelope(TypedDict):
    ts_ms: int
    agent: str
    boot: str
    epoch: int
    conn: int


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
        self._client = ClientInfo(name=CLIENT_NAME, version=_version(), lang="python")

    def presence(self, state: PresenceState, reason: str | None = None) -> bytes:
        """Say whether the agent is there."""
        seq = self._next(AgentChannel.PRESENCE)
        return encode(
            Presence(
                **self._envelope(),
                seq=seq,
                state=state,
                reason=reason,
                prev_boot=self._prev_boot,
            )
        )

    def will(self) -> bytes:
        """Write what the broker says for this connection when it breaks."""
        return self.presence(PresenceState.LOST, "the connection broke")

    def info(self) -> bytes:
        """Say what the agent is."""
        settings = self._settings
        return encode(
            Info(
                **self._envelope(),
                seq=self._next(AgentChannel.INFO),
                machine_id=settings.machine_id,
                window_id=settings.window_id,
                capabilities=settings.capabilities,
                labels=dict(settings.labels),
                slots=settings.slots,
                features=FEATURES,
                config_path=settings.config_path,
                client=self._client,
                heartbeat_s=settings.heartbeat_s,
            )
        )

    def heartbeat(self, facts: SendHeartbeat, mode: str | None) -> bytes:
        """Say that the agent is alive, and everything it holds."""
        return encode(
            Heartbeat(
                **self._envelope(),
                seq=facts.seq,
                interval_s=self._settings.heartbeat_s,
                uptime_s=(self._clock.now_ms() - self._born_ms) / 1000,
                mode=mode or facts.mode,
                slots_free=facts.slots_free,
                holding=facts.holding,
                seen=facts.seen,
                report_seq=facts.report_seq,
                outbox=facts.outbox,
            )
        )

    def metrics(self, numbers: dict[str, float]) -> bytes:
        """Tell the latest numbers."""
        return encode(Metrics(**self._envelope(), seq=self._next(AgentChannel.METRICS), m=numbers))

    def report(self, report: StoredReport) -> bytes:
        """Tell one step of one assignment, under the number it was born with."""
        envelope = self._envelope()
        envelope["boot"] = report.boot
        return encode(
            Report(
                **envelope,
                seq=report.seq,
                task=report.fence.task,
                fence=report.fence.number,
                event=report.event,
                detail=report.detail,
            )
        )

    def _next(self, channel: AgentChannel) -> int:
        self._seq[channel] += 1
        return self._seq[channel]

    def _envelope(self) -> _Envelope:
        identity = self._identity
        return {
            "ts_ms": self._clock.wall_ms(),
            "agent": self._settings.name,
            "boot": identity.boot,
            "epoch": identity.will_epoch if identity.epoch is None else identity.epoch,
            "conn": identity.conn,
        }


def _version() -> str:
    try:
        return metadata.version("fleetbus")
    except metadata.PackageNotFoundError:
        return "unknown"  # the source tree is used without being installed
