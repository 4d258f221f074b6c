"""Everything that an agent says is a message of the protocol."""

from typing import Final

import pytest

from agent_client.core.effects import SendHeartbeat
from agent_client.core.fence import Fence
from agent_client.core.identity import Identity
from agent_client.core.outbox import StoredReport
from agent_client.messages import Holding, ReportDetail, Seen
from agent_client.settings import AgentSettings, BrokerAddress
from agent_client.statements import Statements
from protocol.codec import decode
from protocol.messages import Heartbeat, Info, Message, Metrics, Presence, Report
from protocol.vocabulary import HoldingPhase, PresenceState, ReportEvent

BOOT: Final = "a" * 32


class StandingClock:
    def now_ms(self) -> int:
        return 5

    def wall_ms(self) -> int:
        return 1_767_571_200_000


def statements() -> Statements:
    settings = AgentSettings(
        name="Main",
        broker=BrokerAddress("localhost", 1883),
        machine_id="m1",
        capabilities=("quest",),
        labels={"zone": "a"},
    )
    identity = Identity(BOOT)
    identity.connecting(1_767_571_200_000)
    identity.choose_epoch()
    return Statements(settings, identity, StandingClock(), prev_boot="b" * 32)


HEARTBEAT: Final = SendHeartbeat(
    seq=4,
    holding=(Holding(task="t1", fence=2, phase=HoldingPhase.RUNNING, pct=12.5, step="s"),),
    seen=Seen(term=1, rev=2, lease_age_ms=30),
    mode=None,
    slots_free=0,
    report_seq=3,
    outbox=1,
)
REPORT: Final = StoredReport(
    "c" * 32, 9, Fence("t1", 2), ReportEvent.SUCCEEDED, ReportDetail(result={"a": None}, ran_ms=1)
)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Presence, statements().presence(PresenceState.ONLINE, "why")),
        (Presence, statements().will()),
        (Info, statements().info()),
        (Heartbeat, statements().heartbeat(HEARTBEAT, "quest")),
        (Metrics, statements().metrics({"fps": 60.0})),
        (Report, statements().report(REPORT)),
    ],
)
def test_every_statement_is_read_by_the_models(kind: type[Message], said: bytes) -> None:
    message = decode(kind, said)
    told = message.model_dump(mode="json", exclude_unset=True)
    known = set(kind.model_fields) - {"reason", "prev_boot", "config_path", "mode"}
    assert known <= set(told), "a field is left to its default"


def test_a_report_keeps_the_boot_and_the_number_it_was_born_with() -> None:
    said = decode(Report, statements().report(REPORT))
    assert (said.boot, said.seq, said.detail.result) == ("c" * 32, 9, {"a": None})
