"""What the coordinator remembers: SQLAlchemy Core, one writer, one commit a batch."""

from coordinator.shell.store.archive import Archive
from coordinator.shell.store.engine import StoreError
from coordinator.shell.store.store import Changes, Memory, Store

__all__ = ["Archive", "Changes", "Memory", "Store", "StoreError"]
