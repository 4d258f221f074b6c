"""The trial: what the coordinator does in which order, and which assertions that decides.

The program's handler of the mode ``conformance`` sleeps for ``args.sleep_s`` seconds, then fails
with the code ``args.fail`` if there is one, and else succeeds with ``{"echo": args.echo}``.
"""

from collections.abc import Callable
from typing import Final

from coordinator.cli.conformance import scenes_of_the_process as process
from coordinator.cli.conformance import scenes_of_work as work
from coordinator.cli.conformance.assertions import Judge
from coordinator.cli.conformance.stage import Stage

SCENES: Final[tuple[Callable[[Stage, Judge], None], ...]] = (
    process.first_words,
    work.plain_work,
    work.fences,
    work.stopping,
    work.leases,
    process.bad_input,
    process.connections,
    process.leaving,
    process.superseded,
)
