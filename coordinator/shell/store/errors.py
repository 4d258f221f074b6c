"""What can be wrong with the store.

- StoreError            the store cannot be used; the message says what to do
    - StoreUnavailable  not now: nothing was stored, and the same may be tried again
    - StoreDamaged      it is broken, gone, or older than promised; a person must decide
    - TermEnded         somebody else leads this store; whoever gets this must say nothing more
"""

from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)

from protocol.errors import FleetBusError


class StoreError(FleetBusError):
    """The store cannot be used; the message says what to do."""


class StoreUnavailable(StoreError):
    """The store does not answer now: a full disk, a lost connection, a lock held too long."""


class StoreDamaged(StoreError):
    """The store must not be written any more; the message names the command that repairs it."""


class TermEnded(StoreError):
    """Another coordinator has begun a newer term on this store."""


def is_trouble(error: DBAPIError) -> bool:
    """Say whether *error* is the disk's or the network's; the others are faults of ours."""
    kinds = (OperationalError, InternalError, InterfaceError)
    # SQLite says "database disk image is malformed" with the base class itself.
    return error.connection_invalidated or isinstance(error, kinds) or type(error) is DatabaseError
