"""Names that prove themselves: tokens, secrets, passwords, rotation and revocation at a broker."""

import json
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from broker.credentials.file import CredentialsFile
from broker.credentials.passwords import hash_password
from broker.credentials.records import fingerprint, new_secret
from coordinator.cli.app import app
from protocol.access import Role
from protocol.enrolment import Claim, is_strong
from tests.support.brokers import BrokerAddress, embedded_broker
from tests.support.mqtt import ACCEPTED, NOT_AUTHORIZED, TestClient
from tests.support.wire import CONNACK, PONG, on_wire, packet, subscribe, text

REPOSITORY = Path(__file__).parents[2]
SECRET = new_secret()
PASSWORD = "correct horse battery"


def shown(output: str) -> str:
    """Find the token or secret that a command shows on a line of its own."""
    return next(line.strip() for line in output.splitlines() if is_strong(line.strip()))


@dataclass(frozen=True)
class Bus:
    """A broker that asks everyone for credentials, and its data directory."""

    broker: BrokerAddress
    data: Path

    @property
    def file(self) -> CredentialsFile:
        return CredentialsFile(self.data / "credentials.json")

    def fleetbus(self, *words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--data", str(self.data)])
        assert done.exit_code == 0, done.output
        return done.output

    def answer(self, name: str | None, password: str | None, client_id: str | None = None) -> str:
        client = TestClient(client_id or name or "", username=name, password=password)
        try:
            return client.connect(self.broker)
        finally:
            client.close()


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    data = tmp_path_factory.mktemp("data")
    file = CredentialsFile(data / "credentials.json")
    file.change(lambda book: book.grant("bot", Role.AGENT, fingerprint(SECRET)))
    file.change(lambda book: book.grant("ann", Role.OPERATOR, hash_password(PASSWORD)))
    file.change(lambda book: book.grant("eye", Role.OBSERVER, fingerprint(SECRET)))
    with embedded_broker(data, require_credentials=True) as broker:
        yield Bus(broker, data)


@pytest.mark.parametrize(
    ("name", "password", "client_id", "expected"),
    [
        pytest.param("bot", SECRET, "bot", ACCEPTED, id="an agent with its secret"),
        pytest.param("bot", None, "bot", NOT_AUTHORIZED, id="without it"),
        pytest.param("bot", new_secret(), "bot", NOT_AUTHORIZED, id="with another"),
        pytest.param("bot", SECRET, "bot-2", NOT_AUTHORIZED, id="under another client id"),
        pytest.param("bot", SECRET, "fleet/bot", ACCEPTED, id="under its fleet's root"),
        pytest.param("bot", SECRET, "other/bot", NOT_AUTHORIZED, id="under another fleet's"),
        pytest.param("ann", PASSWORD, "ann", ACCEPTED, id="a person with a password"),
        pytest.param("ann", PASSWORD, "ann-7f", ACCEPTED, id="a person's second window"),
        pytest.param("ann", PASSWORD, "bot", NOT_AUTHORIZED, id="a person under a bot's id"),
        pytest.param("ann", PASSWORD, "fleet/bot", NOT_AUTHORIZED, id="the same with the root"),
        pytest.param("ann", "wrong horse battery", "ann", NOT_AUTHORIZED, id="a wrong password"),
        pytest.param("eye", SECRET, "eye", ACCEPTED, id="an observer"),
        pytest.param("stranger", SECRET, "stranger", NOT_AUTHORIZED, id="a name nobody enrolled"),
        pytest.param(None, None, "watcher", NOT_AUTHORIZED, id="no name at all"),
        pytest.param("coordinator", SECRET, "coordinator", NOT_AUTHORIZED, id="the coordinator's"),
    ],
)
def test_who_gets_in_where_credentials_are_required(
    bus: Bus, name: str | None, password: str | None, client_id: str, expected: str
) -> None:
    assert bus.answer(name, password, client_id) == expected


def test_a_role_is_all_that_a_name_may_do(bus: Bus) -> None:
    agent = TestClient("bot", username="bot", password=SECRET)
    assert agent.connect(bus.broker) == ACCEPTED
    assert agent.subscribe("fleet/v1/inbox/bot/#") == 1
    assert agent.subscribe("fleet/v1/replies/bot") == 0x80
    assert agent.subscribe("fleet/v1/tasks/#") == 0x80
    agent.close()
    observer = TestClient("eye", username="eye", password=SECRET)
    assert observer.connect(bus.broker) == ACCEPTED
    assert observer.subscribe("fleet/v1/tasks/#") == 1
    assert observer.subscribe("fleet/v1/replies/eye") == 0x80
    observer.close()


def test_a_token_becomes_a_secret_once(bus: Bus, tmp_path: Path) -> None:
    token = shown(bus.fleetbus("enroll", "novice"))
    place = tmp_path / "novice.secret"
    command = [sys.executable, "-m", "agent_client.enrolment", "novice"]
    environment = {
        "FLEETBUS_BROKER": bus.broker.url(),
        "FLEETBUS_TOKEN": token,
        "FLEETBUS_PASSWORD_FILE": str(place),
        "PYTHONPATH": str(REPOSITORY),
    }
    done = []
    for _ in range(2):
        done.append(
            subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=30, check=False
            )
        )
        assert done[-1].returncode == 0, done[-1].stderr
    assert "is enrolled" in done[0].stdout
    assert "was enrolled already" in done[1].stdout
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    secret = place.read_text().strip()
    assert bus.answer("novice", secret) == ACCEPTED
    assert bus.answer("novice", Claim(token, new_secret()).password()) == NOT_AUTHORIZED
    kept = bus.file.path.read_text()
    assert secret not in kept
    assert token not in kept


def test_a_wrong_token_does_not_use_up_the_right_one(bus: Bus) -> None:
    token = shown(bus.fleetbus("enroll", "careful"))
    mine = new_secret()
    assert bus.answer("careful", Claim(new_secret(), mine).password()) == NOT_AUTHORIZED
    other = Claim(token, mine).password()
    assert bus.answer("careful", other, client_id="somebody") == NOT_AUTHORIZED
    assert bus.answer("careful", other) == ACCEPTED
    assert bus.answer("careful", mine) == ACCEPTED


def test_two_secrets_are_valid_until_the_rotation_is_finished(bus: Bus, tmp_path: Path) -> None:
    place = tmp_path / "turner.secret"
    bus.fleetbus("enroll", "turner", "--secret-file", str(place))
    old = place.read_text().strip()
    assert bus.answer("turner", old) == ACCEPTED
    bus.fleetbus("rotate", "turner", "--secret-file", str(place))
    new = place.read_text().strip()
    assert new != old
    assert bus.answer("turner", new) == ACCEPTED
    client = TestClient("turner", username="turner", password=old)
    assert client.connect(bus.broker) == ACCEPTED
    bus.fleetbus("rotate", "turner", "--finish")
    assert client.disconnected.wait(5)
    client.close()
    assert bus.answer("turner", old) == NOT_AUTHORIZED
    assert bus.answer("turner", new) == ACCEPTED


def test_whoever_is_revoked_is_disconnected_at_once_and_its_will_is_heard(bus: Bus) -> None:
    secret = shown(bus.fleetbus("enroll", "villain", "--direct"))
    assert bus.answer("villain", secret) == ACCEPTED
    topic = "fleet/v1/agents/villain/presence"
    watcher = TestClient("eye", username="eye", password=SECRET)
    assert watcher.connect(bus.broker) == ACCEPTED
    assert watcher.subscribe(topic) == 1
    client = TestClient("villain", username="villain", password=secret, will=(topic, b"offline"))
    assert client.connect(bus.broker) == ACCEPTED
    bus.file.change(lambda book: book.revoke("villain"))
    assert client.disconnected.wait(2)
    assert watcher.receive().payload == b"offline"
    assert bus.answer("villain", secret) == NOT_AUTHORIZED
    client.close()
    watcher.close()


def test_a_damaged_credentials_file_lets_nobody_new_in_and_throws_nobody_out(bus: Bus) -> None:
    before = bus.file.path.read_bytes()
    client = TestClient("bot", username="bot", password=SECRET)
    assert client.connect(bus.broker) == ACCEPTED
    try:
        bus.file.path.write_bytes(b"{")
        log = bus.data / "broker.log"
        waiting = threading.Event()
        for _ in range(100):
            if "going on with the credentials known so far" in log.read_text():
                break
            waiting.wait(0.05)
        else:
            pytest.fail("the broker did not notice")
        assert bus.answer("eye", SECRET) == ACCEPTED
        assert not client.disconnected.is_set()
    finally:
        bus.file.path.write_bytes(before)
        client.close()


def test_packets_after_a_connect_wait_until_its_password_is_checked(bus: Bus) -> None:
    flags = bytes((0xC2,))
    body = b"\x00\x04MQTT\x04" + flags + (60).to_bytes(2) + text("ann") + text("ann")
    hello = packet(0x10, body + text(PASSWORD))
    with on_wire(bus.broker) as wire:
        wire.send(hello + subscribe("fleet/v1/tasks/#", 1, 7) + b"\xc0\x00")
        assert wire.expect(CONNACK) == b"\x00\x00"
        assert wire.expect(0x90) == b"\x00\x07\x01"
        assert wire.expect(PONG) == b""
    wrong = packet(0x10, body + text("wrong horse battery"))
    with on_wire(bus.broker) as wire:
        wire.send(wrong + subscribe("fleet/v1/tasks/#", 1, 7))
        assert wire.expect(CONNACK) == b"\x00\x05"
        assert wire.is_closed()


def test_slow_passwords_hold_up_nobody_else_and_only_so_many_may_wait(bus: Bus) -> None:
    flags = bytes((0xC2,))
    body = b"\x00\x04MQTT\x04" + flags + (60).to_bytes(2)
    guesses = []
    with on_wire(bus.broker) as bot:
        bot.send(packet(0x10, body + text("bot") + text("bot") + text(SECRET)))
        assert bot.expect(CONNACK) == b"\x00\x00"
        for n in range(40):
            guess = on_wire(bus.broker)
            wire = guess.__enter__()
            guesses.append((guess, wire))
            wire.send(
                packet(0x10, body + text(f"ann-{n}") + text("ann") + text(f"guess number {n}"))
            )
        assert bot.heard() == []  # answered while they are still being hashed
        for guess, wire in guesses:
            assert wire.expect(CONNACK) == b"\x00\x05"
            guess.__exit__(None, None, None)


def test_an_enrolled_name_proves_itself_even_where_others_are_believed(tmp_path: Path) -> None:
    file = CredentialsFile(tmp_path / "credentials.json")
    file.change(lambda book: book.grant("bot", Role.AGENT, fingerprint(SECRET)))
    with embedded_broker(tmp_path) as broker:
        bus = Bus(broker, tmp_path)
        assert bus.answer("other", None) == ACCEPTED
        assert bus.answer(None, None, "watcher") == ACCEPTED
        assert bus.answer("bot", None) == NOT_AUTHORIZED
        assert bus.answer(None, None, "bot") == NOT_AUTHORIZED
        assert bus.answer("bot", SECRET) == ACCEPTED
        trusted = TestClient("other", username="other")
        assert trusted.connect(broker) == ACCEPTED
        file.change(lambda book: book.grant("other", Role.AGENT, fingerprint(SECRET)))
        assert trusted.disconnected.wait(2)
        trusted.close()
        file.change(lambda book: book.revoke("bot"))
        assert bus.answer("bot", SECRET) == NOT_AUTHORIZED


def test_no_secret_shows_in_a_list_or_a_log(bus: Bus) -> None:
    listed = bus.fleetbus("enrolled", "--json")
    names = {entry["name"]: entry for entry in json.loads(listed)["enrolled"]}
    assert names["bot"]["role"] == "agent"
    for text_ in (listed, (bus.data / "broker.log").read_text()):
        assert fingerprint(SECRET) not in text_
        assert SECRET not in text_
        assert PASSWORD not in text_
