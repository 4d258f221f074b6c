"""A control room as a real process beside a fleet, and clients of it with each scope."""

import contextlib
import json
import re
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from coordinator.http.auth.tokens import SCOPES, Scope, Tokens
from tests.support.fleet_process import Fleet, Part

BASE: Final = "/api/orchestrator"
WITHIN_S: Final = 60.0
_ADDRESS: Final = re.compile(r"the control room is on (https?://\S+)")


@dataclass
class ControlRoom:
    """A running control room; ``secrets`` are tokens by their scope."""

    address: str
    data: Path
    part: Part
    secrets: dict[Scope, str]
    trusts: ssl.SSLContext | bool = True
    """Whom clients believe, where it serves TLS."""

    def client(self, scope: Scope | None = "admin", **headers: str) -> httpx2.Client:
        """Return a client that shows the token of *scope*, or none."""
        shown = {"Authorization": f"Bearer {self.secrets[scope]}"} if scope else {}
        return httpx2.Client(
            base_url=f"{self.address}{BASE}",
            headers=shown | headers,
            timeout=WITHIN_S,
            verify=self.trusts,
        )


@contextlib.contextmanager
def control_room(
    fleet: Fleet,
    *words: str,
    config: Path | None = None,
    data: Path | None = None,
    trusts: ssl.SSLContext | bool = True,
) -> Iterator[ControlRoom]:
    """Run a control room beside *fleet*, and wait until it knows of a coordinator."""
    data = data or fleet.folder / "data"
    data.mkdir(exist_ok=True)
    tokens = Tokens.in_directory(data)
    now_ms = int(time.time() * 1000)
    secrets = {scope: tokens.create(f"a-{scope}", scope, now_ms)[1] for scope in SCOPES}
    part = fleet.start(
        "web",
        "coordinator.cli",
        *("web", "--data", str(data), "--http-port", "0", *words),
        environment={
            "FLEETBUS_BROKER": fleet.where.coordinator_url,
            "FLEETBUS_ROOT": fleet.where.root,
        }
        | ({} if config is None else {"FLEETBUS_CONFIG": str(config)}),
    )
    try:
        room = ControlRoom(_address(part), data, part, secrets, trusts)
        with room.client(None) as client:
            wait_until(lambda: client.get(f"{room.address}/readyz").status_code == 200)
        yield room
    finally:
        part.end()


def _address(part: Part) -> str:
    found: list[str] = []

    def said() -> bool:
        assert part.process.poll() is None, part.said()
        found.extend(_ADDRESS.findall(part.said()))
        return bool(found)

    wait_until(said)
    return found[0].replace("0.0.0.0", "localhost")


def wait_until(done: Any, within_s: float = WITHIN_S) -> None:
    """Wait until *done* says so, or fail."""
    end = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)  # between two looks


@dataclass
class Frame:
    """One server-sent event."""

    event: str
    id: str | None
    data: dict[str, Any]


def frames(response: httpx2.Response) -> Iterator[Frame]:
    """Read server-sent events as they come."""
    event, number, data = "", None, ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        match field:
            case "event":
                event = value
            case "id":
                number = value
            case "data":
                data = value
            case "" if event:
                yield Frame(event, number, json.loads(data))
                event, number, data = "", None, ""
