"""Plans by their versions: a new one takes the place of the one that it was made from, or of none.

The check and the change are one step of the one writer, so of two authors who started from the
same version the second is told so. A rollback is a new version like any other.
"""

from typing import Any

from coordinator.core.effects import SavePlan
from coordinator.core.errors import BadRequest, RequestError
from coordinator.core.events import PlanSource
from coordinator.core.plans import on_plan_applied
from coordinator.core.policy import Policy
from coordinator.core.requests import actor_of, answer_once
from coordinator.core.turn import Turn


class OtherVersion(RequestError):
    """The plan was made from another version than the one in force."""

    code = "conflict"

    def __init__(self, made_from: int, in_force: int) -> None:
        super().__init__(
            f"the plan was made from version {made_from}, but version {in_force} is in force; "
            "look at what differs, and make it from that one"
        )


def on_plan_wanted(turn: Turn, policy: Policy, source: PlanSource) -> None:
    """Put *policy* in force as a new version and answer, or refuse it."""
    answer_once(turn, source.client, source.request, lambda: _apply(turn, policy, source))


def _apply(turn: Turn, policy: Policy, source: PlanSource) -> tuple[None, dict[str, Any]]:
    state, request = turn.state, source.request
    made_from = request.plan_version
    if made_from is None:
        raise BadRequest("plan_version", None, "the version that the plan was made from")
    if made_from != state.plan_version:
        raise OtherVersion(made_from, state.plan_version)
    state.plan_version += 1
    turn.do(
        SavePlan(
            state.plan_version,
            actor_of(source.client, request),
            request.reason or "",
            source.document,
            source.rollback_of,
        )
    )
    on_plan_applied(turn, policy)
    return None, {"version": state.plan_version, "warnings": list(source.warnings)}
