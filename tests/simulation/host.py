"""A machine, which survives the processes of its agents."""

from dataclasses import dataclass, field

from agent_client.core.outbox import StoredReport


@dataclass(slots=True)
class Host:
    """One machine; ``durable`` is a single-instance lock and a disk for the outbox."""

    number: int
    durable: bool
    wall_off_ms: int
    last_boot: str | None = None
    outbox: dict[tuple[str, int], StoredReport] = field(default_factory=dict)
