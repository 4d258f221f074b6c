"""The embedded broker over TLS, and with certificates demanded of its clients."""

import contextlib
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.errors import BadSetting
from broker.settings import BrokerSettings
from broker.tls import context
from tests.support.wire import CONNACK, connect

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Authority:
    """A certificate authority and what it has issued."""

    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / name

    def issue(self, name: str) -> None:
        new_key(self.folder, name, f"/CN={name}", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")  # fmt: skip


def new_key(folder: Path, name: str, subject: str, *options: str) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", subject, "-keyout", f"{name}.key",
         "-out", f"{name}.pem", *options],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("certificates"))
    new_key(made.folder, "ca", "/CN=an authority", "-addext", "keyUsage=critical,keyCertSign")
    new_key(made.folder, "stranger", "/CN=nobody knows me")
    for name in ("broker", "bot"):
        made.issue(name)
    return made


@contextlib.contextmanager
def tls_broker(authority: Authority, *options: str) -> Iterator[dict[str, int]]:
    command = [
        sys.executable, "-m", "broker", "--mqtt-port", "0", "--ws-port", "0",
        "--tls-cert", str(authority.file("broker.pem")),
        "--tls-key", str(authority.file("broker.key")), *options,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(5) == 0


HELLO = {
    "mqtt_port": connect("watcher"),
    "ws_port": b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: mqtt\r\n\r\n",
}
ACCEPTED = {"mqtt_port": bytes((CONNACK, 2, 0, 0)), "ws_port": b"HTTP/1.1 101"}


def answer(
    authority: Authority, ports: dict[str, int], listener: str, certificate: str | None
) -> bytes:
    """Connect over TLS with *certificate* and return what the broker says to a greeting."""
    client = ssl.create_default_context(cafile=str(authority.file("ca.pem")))
    if certificate:
        client.load_cert_chain(
            authority.file(f"{certificate}.pem"), authority.file(f"{certificate}.key")
        )
    with (
        socket.create_connection(("127.0.0.1", ports[listener]), 5) as plain,
        client.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        wrapped.sendall(HELLO[listener])
        return wrapped.recv(len(ACCEPTED[listener]))


@pytest.mark.parametrize("listener", ["mqtt_port", "ws_port"])
def test_a_client_that_trusts_the_authority_is_served(authority: Authority, listener: str) -> None:
    with tls_broker(authority) as ports:
        assert answer(authority, ports, listener, None) == ACCEPTED[listener]


def test_without_tls_nobody_gets_in(authority: Authority) -> None:
    with tls_broker(authority) as ports, socket.socket() as plain:
        plain.settimeout(5)
        plain.connect(("127.0.0.1", ports["mqtt_port"]))
        plain.sendall(connect("watcher"))
        assert plain.recv(4)[:1] in {b"", b"\x15"}  # the end, or an alert of TLS before it


@pytest.mark.parametrize("listener", ["mqtt_port", "ws_port"])
@pytest.mark.parametrize("certificate", [None, "stranger"])
def test_a_client_certificate_is_really_required(
    authority: Authority, listener: str, certificate: str | None
) -> None:
    demand = ("--tls-client-ca", str(authority.file("ca.pem")))
    with tls_broker(authority, *demand) as ports:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert answer(authority, ports, listener, certificate) == b""
        assert answer(authority, ports, listener, "bot") == ACCEPTED[listener]


def test_a_certificate_without_its_key_is_refused_at_birth(authority: Authority) -> None:
    with pytest.raises(BadSetting, match="tls_key"):
        BrokerSettings(tls_cert=authority.file("broker.pem"))
    with pytest.raises(BadSetting, match="tls_client_ca"):
        BrokerSettings(tls_client_ca=authority.file("ca.pem"))


@pytest.mark.parametrize(
    ("cert", "key", "client_ca", "blamed"),
    [
        ("broker.pem", "stranger.key", None, "tls_cert"),
        ("missing.pem", "broker.key", None, "tls_cert"),
        ("broker.pem", "broker.key", "broker.key", "tls_client_ca"),
    ],
)
def test_files_of_no_use_are_named(
    authority: Authority, cert: str, key: str, client_ca: str | None, blamed: str
) -> None:
    settings = BrokerSettings(
        tls_cert=authority.file(cert),
        tls_key=authority.file(key),
        tls_client_ca=authority.file(client_ca) if client_ca else None,
    )
    with pytest.raises(BadSetting, match=blamed):
        context(settings)
