"""What one boot of an agent says, as messages that the wire has not seen."""

from collections.abc import Callable
from typing import Any, Final

from agent_client.core import effects
from agent_client.core.identity import Identity
from agent_client.core.outbox import StoredReport
from protocol.limits import PROTOCOL_VERSION
from protocol.messages import (
    Heartbeat,
    Holding,
    Info,
    Metrics,
    Presence,
    Report,
    ReportDetail,
    Seen,
)
from protocol.vocabulary import PresenceState
from tests.simulation.host import Host
from tests.simulation.words import SaidAs, make

SLOTS: Final = 2
MODES: Final = ("quest", "combat")
_holding: Final = SaidAs(Holding)
_seen: Final = SaidAs(Seen)
_detail: Final = SaidAs(ReportDetail)


class AgentWords:
    """Builds the messages of one boot, and numbers them."""

    def __init__(
        self,
        name: str,
        host: Host,
        identity: Identity,
        wall_ms: Callable[[], int],
        heartbeat_s: float,
    ) -> None:
        self.prev_boot = host.last_boot if host.durable else None
        self._name, self._host, self._identity = name, host, identity
        self._wall_ms, self._heartbeat_s = wall_ms, heartbeat_s
        self._seq = 0

    def _envelope(self) -> dict[str, Any]:
        identity = self._identity
        self._seq += 1
        return {
            "v": PROTOCOL_VERSION,
            "ts_ms": self._wall_ms(),
            "agent": self._name,
            "boot": identity.boot,
            "epoch": identity.will_epoch if identity.epoch is None else identity.epoch,
            "conn": identity.conn,
            "seq": self._seq,
        }

    def presence(self, state: PresenceState) -> Presence:
        """Say whether the process is there; with state lost it is the will."""
        said = self._envelope()
        said["state"], said["reason"], said["prev_boot"] = state, None, self.prev_boot
        return make(Presence, said)

    def info(self) -> Info:
        """Say what the agent is."""
        return Info.model_construct(  # it is compared with the one before
            **self._envelope(),
            machine_id=f"m{self._host.number}",
            window_id=self._name,
            capabilities=MODES,
            labels={},
            slots=SLOTS,
            features=("pause", "cancel", "progress"),
            config_path=None,
            client=None,
            proto=Info.model_fields["proto"].default,
            heartbeat_s=self._heartbeat_s,
        )

    def heartbeat(self, facts: effects.SendHeartbeat) -> Heartbeat:
        """Say that the agent lives, and what it holds."""
        said = self._envelope()
        said["seq"] = facts.seq
        said["interval_s"], said["uptime_s"] = self._heartbeat_s, 0.0
        said["mode"], said["slots_free"] = facts.mode, facts.slots_free
        said["holding"] = tuple(map(_holding, facts.holding))
        said["seen"] = _seen(facts.seen)
        said["report_seq"], said["outbox"] = facts.report_seq, facts.outbox
        return make(Heartbeat, said)

    def metrics(self, *, hot: bool) -> Metrics:
        """Say how the machine is."""
        said = self._envelope()
        said["m"] = {"cpu_usage": 99.0 if hot else 10.0}
        return make(Metrics, said)

    def report(self, report: StoredReport) -> Report:
        """Say what became of a task."""
        said = self._envelope()
        said["boot"], said["seq"] = report.boot, report.seq
        said["task"], said["fence"] = report.fence.task, report.fence.number
        said["event"], said["detail"] = report.event, _detail(report.detail)
        return make(Report, said)
