"""Fleet plans: the one in force, its history, and what another would change."""

from typing import Annotated

from pydantic import Field

from coordinator.http.schemas.base import Asked, Instant, JsonObject, Said


class PlanCard(Said):
    """One version of the plan, without the plan itself."""

    version: int
    at: Instant
    author: str
    comment: str
    rollback_of: int | None = None


class StoredPlan(PlanCard):
    """One version of the plan."""

    in_force: int
    plan: JsonObject


class PlanApplied(Said):
    """A plan is in force."""

    version: int
    warnings: list[str] = []


class PlanHistory(Said):
    """The versions that there were, newest first."""

    version: int
    items: list[PlanCard]


class PlanQuestion(Asked):
    """A plan to be looked at: the document itself, or the number of a stored one."""

    plan: JsonObject | None = None
    version: int | None = Field(default=None, ge=1)


class PreviewQuestion(PlanQuestion):
    """Look ahead under a plan; without one, under the one in force."""

    days: Annotated[float, Field(gt=0, le=31)] = 7.0


class PlanFault(Said):
    """Something about a plan; an ``error`` keeps it from being applied."""

    path: str
    value: str | None = None
    message: str
    suggestion: str | None = None
    severity: str


class PlanCheck(Said):
    """What is to be said about a plan."""

    ok: bool
    version: int = Field(description="The version in force")
    problems: list[PlanFault]


class PlanDiff(Said):
    """What a plan would change, and what that would do to what waits."""

    version: int
    changes: list[JsonObject]
    changes_total: int
    impact: JsonObject
    problems: list[PlanFault] = []


class PlanPreview(Said):
    """The next days under a plan, simulated."""

    version: int
    is_of_plan_in_force: bool
    preview: JsonObject


class Rollback(Asked):
    """Put a stored version in force again, as a new version."""

    version: Annotated[int, Field(ge=1)]
    comment: Annotated[str, Field(max_length=1000)] = ""
