"""An agent that breaks rules on purpose, for the conformance kit to catch: each word is a fault.

``expired``: work starts without looking at its lease. ``deaf``: a cancel is not obeyed.
``same_boot``: every process has the same boot. ``forgetful``: reports are said once.
"""

import sys
from typing import Any, Final

from agent_client import Agent, Failed, Task, starting
from agent_client.core.job import Job
from agent_client.core.outbox import Outbox
from agent_client.core.outcomes import StopWhy
from agent_client.core.work import Work

_obey = Work.stop


def _stop(work: Work, job: Job, why: StopWhy, now: int) -> None:
    if why is not StopWhy.CANCELLED:
        _obey(work, job, why, now)


def _extend_for_ever(job: Job, deadline: int | None) -> bool:
    job.deadline_ms = 1 << 60
    return True


FAULTS: Final[dict[str, list[tuple[object, str, object]]]] = {
    "expired": [(Job, "may_start", lambda _job, _now: True), (Job, "extend", _extend_for_ever)],
    "deaf": [(Work, "stop", _stop)],
    "same_boot": [(starting, "new_boot", lambda: "0" * 32)],
    "forgetful": [(Outbox, "to_resend", lambda _outbox, _now, **_more: ())],
}


def work(task: Task) -> dict[str, Any]:
    """Do what the kit asks for."""
    task.sleep(task.args.get("sleep_s", 0))
    if "fail" in task.args:
        raise Failed(task.args["fail"])
    return {"echo": task.args.get("echo")}


if __name__ == "__main__":
    for fault in sys.argv[1:]:
        for owner, name, wrong in FAULTS[fault]:
            setattr(owner, name, wrong)
    agent = Agent(capabilities=["conformance"], slots=4)
    agent.add_handler(work, "conformance")
    agent.run()
