"""The start matrix: which address is served with which credentials and TLS, else what is said.

Then the whole way: certificates of the fleet's own authority, a broker beyond the loopback, and
clients of ours that reach it.
"""

import asyncio
import contextlib
import gc
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_client.enrolment import NotEnrolled, enrol
from agent_client.errors import BadSetting
from agent_client.settings import BrokerAddress as AgentsBroker
from agent_client.settings import broker_of
from broker.certificates import Authority
from broker.credentials.file import CredentialsFile
from broker.credentials.records import fingerprint, new_secret
from broker.errors import BadCertificates, BadCredentialsFile
from coordinator.address import BrokerAddress
from coordinator.cli.bus import Bus, BusError
from coordinator.shell.bus import Bus as CoordinatorsBus
from coordinator.shell.bus import Will
from protocol.access import Role

REPOSITORY = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, tzinfo=UTC)
HERE, EVERYWHERE = "127.0.0.1", "0.0.0.0"
ENROLL, CERTS = "fleetbus enroll NAME", "fleetbus certs --host"
BANNER = "!! INSECURE"


@dataclass(frozen=True)
class Folder:
    """A data directory with everything that a broker may be given."""

    path: Path
    secret: str

    @property
    def ca(self) -> Path:
        return self.path / "certs" / "ca.pem"

    def options(self, host: str, *, enrolled: bool, tls: bool) -> list[str]:
        credentials = self.path / ("credentials.json" if enrolled else "nobody.json")
        words = ["--host", host, "--mqtt-port", "0", "--ws-port", "0"]
        words += ["--credentials-file", str(credentials)]
        words += ["--secret-file", str(self.path / "coordinator.secret")]
        if tls:
            words += ["--tls-cert", str(self.ca.with_name("server.pem"))]
            words += ["--tls-key", str(self.ca.with_name("server.key"))]
        return words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = Folder(tmp_path_factory.mktemp("data"), new_secret())
    Authority(made.path / "certs", datetime.now(UTC)).issue_server(["broker.example.org"])
    file = CredentialsFile(made.path / "credentials.json")
    file.change(lambda book: book.grant("bot", Role.AGENT, fingerprint(made.secret)))
    file.change(lambda book: book.grant("ann", Role.OPERATOR, fingerprint(made.secret)))
    (made.path / "coordinator.secret").touch(mode=0o600)
    (made.path / "coordinator.secret").write_text(made.secret)
    return made


@contextlib.contextmanager
def broker(*options: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "broker", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def ended_or_serving(process: "subprocess.Popen[str]") -> tuple[int | None, str]:
    """Return the exit status, None while it serves, and what was said of it."""
    assert process.stdout is not None
    assert process.stderr is not None
    if process.stdout.readline().startswith("{"):
        process.terminate()
        assert process.wait(10) == 0
        return None, process.stderr.read()
    return process.wait(10), process.stderr.read()


@pytest.mark.parametrize(
    ("host", "enrolled", "tls", "insecure", "status", "said", "unsaid"),
    [
        (HERE, False, False, False, None, [], [BANNER, ENROLL, CERTS]),
        (HERE, True, False, False, None, [], [BANNER, ENROLL, CERTS]),
        (HERE, False, True, False, None, [], [BANNER, ENROLL, CERTS]),
        (HERE, True, True, False, None, [], [BANNER, ENROLL, CERTS]),
        (EVERYWHERE, False, False, False, 2, [ENROLL, CERTS], [BANNER]),
        (EVERYWHERE, True, False, False, 2, [CERTS], [BANNER, ENROLL]),
        (EVERYWHERE, False, True, False, 2, [ENROLL], [BANNER, CERTS]),
        (EVERYWHERE, True, True, False, None, [], [BANNER, ENROLL, CERTS]),
        (HERE, False, False, True, None, [], [BANNER]),
        (EVERYWHERE, False, False, True, None, [BANNER, ENROLL, CERTS], []),
        (EVERYWHERE, True, False, True, None, [BANNER, CERTS], [ENROLL]),
        (EVERYWHERE, False, True, True, None, [BANNER, ENROLL], [CERTS]),
        (EVERYWHERE, True, True, True, None, [], [BANNER]),
    ],
)
def test_the_start_matrix(
    *,
    folder: Folder,
    host: str,
    enrolled: bool,
    tls: bool,
    insecure: bool,
    status: int | None,
    said: list[str],
    unsaid: list[str],
) -> None:
    options = folder.options(host, enrolled=enrolled, tls=tls)
    with broker(*options, *(["--insecure-network"] if insecure else [])) as process:
        found, words = ended_or_serving(process)
    assert found == status, words
    assert [word for word in said if word not in words] == [], words
    assert [word for word in unsaid if word in words] == [], words
    assert "Traceback" not in words


@pytest.mark.parametrize("problem", ["damaged", "open to others"])
def test_a_credentials_file_of_no_use_is_named(tmp_path: Path, problem: str) -> None:
    file = tmp_path / "credentials.json"
    file.touch(mode=0o600)
    file.write_text("{" if problem == "damaged" else '{"version": 1, "enrolled": {}}')
    if problem == "open to others":
        file.chmod(0o644)
    with broker("--mqtt-port", "0", "--ws-port", "0", "--credentials-file", str(file)) as process:
        status, words = ended_or_serving(process)
    assert status == 1
    assert str(file) in words
    assert ("chmod 600" if problem == "open to others" else "it is damaged") in words
    with pytest.raises(BadCredentialsFile):
        CredentialsFile(file).load()


@pytest.fixture(scope="module")
def secure(folder: Folder) -> Iterator[BrokerAddress]:
    with broker(*folder.options(EVERYWHERE, enrolled=True, tls=True)) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["mqtt_port"]
        yield BrokerAddress(HERE, port, tls=True, ca_file=folder.ca)


def test_an_operator_reaches_a_broker_beyond_the_loopback(
    secure: BrokerAddress, folder: Folder
) -> None:
    with Bus(replace(secure, username="ann", password=folder.secret), "fleet") as bus:
        bus.subscribe(["fleet/v1/tasks/#"], qos=1)


# paho leaves the socket of a handshake that failed to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ca_file": None}, "FLEETBUS_CA_FILE=ca.pem"),
        ({"tls": False, "ca_file": None}, "the address begins with mqtts://"),
        ({"username": "ann", "password": "wrong"}, "refused 'ann': not authorized"),
        ({}, "not authorized"),
    ],
)
def test_whoever_lacks_something_is_told_what(
    secure: BrokerAddress, changes: dict[str, str], why: str
) -> None:
    with (
        pytest.raises(BusError, match=why),
        Bus(replace(secure, **changes), "fleet"),  # type: ignore[arg-type]  # fields of many types
    ):
        pass
    gc.collect()


async def test_the_coordinator_reaches_it(secure: BrokerAddress, folder: Folder) -> None:
    connected = asyncio.Event()
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    bus = CoordinatorsBus(
        address=replace(secure, username="coordinator", password=folder.secret),
        client_id="coordinator-1",
        will=Will("fleet/v1/coordinator/presence", b"gone"),
        filters=["fleet/v1/events"],
        on_message=lambda topic, payload, _retain: heard.put_nowait((topic, payload)),
        on_connected=connected.set,
        on_lost=lambda _silent_s: None,
    )
    running = asyncio.create_task(bus.run())
    async with asyncio.timeout(10):
        await connected.wait()
        bus.publish("fleet/v1/events", b"x" * 100_000, qos=1, retain=False)
        assert await heard.get() == ("fleet/v1/events", b"x" * 100_000)
    await bus.disconnect()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def test_an_agent_enrolls_over_tls_and_says_why_if_it_cannot(
    secure: BrokerAddress, folder: Folder, tmp_path: Path
) -> None:
    token = new_secret()
    file = CredentialsFile(folder.path / "credentials.json")
    file.change(lambda book: book.enroll("late", Role.AGENT, token, datetime.now(UTC)))
    address = AgentsBroker(secure.host, secure.port, tls=True, ca_file=secure.ca_file)
    place = tmp_path / "late.secret"
    deadline, pause = time.monotonic() + 5, threading.Event()
    while time.monotonic() < deadline:  # until the broker has looked at the file again
        with contextlib.suppress(NotEnrolled):
            assert enrol("late", address, token, place)
            break
        pause.wait(0.02)
    assert not enrol("late", address, token, place)
    with pytest.raises(NotEnrolled, match="fleetbus enroll never"):
        enrol("never", address, token, tmp_path / "never.secret")


def test_an_agent_finds_its_secret_and_authority_in_files(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "bot.secret"
    secret.touch(mode=0o600)
    secret.write_text("s3cret\n")
    monkeypatch.setenv("FLEETBUS_PASSWORD_FILE", str(secret))
    monkeypatch.setenv("FLEETBUS_CA_FILE", str(folder.ca))
    found = broker_of("mqtts://somewhere")
    assert (found.password, found.ca_file) == ("s3cret", folder.ca)
    assert broker_of("mqtt://somewhere").ca_file is None
    assert "s3cret" not in repr(found)
    secret.chmod(0o640)
    with pytest.raises(BadSetting, match="chmod 600"):
        broker_of("mqtts://somewhere")
    secret.chmod(0o600)
    monkeypatch.setenv("FLEETBUS_CA_FILE", str(secret))
    with pytest.raises(BadSetting, match="ca_file"):
        broker_of("mqtts://somewhere")


def test_an_authority_is_made_once_and_its_agents_are_known_by_it(tmp_path: Path) -> None:
    first = Authority(tmp_path, NOW)
    before = first.ca.read_bytes()
    first.issue_server(["10.0.0.7", "broker.example.org"])
    certificate, key = Authority(tmp_path, NOW).issue_agent("Main")
    assert first.ca.read_bytes() == before
    assert certificate.name == "agent-Main.pem"
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.key")} == {0o600}
    context = ssl.create_default_context(cafile=str(first.ca))
    context.load_cert_chain(certificate, key)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(BadCertificates, match=r"ca\.key"):
        Authority(tmp_path, NOW)
