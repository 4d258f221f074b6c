"""The machines as a table."""

import io

from rich.console import Console

from coordinator.cli.host_views import hosts_table
from protocol.messages import HostActual, HostedAgent, HostMetrics, HostPresence
from protocol.vocabulary import HostedState, PresenceState

SAID = {"ts_ms": 1_000, "host": "host-pc", "machine_id": "pc", "boot": "b" * 32}
NUMBERED = {"epoch": 1, "conn": 1, "seq": 1}


def shown() -> str:
    presence = HostPresence.model_validate(
        SAID | NUMBERED | {"state": PresenceState.ONLINE, "stands_in": True}
    )
    agents = (
        HostedAgent(agent="Main", state=HostedState.RUNNING, since_ms=0),
        HostedAgent(agent="Odd", state=HostedState.ERROR, since_ms=0, exit="\x1b[31mno game"),
        HostedAgent(agent="Old", state=HostedState.STOPPED, since_ms=0, exit="ended"),
    )
    actual = HostActual.model_validate(SAID | NUMBERED | {"interval_s": 5.0, "agents": agents})
    metrics = HostMetrics.model_validate(SAID | NUMBERED | {"m": {"cpu_usage": 12.4}})
    out = Console(file=io.StringIO(), width=200)
    out.print(hosts_table({"host-pc": presence}, {"host-pc": actual}, {"host-pc": metrics}, 4_000))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_a_machine_shows_its_host_how_busy_it_is_and_what_is_wrong_with_its_agents() -> None:
    text = shown()
    for part in ("pc", "host-pc (stands in)", "online", "3 s", "cpu 12 %", "Main, Odd (error: "):
        assert part in text
    assert "Old (stopped)" in text
    assert "\x1b" not in text
