"""The machines of the fleet as a table. Pure."""

from collections.abc import Mapping
from typing import Final

from rich.table import Table

from coordinator.cli.screen import NOTHING, age, safe, table, word
from protocol.messages import HostActual, HostedAgent, HostMetrics, HostPresence
from protocol.vocabulary import HostedState

_SHOWN: Final = {
    "cpu_usage": "cpu {:.0f} %",
    "memory_usage": "mem {:.0f} %",
    "load_1m": "load {:.1f}",
}


def hosts_table(
    hosts: Mapping[str, HostPresence],
    actual: Mapping[str, HostActual],
    machines: Mapping[str, HostMetrics],
    now_ms: int,
) -> Table:
    """Show every machine: its host, how busy it is, and its agents."""
    made = table("machine", "host", "state", ">last word", "does", "agents")
    for name, presence in sorted(hosts.items()):
        said = actual.get(name)
        since = None if said is None else now_ms - said.ts_ms
        numbers = machines[name].m if name in machines else {}
        does = [text.format(numbers[key]) for key, text in _SHOWN.items() if key in numbers]
        agents = [_agent(one) for one in said.agents] if said is not None else []
        stands_in = " (stands in)" if presence.stands_in else ""
        made.add_row(
            safe(presence.machine_id, "bold"),
            safe(f"{name}{stands_in}"),
            word(presence.state),
            age(since),
            safe(", ".join(does) or NOTHING, "dim"),
            safe(", ".join(agents) or NOTHING, limit=2000),
        )
    return made


def _agent(said: HostedAgent) -> str:
    if said.state is HostedState.RUNNING:
        return said.agent
    why = f": {said.exit}" if said.exit and said.state is not HostedState.STOPPED else ""
    return f"{said.agent} ({said.state.value}{why})"
