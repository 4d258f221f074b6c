"""Plans over HTTP: asked of the coordinator in its own words, answered in those of the API."""

import re
from dataclasses import dataclass
from typing import Any

from coordinator.http.auth.sessions import Who
from coordinator.http.link import PLAN_ANSWER_S
from coordinator.http.problems import Refused
from coordinator.http.room import Room
from coordinator.http.schemas.base import JsonObject, instant
from coordinator.http.schemas.plan import (
    PlanApplied,
    PlanCard,
    PlanCheck,
    PlanDiff,
    PlanFault,
    PlanHistory,
    PlanPreview,
    PlanQuestion,
    PreviewQuestion,
    Rollback,
    StoredPlan,
)
from coordinator.plan.load import examine_document
from coordinator.plan.problems import Severity
from protocol.messages import Reply
from protocol.vocabulary import PlanAction, SubmitOp

_ETAG = re.compile(r'^(?:W/)?"v(\d{1,15})"$')


@dataclass(frozen=True, slots=True)
class PlanDesk:
    """Asks about plans on behalf of ``who``."""

    room: Room
    who: Who

    async def show(self, version: int | None = None) -> StoredPlan:
        """Return a version; without one, that in force."""
        data = (await self._ask(PlanAction.SHOW, of_version=version)).data or {}
        return StoredPlan(**_card(data), in_force=data["in_force"], plan=data["plan"])

    async def history(self) -> PlanHistory:
        """Return the versions, newest first."""
        data = (await self._ask(PlanAction.HISTORY)).data or {}
        cards = [PlanCard(**_card(card)) for card in data["plans"]]
        return PlanHistory(version=data["version"], items=cards)

    async def check(self, asked: PlanQuestion) -> PlanCheck:
        """Say what is wrong with a plan, its warnings included."""
        if asked.plan is None:
            stored = await self.show(asked.version)
            document, version = stored.plan, stored.in_force
        else:
            document, version = asked.plan, self._in_force()
        examined = examine_document(document)
        faults = [
            PlanFault(
                path=problem.path,
                value=None if problem.value is None else str(problem.value)[:200],
                message=problem.message,
                suggestion=problem.suggestion or None,
                severity=problem.severity.value,
            )
            for problem in examined.problems
        ]
        ok = all(problem.severity is not Severity.ERROR for problem in examined.problems)
        return PlanCheck(ok=ok and examined.plan is not None, version=version, problems=faults)

    async def diff(self, asked: PlanQuestion) -> PlanDiff:
        """Say what a plan would change."""
        _named(asked)
        reply = await self._ask(PlanAction.DIFF, plan=asked.plan, of_version=asked.version)
        data = reply.data or {}
        impact: JsonObject = {
            name: data[name]
            for name in ("warnings", "infeasible", "infeasible_total")
            if name in data
        }
        problems = [
            PlanFault(path="", message=str(text), severity=Severity.WARNING.value)
            for text in data.get("problems", ())
        ]
        return PlanDiff(
            version=data["version"],
            changes=data["changes"],
            changes_total=data["changes_total"],
            impact=impact,
            problems=problems,
        )

    async def preview(self, asked: PreviewQuestion) -> PlanPreview:
        """Look ahead."""
        reply = await self._ask(
            PlanAction.PREVIEW, plan=asked.plan, of_version=asked.version, days=asked.days
        )
        return PlanPreview(**(reply.data or {}))

    async def apply(self, plan: JsonObject, if_match: str | None, comment: str) -> PlanApplied:
        """Put *plan* in force, if the version that it was made from still is."""
        if if_match is None:
            raise Refused(
                428,
                "if_match_missing",
                'say which version it was made from: If-Match: "v12", as the ETag of GET says',
            )
        found = _ETAG.match(if_match.strip())
        if found is None:
            raise Refused(412, "other_version", f'If-Match: {if_match[:80]} is no ETag like "v12"')
        made_from, in_force = int(found[1]), self._in_force()
        if in_force and made_from > in_force:
            raise Refused(
                412, "other_version", f"version {made_from} is unknown, {in_force} newest"
            )
        try:
            reply = await self._ask(
                PlanAction.APPLY, plan=plan, plan_version=made_from, reason=comment or None
            )
        except Refused as refused:
            if refused.code == "conflict":
                raise Refused(
                    412, "other_version", refused.detail, headers={"ETag": f'"v{in_force}"'}
                ) from None
            raise
        return PlanApplied(**(reply.data or {}))

    async def rollback(self, asked: Rollback) -> PlanApplied:
        """Put an earlier version in force again."""
        reply = await self._ask(
            PlanAction.ROLLBACK,
            of_version=asked.version,
            plan_version=(await self.history()).version,
            reason=asked.comment or None,
        )
        return PlanApplied(**(reply.data or {}))

    def _in_force(self) -> int:
        said = self.room.mirror.summary
        return said.plan_version if said is not None else 0

    async def _ask(self, action: PlanAction, **more: Any) -> Reply:  # noqa: ANN401 -- of Submit
        return await self.room.link.ask(
            SubmitOp.PLAN, self.who, action=action, within_s=PLAN_ANSWER_S, **more
        )


def _card(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": data["version"],
        "at": instant(data["at_ms"]),
        "author": data["author"],
        "comment": data["comment"],
        "rollback_of": data["rollback_of"],
    }


def _named(asked: PlanQuestion) -> None:
    if (asked.plan is None) == (asked.version is None):
        raise Refused.bad("body", None, "either `plan` or `version`")
