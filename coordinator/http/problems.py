"""Errors as the API answers them: problem documents (RFC 9457) that say where and what is right."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from coordinator.http.schemas.base import Fault, Problem
from protocol.messages import Reply

MEDIA_TYPE: Final = "application/problem+json"
_SHOWN: Final = 200
_MOST_FAULTS: Final = 50

STATUS_OF: Final = {
    "bad_request": 422,
    "bad_plan": 422,
    "request_id_reused": 422,
    "too_large": 413,
    "not_found": 404,
    "conflict": 409,
    "busy": 503,
    "unavailable": 503,
    "store_unavailable": 503,
    "safe_mode": 503,
}
"""What a refusal of the coordinator is over HTTP."""
RETRY_AFTER_S: Final = 2
_RENAMED: Final = {
    "agent": "agent_name",
    "scheduled_for_ms": "scheduled_for",
    "expires_ms": "expires_at",
}


class Refused(Exception):
    """A request that is not done; it becomes a problem document."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = list(errors), dict(headers or {})
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.headers.setdefault("Retry-After", str(RETRY_AFTER_S))

    @classmethod
    def bad(cls, path: str, value: object, expected: str) -> "Refused":
        """Make the refusal of one field."""
        fault = Fault(path=path, value=_shown(value), expected=expected)
        return cls(422, "bad_request", f"{path}: should be {expected}", errors=[fault])

    @classmethod
    def unknown(cls, kind: str, name: str) -> "Refused":
        """Make the refusal of a name that nobody bears."""
        return cls(404, "not_found", f"there is no {kind} {name[:80]!r}")

    @classmethod
    def by_coordinator(cls, reply: Reply) -> "Refused":
        """Make the coordinator's own refusal one of HTTP."""
        code = reply.code or "refused"
        detail = reply.message or code
        data = reply.data or {}
        errors = [plan_fault(problem) for problem in data.get("problems", ())]
        if "fault" in data:
            errors.append(fault_of(data["fault"], "body"))
        return cls(
            STATUS_OF.get(code, 503 if _is_away(reply) else 409), code, detail, errors=errors
        )


def fault_of(said: dict[str, Any], place: str) -> Fault:
    """Make a fault that the coordinator found one of the request, whose words differ a little."""
    path = str(said["path"]).removeprefix("spec.")
    path = _RENAMED.get(path, path)
    return Fault(path=f"{place}.{path}", value=said.get("value"), expected=said["expected"])


def plan_fault(problem: dict[str, Any]) -> Fault:
    """Make what is wrong with a plan a fault of the request."""
    right = problem.get("suggestion")
    expected = f"{problem['message']}" + (f" ({right})" if right else "")
    return Fault(path=f"body.{problem['path']}", value=problem.get("value"), expected=expected)


def _is_away(reply: Reply) -> bool:
    """Say whether the coordinator could not do anything at all; it names when to ask again."""
    data = reply.data or {}
    return "retry_after_s" in data or "command" in data


def answer(refused: Refused) -> Response:
    """Write *refused* down."""
    problem = Problem(
        title=HTTPStatus(refused.status).phrase,
        status=refused.status,
        detail=refused.detail,
        code=refused.code,
        errors=refused.errors,
    )
    return JSONResponse(
        problem.model_dump(mode="json"),
        status_code=refused.status,
        headers=refused.headers,
        media_type=MEDIA_TYPE,
    )


async def on_refused(_request: Request, error: Exception) -> Response:
    """Answer what a route refused."""
    assert isinstance(error, Refused)  # noqa: S101 -- FastAPI hands in what it was registered for
    return answer(error)


async def on_invalid(_request: Request, error: Exception) -> Response:
    """Answer a request that does not fit its schema: every place, and what would be right."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- as above
    faults = faults_of(error.errors())
    if any(fault.path == "body" and "JSON" in fault.expected for fault in faults):
        return answer(Refused(400, "not_json", faults[0].expected, errors=faults))
    text = "; ".join(f"{fault.path}: {fault.expected}" for fault in faults[:3])
    return answer(Refused(422, "bad_request", text, errors=faults))


async def on_http(_request: Request, error: Exception) -> Response:
    """Answer what the framework refused: no such path, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 -- as above
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    headers = dict(error.headers or {})
    return answer(Refused(error.status_code, code, str(error.detail), headers=headers))


def faults_of(errors: Iterable[Any]) -> list[Fault]:
    """Translate pydantic's errors."""
    faults = []
    for error in list(errors)[:_MOST_FAULTS]:
        path = ".".join(str(part) for part in error["loc"])
        message = str(error["msg"]).removeprefix("Value error, ")
        if error["type"] == "extra_forbidden":
            message = "no field of this name; see /api/openapi.json"
        if error["type"] == "json_invalid":
            path, message = "body", f"JSON; {error.get('ctx', {}).get('error', message)}"
        faults.append(Fault(path=path, value=_shown(error.get("input")), expected=message))
    return faults


def _shown(value: object) -> Any:  # noqa: ANN401 -- JSON
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, float) or value == value else str(value)  # noqa: PLR0124 -- NaN
    return str(value)[:_SHOWN]
