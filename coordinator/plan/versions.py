"""Which plan is in force: the newest one that was stored, and never half of one.

The file on disk is where a plan is written, not what is in force. It becomes version 1 when there
is no other; after that a file that differs is *offered*, and an author puts it in force. So a
coordinator that starts again does what it did before, whatever was saved in an editor meanwhile,
and a file that is wrong changes nothing but is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from coordinator.plan.diff import diff
from coordinator.plan.load import Examined, examine
from coordinator.plan.problems import PlanError, Problem, Severity
from coordinator.plan.schema import FleetPlan

OFFERED: Final = "plan_offered"
REFUSED: Final = "plan_refused"
LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One version: who put it in force, when and why, and the plan as it was written."""

    version: int
    at_ms: int
    author: str
    comment: str
    document: bytes
    rollback_of: int | None = None

    def card(self) -> dict[str, Any]:
        """Say everything but the plan itself."""
        return {
            "version": self.version,
            "at_ms": self.at_ms,
            "author": self.author,
            "comment": self.comment,
            "rollback_of": self.rollback_of,
        }


class Note(NamedTuple):
    """Something about plans that the fleet should be told."""

    kind: str
    text: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class Start:
    """The plan to start with, and what is to be told about others."""

    plan: FleetPlan
    version: int
    is_new: bool
    """Whether it has to be stored, because nothing was."""
    notes: tuple[Note, ...] = ()


def choose(stored: Iterable[StoredPlan], file: Examined, source: str) -> Start:
    """Choose the plan to start with, or raise :class:`PlanError` if there is none at all.

    *stored* are all versions, newest first; *file* is what came of reading *source*. It is the
    newest version that can be read, and the file only where there is none.
    """
    notes: list[Note] = []
    newest = 0
    for version in stored:
        newest = max(newest, version.version)
        examined = examine(version.document, f"version {version.version}")
        if examined.plan is None:  # written for an older fleetbus
            name = f"version {version.version} of the plan"
            notes.append(refused(name, examined.problems, None))
            continue
        note = judge_file(file, source, examined.plan, version.version)
        notes += [note] if note is not None else []
        return Start(examined.plan, version.version, is_new=False, notes=tuple(notes))
    if file.plan is None:
        raise PlanError(file.problems, source)
    return Start(file.plan, newest + 1, is_new=True, notes=tuple(notes))


def judge_file(file: Examined, source: str, in_force: FleetPlan, version: int) -> Note | None:
    """Say what is to be told of the file *source* while *version* is in force, if anything."""
    if file.plan is None:
        return refused(source, file.problems, version)
    changes = diff(in_force, file.plan)
    if not changes:
        return None
    places = f"{len(changes)} places" if len(changes) > 1 else "one place"
    return Note(
        OFFERED,
        f"{source} differs from version {version}, which is in force, in {places}; "
        "`fleetbus plan apply` puts it in force",
        {
            "version": version,
            "changes": [str(change)[:200] for change in changes[:LISTED]],
            "changes_total": len(changes),
            "warnings": [str(problem)[:200] for problem in file.problems[:LISTED]],
        },
    )


def refused(source: str, problems: Iterable[Problem], version: int | None) -> Note:
    """Tell that *source* cannot be used; *version* stays in force."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    stays = f"; version {version} stays in force" if version is not None else ""
    first = f": {errors[0]}" if errors else ""
    return Note(
        REFUSED,
        f"{source} cannot be used ({len(errors)} errors){stays}{first}"[:1000],
        {
            "version": version,
            "problems": [str(problem)[:200] for problem in errors[:LISTED]],
            "problems_total": len(errors),
        },
    )
