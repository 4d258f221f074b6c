"""What every route may answer instead, as the OpenAPI file tells it."""

from typing import Any, Final

from coordinator.http.problems import MEDIA_TYPE
from coordinator.http.schemas.base import Problem


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the refusals of a route."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        status: {"description": _MEANS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


_MEANS: Final = {
    400: "The body is not JSON",
    401: "Nobody is signed in",
    403: "The scope does not reach, or the request comes from another page",
    404: "There is nothing of that name",
    405: "The path has no such method",
    409: "Its state does not allow it",
    412: "Another version is in force",
    413: "Too large",
    415: "The body must be application/json",
    421: "Not a name of this control room",
    422: "Something in the request is wrong; `errors` says where and what would be right",
    428: "If-Match is missing",
    501: "Nobody can do that here",
    502: "A receiver did not take it",
    503: "The coordinator, the bus or the store is away; `Retry-After` says when to try again",
}
REFUSALS: Final = refusals(400, 401, 403, 404, 405, 409, 413, 415, 421, 422, 503)
