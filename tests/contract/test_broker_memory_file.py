"""The file of the broker's memory: who may use it, what is written, and what a full disk does."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.delivery import Delivery
from broker.keeping.database import FILE_NAME, Database
from broker.keeping.keeper import MAX_HELD_BACK, Keeper
from broker.message import Message
from tests.support.brokers import BrokerAddress, open_broker
from tests.support.wire import on_wire


@contextlib.contextmanager
def keeping(folder: Path) -> Iterator[BrokerAddress]:
    with open_broker(folder, data=folder / "kept") as broker:
        yield broker


def run_broker(folder: Path) -> subprocess.CompletedProcess[str]:
    ports = ("--mqtt-port", "0", "--ws-port", "0")
    return subprocess.run(
        [sys.executable, "-m", "broker", *ports, "--data", str(folder)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    with keeping(tmp_path) as broker, on_wire(broker, "speaker") as speaker:
        speaker.publish("kept", b"secret", 1, retain=True)
    files = list((tmp_path / "kept").iterdir())
    assert files
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not a database, but long enough to be taken for one" * 20, "damaged"),
        (None, "a file that this broker alone has open"),
    ],
)
def test_a_file_of_no_use_is_named_with_what_to_do(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    tmp_path.joinpath("kept").mkdir()
    if content is None:
        (tmp_path / "kept" / FILE_NAME).mkdir()
    else:
        (tmp_path / "kept" / FILE_NAME).write_bytes(content)
    ended = run_broker(tmp_path / "kept")
    assert ended.returncode == 1
    assert str(tmp_path / "kept" / FILE_NAME) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert said in ended.stderr or "that the broker's user may write to" in ended.stderr


def test_two_brokers_do_not_share_a_memory(tmp_path: Path) -> None:
    with keeping(tmp_path):
        ended = run_broker(tmp_path / "kept")
    assert ended.returncode == 1
    assert "a file that this broker alone has open" in ended.stderr


class FakeLink:
    def __init__(self) -> None:
        self.room = True
        self.written: list[bytes] = []
        self.ended = asyncio.Event()

    def write(self, packet: bytes) -> None:
        self.written.append(packet)

    def end_soon(self, reason: str) -> None:
        self.ended.set()


async def until(done: Callable[[], bool]) -> None:
    while not done():  # noqa: ASYNC110 - a thread and a log make no event
        await asyncio.sleep(0.01)


async def test_while_the_disk_is_full_nothing_is_acknowledged_and_all_is_once_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(tmp_path)
    database.limit_pages(1)
    keeper, link = Keeper(database), FakeLink()
    async with asyncio.timeout(10), keeper.running():
        keeper.answer(link, b"before")
        assert link.written == [b"before"]
        large = Message("a", b"x" * 100_000, 1, retain=True)
        keeper.retained(large, kept=True)
        keeper.answer(link, b"after")
        await until(lambda: bool(caplog.records))
        assert "nothing is acknowledged" in caplog.text
        assert link.written == [b"before"]
        for _ in range(MAX_HELD_BACK):
            keeper.answer(link, b"more")
        assert link.ended.is_set()
        database.limit_pages(1 << 30)
        await until(lambda: link.written != [b"before"])
        assert link.written[1] == b"after"
    again = Database(tmp_path)
    assert [message.payload for message in again.retained()] == [large.payload]
    again.close()


async def test_of_many_changes_of_one_thing_one_is_written(tmp_path: Path) -> None:
    database = Database(tmp_path)
    keeper = Keeper(database)
    notes = keeper.notes("reader")
    notes.entered("ann")
    for n in range(1, 1000):
        keeper.retained(Message("a", b"%d" % n, 0, retain=True), kept=True)
        delivery = Delivery(Message("a", b"%d" % n, 1, retain=False), 1, retain=False)
        delivery.number = n
        notes.delivering(delivery)
        notes.delivered(delivery)
    changes = keeper.change()
    assert len(changes.retained) == 1
    assert set(changes.sessions["reader"].deliveries.values()) == {None}
    async with keeper.running():
        pass
    again = Database(tmp_path)
    assert [message.payload for message in again.retained()] == [b"999"]
    assert [one.deliveries for one in again.sessions()] == [{}]
    again.close()
