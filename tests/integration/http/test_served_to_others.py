"""A control room for other machines: under TLS with the fleet's own certificates, or not at all."""

import ssl
from pathlib import Path

import httpx2
import pytest

from tests.support.command_line import fleetbus
from tests.support.control_room import ControlRoom, control_room, frames
from tests.support.fleet_process import Fleet

EVERYWHERE = "0.0.0.0"


def test_it_serves_other_machines_under_tls_whatever_the_broker(
    fleet: Fleet, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    refused = fleetbus(
        "web", "--data", data, "--broker", fleet.where.url, "--host", EVERYWHERE, cwd=tmp_path
    )
    assert refused.returncode == 1
    assert "only under TLS; make certificates with `fleetbus certs`" in refused.stderr

    assert fleetbus("certs", "--data", data, cwd=tmp_path).returncode == 0
    ours = ssl.create_default_context(cafile=data / "certs" / "ca.pem")
    with control_room(fleet, "--host", EVERYWHERE, data=data, trusts=ours) as room:
        assert room.address.startswith("https://localhost:")
        with room.client() as client:
            assert client.get("/summary").status_code == 200
            with client.stream("GET", "/stream") as stream:
                assert next(frames(stream)).event == "snapshot"
            _session_never_travels_in_the_clear(client, room)
        with pytest.raises(httpx2.ConnectError, match="certificate verify failed"):
            httpx2.get(f"{room.address}/healthz")
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"{room.address}/healthz".replace("https:", "http:"))


def _session_never_travels_in_the_clear(client: httpx2.Client, room: ControlRoom) -> None:
    token = room.secrets["read"]
    signed_in = client.post("/session", json={"token": token}, headers={"Origin": room.address})
    assert signed_in.status_code == 200, signed_in.text
    cookie = signed_in.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("secure", "httponly", "samesite=strict"))
