"""What the coordinator remembers: SQLAlchemy Core, one writer, one commit a batch."""

from coordinator.shell.store.answered import Answered
from coordinator.shell.store.archive import Archive
from coordinator.shell.store.changes import Changes, Memory, Row
from coordinator.shell.store.errors import (
    StoreDamaged,
    StoreError,
    StoreSilent,
    StoreUnavailable,
    TermEnded,
)
from coordinator.shell.store.store import Store

__all__ = [
    "Answered",
    "Archive",
    "Changes",
    "Memory",
    "Row",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreSilent",
    "StoreUnavailable",
    "TermEnded",
]
