"""What the coordinator remembers: SQLAlchemy Core, one writer, one commit a batch."""

from coordinator.shell.store.engine import StoreError
from coordinator.shell.store.store import Changes, Memory, Store

__all__ = ["Changes", "Memory", "Store", "StoreError"]
