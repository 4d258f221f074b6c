"""A ready-made agent that forgets the first attempt of each task when its work has ended."""

import sys
from typing import Final

from agent_client.__main__ import main
from agent_client.core.job import Job
from agent_client.core.outcomes import Outcome
from agent_client.core.reporting import Reporter

FORGOTTEN: Final = 1

_ended = Reporter.ended


def _forget(reporter: Reporter, job: Job, outcome: Outcome, now: int) -> None:
    if job.fence.number != FORGOTTEN:
        _ended(reporter, job, outcome, now)


if __name__ == "__main__":
    Reporter.ended = _forget  # type: ignore[assignment,method-assign] # the fault
    sys.exit(main())
