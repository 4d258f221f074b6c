"""Alerts on their way out: through Apprise to a real receiver, also one that hangs or fails."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from coordinator.core.alerts.telling import News, Notice
from coordinator.core.alerts.words import AlertSeverity
from coordinator.plan.upkeep import Channel
from coordinator.shell.alerts.addresses import (
    BadChannel,
    address_of,
    check_reach,
    without_secrets,
)
from coordinator.shell.alerts.apprise_delivery import NotDelivered, deliver
from coordinator.shell.alerts.sender import MOST_WAITING, Letter, Sender

CANARY = "canary-7f3a9c"
HOOK = Channel(url_env="HOOK")


@dataclass
class Receiver:
    """A receiver of webhooks on this machine."""

    answers: list[int] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    location: str | None = None
    hang: threading.Event | None = None
    port: int = 0

    @property
    def address(self) -> str:
        return f"json://user:{CANARY}@127.0.0.1:{self.port}/{CANARY}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    known = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if known.hang is not None:
                known.hang.wait(30)
            known.heard.append(json.loads(body))
            self.send_response(known.answers.pop(0) if known.answers else 200)
            if known.location:
                self.send_header("Location", known.location)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield known
    if known.hang is not None:
        known.hang.set()
    server.shutdown()
    server.server_close()
    thread.join()


def notice(severity: AlertSeverity = AlertSeverity.WARNING, *channels: str) -> Notice:
    return Notice("gone", News.RAISED, severity, channels, (), "Agent gone", "Main is lost")


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_a_message_reaches_its_receiver(receiver: Receiver) -> None:
    deliver("hook", receiver.address, "Title", "Body", AlertSeverity.CRITICAL, allow_local=True)

    assert receiver.heard[0]["title"] == "Title"
    assert receiver.heard[0]["message"] == "Body"
    assert receiver.heard[0]["type"] == "failure"


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_a_refusal_is_told_without_the_secret(
    receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [status]
    with caplog.at_level(logging.DEBUG), pytest.raises(NotDelivered) as refused:
        deliver("hook", receiver.address, "T", "B", AlertSeverity.INFO, allow_local=True)

    assert "channel 'hook'" in str(refused.value)
    assert CANARY not in str(refused.value) + caplog.text


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers, receiver.location = [307], f"http://127.0.0.1:{receiver.port}/metadata"
    with pytest.raises(NotDelivered):
        deliver(
            "hook",
            receiver.address + "?redirect=yes",
            "T",
            "B",
            AlertSeverity.INFO,
            allow_local=True,
        )
    assert len(receiver.heard) == 1


def test_nobody_there_is_told_without_the_secret() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"json://127.0.0.1:{held.getsockname()[1]}/{CANARY}"
        with pytest.raises(NotDelivered) as refused:
            deliver("hook", address, "T", "B", AlertSeverity.INFO, allow_local=True)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "0.0.0.0"])
def test_this_machine_and_link_local_addresses_are_refused_unless_allowed(host: str) -> None:
    bare = host.strip("[]")
    with pytest.raises(BadChannel, match="alerts_to_this_machine"):
        check_reach("hook", f"json://{host}/x", bare, allow_local=False)
    check_reach("hook", f"json://{host}/x", bare, allow_local=True)


@pytest.mark.parametrize("address", ["syslog://", "dbus://", "file:///etc/passwd"])
def test_a_service_of_this_machine_is_no_channel(address: str) -> None:
    with pytest.raises(BadChannel):
        check_reach("hook", address, None, allow_local=True)


def test_an_unknown_scheme_is_told() -> None:
    with pytest.raises(BadChannel, match="Apprise cannot use its nonsense:// address"):
        deliver("hook", f"nonsense://{CANARY}", "T", "B", AlertSeverity.INFO)


def test_an_address_is_found_in_its_variable_or_file(tmp_path: Path) -> None:
    file = tmp_path / "hook.secret"
    file.write_text("json://host/x\n")
    file.chmod(0o600)

    assert address_of("h", HOOK, tmp_path, {"HOOK": "json://a/b"}) == "json://a/b"
    assert address_of("h", Channel(url_file="hook.secret"), tmp_path, {}) == "json://host/x"


def test_an_address_that_is_missing_readable_by_all_or_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "hook.secret"
    file.write_text(f"json://{CANARY}")
    file.chmod(0o644)
    in_file = Channel(url_file="hook.secret")

    with pytest.raises(BadChannel, match="variable HOOK is not set"):
        address_of("h", HOOK, tmp_path, {})
    with pytest.raises(BadChannel, match="chmod 600"):
        address_of("h", in_file, tmp_path, {})
    with pytest.raises(BadChannel, match="no address such as") as refused:
        address_of("h", HOOK, tmp_path, {"HOOK": CANARY})
    assert CANARY not in str(refused.value)


def test_every_part_of_an_address_is_a_secret() -> None:
    said = "cannot post to https://host-name/tok%20en/1234 as user with pass word"
    shown = without_secrets(said, "json://user:pass%20word@host-name/tok%20en/1234")

    for secret in ("host-name", "tok%20en", "1234", "pass word", "user"):
        assert secret not in shown


def test_a_receiver_that_hangs_delays_neither_the_caller_nor_another_channel(
    receiver: Receiver,
) -> None:
    receiver.hang = threading.Event()
    taken: list[str] = []

    def send(name: str, _channel: Channel, letter: Letter) -> None:
        if name == "hangs":
            deliver(name, receiver.address, *letter, allow_local=True)
        else:
            taken.append(letter.title)

    sender = Sender(send, pauses_s=())
    sender.use({"hangs": HOOK, "works": HOOK})
    for _ in range(3 * MOST_WAITING):
        assert sender.send(notice()) == ("hangs", "works")
        before = len(taken)
        wait_for(lambda before=before: len(taken) > before)  # type: ignore[misc]

    assert len(taken) == 3 * MOST_WAITING
    assert sender.waiting("hangs") == MOST_WAITING
    assert sender.tallies["hangs"].dropped >= MOST_WAITING
    assert sender.tallies["works"].sent == 3 * MOST_WAITING
    sender.close()


def test_what_is_not_delivered_is_tried_again_and_then_given_up() -> None:
    tries: list[str] = []

    def send(name: str, _channel: Channel, _letter: Letter) -> None:
        tries.append(name)
        if name == "dead" or len([one for one in tries if one == name]) < 3:
            raise NotDelivered(f"{name}: no answer")

    sender = Sender(send, pauses_s=(0.0, 0.0, 0.0))
    sender.use({"dead": HOOK, "slow": HOOK})
    sender.send(notice())
    wait_for(lambda: sender.tallies["dead"].failed == 1 and sender.tallies["slow"].sent == 1)

    assert tries.count("dead") == 4
    assert tries.count("slow") == 3
    assert sender.tallies["dead"].last_error == "dead: no answer"
    assert sender.tallies["slow"].last_error is None
    sender.close()


def test_a_channel_that_cannot_be_used_is_not_tried_again() -> None:
    tries: list[str] = []

    def send(name: str, _channel: Channel, _letter: Letter) -> None:
        tries.append(name)
        raise BadChannel("the variable HOOK is not set")

    sender = Sender(send)
    sender.use({"hook": HOOK})
    sender.send(notice())
    wait_for(lambda: sender.tallies["hook"].failed == 1)
    assert tries == ["hook"]
    sender.close()


def test_a_channel_hears_what_is_meant_for_it_and_loud_enough() -> None:
    sender = Sender(lambda _name, _channel, _letter: None)
    loud = Channel(url_env="HOOK", min_severity=AlertSeverity.CRITICAL)
    off = Channel(url_env="HOOK", enabled=False)
    sender.use({"hook": HOOK, "loud": loud, "off": off})

    assert sender.send(notice(AlertSeverity.INFO)) == ()
    assert sender.send(notice(AlertSeverity.WARNING)) == ("hook",)
    assert sender.send(notice(AlertSeverity.CRITICAL)) == ("hook", "loud")
    assert sender.send(notice(AlertSeverity.CRITICAL, "loud")) == ("loud",)
    sender.close()


def test_a_changed_channel_gets_a_new_thread_and_a_removed_one_hears_nothing() -> None:
    sender = Sender(lambda _name, _channel, _letter: None)
    sender.use({"hook": HOOK, "gone": HOOK})
    sender.use({"hook": Channel(url_env="OTHER")})

    assert sender.send(notice()) == ("hook",)
    wait_for(lambda: sender.tallies["hook"].sent == 1)
    sender.close()
    assert sender.send(notice()) == ()
