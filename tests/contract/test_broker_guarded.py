"""One access table, several enforcers: our own broker, mosquitto and nats-server, as generated.

What differs is in the profile: whether a forbidden subscription is refused or stays silent, and
whether a subscription wider than one's rights is granted and narrowed, or refused.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent_client.settings import machine_id_of
from broker.others import emqx, nats
from broker.others.people import Person, Site
from coordinator.cli.app import app
from protocol.access import Role
from protocol.errors import BadName
from protocol.names import host_name
from protocol.topics import Topics
from tests.support.mqtt import ACCEPTED, NOT_AUTHORIZED, REFUSED_FILTER, TestClient
from tests.support.other_brokers import Guarded, guarded_broker

ROOT = "fleet/v1"
LAST = b"last"
HOST = "host-LAPTOP-GHI789"


@dataclass(frozen=True)
class Profile:
    """What a broker does where it may choose."""

    refuses_filters: bool
    narrows_filters: bool
    refuses_wills: bool


PROFILES = {
    "embedded": Profile(refuses_filters=True, narrows_filters=True, refuses_wills=True),
    "mosquitto": Profile(refuses_filters=False, narrows_filters=True, refuses_wills=False),
    "nats": Profile(refuses_filters=True, narrows_filters=False, refuses_wills=False),
}


@pytest.fixture(scope="module", params=PROFILES)
def guarded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    with guarded_broker(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def enter(guarded: Guarded) -> Iterator[Callable[..., TestClient]]:
    """Connect people by name; the coordinator subscribes to everything, as it is heard on."""
    clients: list[TestClient] = []

    def connect(name: str, will: tuple[str, bytes] | None = None) -> TestClient:
        client = TestClient(name, username=name, password=guarded.secrets[name], will=will)
        clients.append(client)
        assert client.connect(guarded.address) == ACCEPTED
        return client

    yield connect
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("name", "password", "answer"),
    [
        ("Main", "<right>", ACCEPTED),
        ("Main", "wrong", NOT_AUTHORIZED),
        ("Main", None, NOT_AUTHORIZED),
        ("nobody", "<right>", NOT_AUTHORIZED),
        (None, None, NOT_AUTHORIZED),
    ],
)
def test_only_whoever_knows_the_secret_gets_in(
    guarded: Guarded, name: str | None, password: str | None, answer: str
) -> None:
    right = guarded.secrets["Main"]
    client = TestClient(
        name or "x", username=name, password=right if password == "<right>" else password
    )
    assert client.connect(guarded.address) == answer
    client.close()


@pytest.mark.parametrize(
    ("name", "topic", "allowed"),
    [
        ("Main", "agents/Main/report", True),
        ("Main", "agents/Main/presence", True),
        ("Main", "agents/Main/anything", False),
        ("Main", "agents/Heals/report", False),
        ("Main", "inbox/Main/desired", False),
        ("Main", "submit/Main", False),
        ("Main", "coordinator/presence", False),
        ("ann", "submit/ann", True),
        ("ann", "submit/bob", False),
        ("ann", "replies/ann", False),
        ("ann", "agents/ann/report", False),
        ("eye", "events", False),
        ("eye", "submit/eye", False),
        (HOST, f"hosts/{HOST}/actual", True),
        (HOST, f"hosts/{HOST}/desired", False),
        (HOST, "hosts/host-DESKTOP-ABC123/actual", False),
        (HOST, "agents/Main/report", False),
    ],
)
def test_everyone_is_heard_on_their_own_topics_only(
    enter: Callable[..., TestClient], name: str, topic: str, allowed: bool
) -> None:
    coordinator, speaker, other = enter("coordinator"), enter(name), enter("Heals")
    assert coordinator.subscribe(f"{ROOT}/#") == 1
    coordinator.publish(f"{ROOT}/events", b"mark")
    coordinator.receive_until(b"mark")  # and whatever is retained
    speaker.publish(f"{ROOT}/{topic}", b"said", retain=True)
    last = "agents/Main/info" if name == "Main" else "agents/Heals/report"
    (speaker if name == "Main" else other).publish(f"{ROOT}/{last}", LAST)
    heard = [message.payload for message in coordinator.receive_until(LAST)]
    assert heard == ([b"said"] if allowed else [])


@pytest.mark.parametrize(
    ("name", "pattern", "topic", "allowed"),
    [
        ("Main", "inbox/Main/#", "inbox/Main/desired", True),
        ("Main", "registry/Main", "registry/Main", True),
        ("Main", "coordinator/#", "coordinator/rollcall", True),
        ("Main", "inbox/Heals/#", "inbox/Heals/desired", False),
        ("Main", "replies/+", "replies/ann", False),
        ("ann", "replies/ann", "replies/ann", True),
        ("ann", "tasks/+", "tasks/one", True),
        ("ann", "replies/bob", "replies/bob", False),
        ("eye", "agents/+/report", "agents/Main/report", True),
        ("eye", "replies/#", "replies/ann", False),
        (HOST, f"hosts/{HOST}/desired", f"hosts/{HOST}/desired", True),
        (HOST, "coordinator/#", "coordinator/rollcall", True),
        (HOST, "hosts/host-DESKTOP-ABC123/#", "hosts/host-DESKTOP-ABC123/desired", False),
        (HOST, "inbox/Main/#", "inbox/Main/desired", False),
    ],
)
def test_everyone_reads_what_the_table_grants_live_and_retained(
    guarded: Guarded,
    enter: Callable[..., TestClient],
    *,
    name: str,
    pattern: str,
    topic: str,
    allowed: bool,
) -> None:
    profile = PROFILES[guarded.kind]
    coordinator, reader = enter("coordinator"), enter(name)
    mark = "coordinator/summary" if name in {"Main", HOST} else "events"
    assert reader.subscribe(f"{ROOT}/{mark}") == 1
    coordinator.publish(f"{ROOT}/{topic}", b"kept", retain=True)
    time.sleep(guarded.address.settles_s)
    code = reader.subscribe(f"{ROOT}/{pattern}")
    assert code == (1 if allowed or not profile.refuses_filters else REFUSED_FILTER)
    coordinator.publish(f"{ROOT}/{topic}", b"live")
    coordinator.publish(f"{ROOT}/{mark}", LAST)
    heard = {message.payload for message in reader.receive_until(LAST)} - {b"mark"}
    while allowed and not heard >= {b"kept", b"live"}:
        heard.add(reader.receive().payload)  # two subscriptions need not keep one order
    coordinator.publish(f"{ROOT}/{topic}", b"", retain=True)
    assert heard == ({b"kept", b"live"} if allowed else set())


def test_a_filter_wider_than_ones_rights_shows_no_more_than_they_do(
    guarded: Guarded, enter: Callable[..., TestClient]
) -> None:
    coordinator, reader = enter("coordinator"), enter("eye")
    code = reader.subscribe(f"{ROOT}/#")
    if not PROFILES[guarded.kind].narrows_filters:
        assert code == REFUSED_FILTER
        return
    coordinator.publish(f"{ROOT}/replies/ann", b"private")
    coordinator.publish(f"{ROOT}/events", LAST)
    assert b"private" not in [message.payload for message in reader.receive_until(LAST)]


def test_a_will_says_no_more_than_its_sender_may(
    guarded: Guarded, enter: Callable[..., TestClient]
) -> None:
    forged = (f"{ROOT}/coordinator/presence", b"gone")
    coordinator = enter("coordinator")
    coordinator.subscribe(f"{ROOT}/#")
    secret = guarded.secrets["Main"]
    forger = TestClient("Main", username="Main", password=secret, will=forged)
    answer = forger.connect(guarded.address)
    assert (answer == NOT_AUTHORIZED) is PROFILES[guarded.kind].refuses_wills
    forger.vanish()
    for name, topic in ((HOST, f"hosts/{HOST}/presence"), ("Heals", "agents/Heals/presence")):
        honest = enter(name, will=(f"{ROOT}/{topic}", b"offline"))
        honest.vanish()
        heard = [message.payload for message in coordinator.receive_until(b"offline")]
        assert b"gone" not in heard


def test_the_gateways_own_subjects_are_nobodys_to_read(
    guarded: Guarded, enter: Callable[..., TestClient]
) -> None:
    coordinator, reader, other = enter("coordinator"), enter("Main"), enter("Heals")
    assert other.subscribe(f"{ROOT}/inbox/Heals/#") == 1
    assert reader.subscribe(f"{ROOT}/coordinator/#") == 1
    for pattern in ("$MQTT/sub/#", "$MQTT/#", "$SYS/REQ/#"):
        reader.subscribe(pattern)
    coordinator.publish(f"{ROOT}/inbox/Heals/desired", b"private")
    assert other.receive().payload == b"private"
    coordinator.publish(f"{ROOT}/coordinator/rollcall", LAST)
    assert b"private" not in [message.payload for message in reader.receive_until(LAST)]


def test_the_command_writes_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    out, data = tmp_path / "out", tmp_path / "data"
    words = ["--out", str(out), "--data", str(data), "--operator", "ann", "--agent", "Extra"]
    for kind in ("mosquitto", "nats", "emqx"):
        for _ in range(2):
            done = CliRunner().invoke(app, ["broker", "config", kind, *words])
            assert done.exit_code == 0, done.output
    secret = (data / "secrets" / "ann.secret").read_text().strip()
    written = {path.name: path for path in out.iterdir() if path.is_file()}
    assert set(written) == {
        "mosquitto.conf", "passwords", "acl", "nats-server.conf",
        "fleetbus.hocon", "acl.conf", "users.csv",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in written.values()} == {0o600}
    assert [name for name, path in written.items() if secret in path.read_text()] == [
        "nats-server.conf"
    ]
    assert secret not in done.output
    parts = ("local-operator", "local-starter", "control-room", "coordinator-web", "coordinator")
    for name in (*parts, "Main", "Extra", "ann", HOST, host_name(machine_id_of(None))):
        assert f"user {name}\n" in written["acl"].read_text()
        assert f'user: "{name}", ' in written["nats-server.conf"].read_text()
        assert f'{{user, "{name}"}}' in written["acl.conf"].read_text()
    assert "127.0.0.1" in written["mosquitto.conf"].read_text()


def test_mosquitto_reads_its_own_kind_of_hash(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--out", str(out), "--data", str(tmp_path / "data")]
    assert CliRunner().invoke(app, ["broker", "config", "mosquitto", *words]).exit_code == 0
    line = (out / "passwords").read_text().splitlines()[0]
    theirs = tmp_path / "theirs"
    program = shutil.which("mosquitto_passwd")
    assert program is not None
    subprocess.run([program, "-c", "-b", str(theirs), "x", "secret"], check=True)
    shape = re.compile(r"\w+:\$7\$101\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==")
    assert shape.fullmatch(theirs.read_text().strip())
    assert shape.fullmatch(line)


@pytest.mark.parametrize(
    ("pattern", "subjects"),
    [
        ("#", [">"]),
        ("fleet/v1/inbox/Main/#", ["fleet.v1.inbox.Main", "fleet.v1.inbox.Main.>"]),
        ("fleet/v1/agents/+/report", ["fleet.v1.agents.*.report"]),
        ("fleet/v1/events", ["fleet.v1.events"]),
    ],
)
def test_filters_become_subjects(pattern: str, subjects: list[str]) -> None:
    assert nats.subjects(pattern) == subjects


def test_emqx_denies_whatever_the_table_does_not_grant() -> None:
    people = [Person("Main", Role.AGENT, "s"), Person("eye", Role.OBSERVER, "t")]
    made = emqx.files(Topics(), people, Site(folder=Path("/etc/fleetbus"), port=1883))
    rules = made["acl.conf"].splitlines()
    assert rules[-1] == "{deny, all}."
    assert '{allow, {user, "Main"}, publish, ["fleet/v1/agents/Main/presence"' in made["acl.conf"]
    assert '{user, "eye"}, publish' not in made["acl.conf"]
    assert "no_match = deny" in made["fleetbus.hocon"]


@pytest.mark.parametrize("name", ["a/b", "#", "+", "x y", "coordinator-2", 'x"', "x\nuser root"])
def test_a_name_that_could_break_out_of_a_file_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        Person(name, Role.AGENT, "secret")
