"""Whether the books explain what they show, and whether anything only ever grows.

The log of attempts is folded and compared with the rows of the tasks; what a fleet at rest keeps
in memory is compared with what there is to be kept.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from agent_client.core.lease_clock import REMEMBERED
from coordinator.core.agents import KEPT_BOOTS
from coordinator.core.state import KEPT_REQUESTS
from protocol.vocabulary import ReportEvent

if TYPE_CHECKING:
    from tests.simulation.agent_process import AgentProcess
    from tests.simulation.coordinator_process import CoordinatorProcess
    from tests.simulation.disk import Disk

TIMERS_OF_AN_AGENT: Final = 3
SPENT_TIMERS: Final = 30
"""How many may still be set for tasks that did not wait for them."""


class Books:
    """The rows of the tasks, and the log of their attempts that must explain them."""

    def __init__(self, disk: "Disk") -> None:
        self._disk = disk
        self._explained: dict[str, tuple[bytes, int]] = {}
        """The tasks that were explained, with their records and how many attempts were logged."""

    def forget(self) -> None:
        """Look at every task anew, whether anything of it has changed or not."""
        self._explained.clear()

    def unexplained(self) -> Iterator[str]:
        """Name the tasks, of those that have changed, whose rows do not follow from the log."""
        for name, row in self._disk.tasks.items():
            known = self._explained.get(name)
            logged = len(self._disk.attempts.get(name, ()))
            if known is None or known[0] is not row["doc"] or known[1] != logged:
                yield from self._unexplained(name)
                self._explained[name] = row["doc"], logged

    def _unexplained(self, name: str) -> Iterator[str]:
        record = self._disk.record(name) or {}
        attempts = [
            attempt
            for attempt in self._disk.attempts.get(name, [])
            if not attempt["outcome"].startswith("superseded_")  # late words about an older fence
        ]
        fences = [attempt["fence"] for attempt in attempts]
        if (lent := record.get("attempt")) is not None:
            fences.append(lent["fence"])
        if sorted(fences) != list(range(1, record.get("fence", 0) + 1)):
            yield f"{name} is at fence {record.get('fence', 0)}, its log at {fences}"
        ran_ms = sum(attempt["ran_ms"] or 0 for attempt in attempts)
        if ran_ms != record.get("ran_ms", 0):
            yield f"{name} ran for {record.get('ran_ms', 0)} ms, its log says {ran_ms}"
        outcomes = [attempt["outcome"] for attempt in attempts]
        if outcomes.count(ReportEvent.SUCCEEDED.value) > 1:
            yield f"{name} succeeded twice: {outcomes}"


def overgrown(coordinator: "CoordinatorProcess", agents: list["AgentProcess"]) -> Iterator[str]:
    """Name what a fleet at rest keeps more of than there is a reason for."""
    state, writer = coordinator.state, coordinator.writer
    most = {
        "timers": (len(state.timers), TIMERS_OF_AN_AGENT * len(state.agents) + SPENT_TIMERS),
        "silences put off": (len(state.timers._put_off), len(state.agents)),
        "boots to be heard": (len(state.unheard), 0),
        "boards to be looked at": (len(state.awake) + len(state.lines) + len(state.ready), 0),
        "tasks that wait for others": (len(state.dependents), 0),
        "remembered answers": (len(state.answered), KEPT_REQUESTS),
        "rendered desired states": (len(writer.voice.desired._told), len(state.agents)),
        "events to be decided": (len(writer.inbox.events), 0),
    }
    alive = {process.boot for process in agents}
    for agent in state.agents.values():
        most[f"ledgers of {agent.name}"] = (len(agent.ledgers), KEPT_BOOTS)
        ledger = agent.ledgers.get(agent.boot or "")
        if ledger is not None and agent.boot in alive:
            # Of a boot that died with its outbox a gap may stay.
            most[f"reports beyond a gap of {agent.name}"] = (len(ledger.beyond), 0)
    for process in agents:
        machine = process.machine
        most[f"heartbeats of {process.name}"] = (len(machine.leases._sent_ms), REMEMBERED)
        most[f"sent reports of {process.name}"] = (len(machine.outbox._sent_ms), 0)
        most[f"executions of {process.name}"] = (len(process.executions), 0)
    for what, (kept, reason_for) in most.items():
        if kept > reason_for:
            yield f"{kept} {what} are kept, at most {reason_for} should be"
