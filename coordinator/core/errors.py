"""What can be wrong with a request.

- RequestError        the request makes no sense now: the caller's fault, answered and forgotten
    - BadRequest      a field of the request is wrong
    - UnknownSubject  it names a task or an agent that does not exist
    - IllegalMove     the subject is in a state that does not allow it
    - ReusedId        its id was another request's
"""

from typing import Any

from protocol.errors import FleetBusError


class RequestError(FleetBusError):
    """A request that cannot be carried out; ``code`` names the fault for programs."""

    code = "request_error"

    @property
    def data(self) -> dict[str, Any] | None:
        """What programs are told beside the words."""
        return None


class BadRequest(RequestError):
    """A field of the request is wrong."""

    code = "bad_request"

    def __init__(self, path: str, value: object, expected: str) -> None:
        super().__init__(f"{path}: {str(value)[:80]!r} should be {expected}")
        self.path, self.value, self.expected = path, str(value)[:80], expected

    @property
    def data(self) -> dict[str, Any]:
        """Say where the fault is, and what would be right."""
        return {"fault": {"path": self.path, "value": self.value, "expected": self.expected}}


class UnknownSubject(RequestError):
    """The request names something that does not exist."""

    code = "not_found"

    def __init__(self, kind: str, name: object) -> None:
        super().__init__(f"there is no {kind} {str(name)[:80]!r}")


class IllegalMove(RequestError):
    """The subject is in a state that does not allow what was asked."""

    code = "conflict"

    def __init__(self, verb: str, subject: str, state: str) -> None:
        super().__init__(f"cannot {verb} {subject}: it is {state}")


class ReusedId(RequestError):
    """Another request was answered under the same id, so neither answer would be right."""

    code = "request_id_reused"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request_id: {request_id!r} came with another request before; "
            "a new request needs a new one"
        )


class MayStillRun(RequestError):
    """Work that outlives its lease by right is held by somebody who was not said to be dead."""

    code = "conflict"

    def __init__(self, task: str, agent: str, fence: int) -> None:
        super().__init__(
            f"cannot retry task {task}: {agent} holds it under fence {fence} and may be at it; "
            f"if {agent} is known to be dead, ask again with fence {fence}"
        )
