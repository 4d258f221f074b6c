"""Which plan's agents to start: those of the plan in force, which need not be the file's.

The coordinator goes by the newest plan that was stored; a file that was edited since is offered and
not in force. Whoever starts a fleet must not start the agents of the one under the rules of the
other.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

from coordinator.plan.diff import diff
from coordinator.plan.load import examine_file, load
from coordinator.plan.schema import FleetPlan
from coordinator.settings import CoordinatorSettings
from coordinator.shell.plans import starting_plan
from coordinator.shell.store import StoreError
from coordinator.shell.store.archive import Archive


class PlanInForce(NamedTuple):
    """A plan, where it comes from, and what a person should know about it."""

    plan: FleetPlan
    source: str
    note: str | None = None


def plan_in_force(settings: CoordinatorSettings) -> PlanInForce:
    """Find the plan that the coordinator will go by, or raise :class:`PlanError`.

    A store that cannot be read is the coordinator's to report; here the file will do.
    """
    file = settings.plan_file
    with contextlib.suppress(StoreError):
        archive = Archive.in_directory(settings.data)
        if archive is not None:
            with contextlib.closing(archive):
                start = starting_plan(archive, file)
            if not start.is_new:
                return PlanInForce(start.plan, f"version {start.version}", _note(start.plan, file))
    return PlanInForce(load(file), str(file))


def _note(plan: FleetPlan, file: Path) -> str | None:
    edited = examine_file(file).plan
    if edited is None or not diff(plan, edited):
        return None
    return f"{file} differs from the plan in force; see and apply it with: fleetbus plan apply"
