"""``python -m benchmarks.bus.careless_coordinator``: a coordinator that never waits for the disk.

It is there to be measured against: what it has stored may be lost with the power.
"""

import sys
from typing import Any

from sqlalchemy import Pool, event

from coordinator.settings import load
from coordinator.shell import service


def _wait_for_no_disk(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401 -- a DBAPI connection
    connection.execute("PRAGMA synchronous=OFF")


# When it is taken into use, and so after it was prepared.
event.listen(Pool, "checkout", _wait_for_no_disk)
sys.exit(service.run(load({})))
