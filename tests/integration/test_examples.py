"""The bots of ``examples/`` do their work on real files, processes and pages, as they are."""

import contextlib
import functools
import hashlib
import http.server
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.bus_client import WITHIN_S, BusClient
from tests.support.fleet_process import (
    HEARTBEAT_S,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
    wait_until_idle,
)
from tests.support.processes import descendants, is_alive

pytestmark = [
    pytest.mark.xdist_group("examples"),
    pytest.mark.skipif(sys.platform != "linux", reason="ends process groups"),
]

BOTS: Final = {"folder_bot": "organise", "command_bot": "run", "link_bot": "check-links"}
CHILD: Final = "sleep 600 & echo $!; echo 40% done; wait"
PROGRAMS: Final = {
    "count": ["sh", "-c", 'while read line; do echo "$line 50%"; done'],
    "hangs": ["sh", "-c", CHILD],
    "fails": ["sh", "-c", "echo no disk; exit 3"],
}
PAGES: Final = {
    "index.html": '<a href="two.html#part">two</a> <img src="gone.png"> <a href="http://other/">',
    "two.html": '<a href="/">home</a> <a href="missing.html">?</a> <a href="notes.txt">notes</a>',
    "notes.txt": '<a href="not-a-page.html">',
}


@dataclass
class Stage:
    """The fleet with all three bots, their folder, and whoever gives them work."""

    client: BusClient
    folder: Path

    def ask(self, mode: str, **args: Any) -> str:
        return self.client.create(mode, mode, args=args, max_attempts=1)

    def end_of(self, task: str) -> dict[str, Any]:
        over = {"completed", "failed", "cancelled"}
        found = self.client.latest
        self.client.wait(
            f"the end of {task}", lambda: found(f"tasks/{task}").get("status") in over, WITHIN_S
        )
        return found(f"tasks/{task}")

    def step_of(self, task: str, **progress: Any) -> dict[str, Any]:
        """Wait until the task has told *progress*."""
        return self.client.wait_for(f"tasks/{task}", **progress)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("examples")
    home, programs = folder / "home", folder / "programs.json"
    home.mkdir()
    programs.write_text(json.dumps(PROGRAMS))
    words = {"folder_bot": [str(home)], "command_bot": [str(programs)]}
    agents = [
        {"name": name, "capabilities": [mode], "heartbeat_interval": HEARTBEAT_S}
        for name, mode in BOTS.items()
    ]
    with (
        broker_for_a_fleet(brokers_to_test()[0], folder) as where,
        running_fleet(where, folder / "fleet", [], plan_of([]) | {"agents": agents}) as fleet,
    ):
        for name in BOTS:
            variables = {
                "FLEETBUS_AGENT": name,
                "FLEETBUS_HEARTBEAT_S": str(HEARTBEAT_S),
                "FLEETBUS_BROKER": where.url,
                "FLEETBUS_ROOT": where.root,
            }
            fleet.start(name, f"examples.{name}", *words.get(name, []), environment=variables)
        client = fleet.client("me")
        wait_until_idle(client, list(BOTS))
        yield Stage(client, home)


def settled(file: Path, content: bytes) -> str:
    """Write *content* as somebody who did so a while ago, and return the start of its hash."""
    file.parent.mkdir(exist_ok=True)
    new = file.parent.parent / f"{file.name}.new"
    new.write_bytes(content)
    os.utime(new, (time.time() - 60, time.time() - 60))
    new.rename(file)
    return hashlib.sha256(content).hexdigest()[:16]


def test_a_folder_is_filed_by_kind_and_hash_and_watched_until_it_is_quiet(stage: Stage) -> None:
    inbox = stage.folder / "in"
    first = settled(inbox / "a.TXT", b"first")
    settled(inbox / "again.txt", b"first")
    table = settled(inbox / "table.csv", b"1,2\n" * 600_000)
    task = stage.ask("organise", inbox="in", quiet_s=1.5)
    stage.client.wait_for(f"tasks/{task}", status="running")
    late = settled(inbox / "late", b"came while it watched")
    ended = stage.end_of(task)
    assert ended["result"] == {"filed": {"txt": 1, "duplicate": 1, "csv": 1, "other": 1}}
    filed = {str(file.relative_to(stage.folder)) for file in stage.folder.rglob("*.*")}
    assert filed == {f"archive/txt/{first}-a.TXT", f"archive/csv/{table}-table.csv"}
    assert (stage.folder / "archive" / "other" / f"{late}-late").is_file()
    assert list(inbox.iterdir()) == []


def test_a_watch_that_is_cancelled_ends_and_leaves_the_files_alone(stage: Stage) -> None:
    task = stage.ask("organise", inbox="watched", quiet_s=600)
    stage.client.wait_for(f"tasks/{task}", status="running")
    assert stage.client.ask("cancel", task=task)["ok"]
    assert stage.end_of(task)["status"] == "cancelled"
    settled(stage.folder / "watched" / "unseen.txt", b"for nobody")
    wait_until_idle(stage.client, ["folder_bot"])
    assert (stage.folder / "watched" / "unseen.txt").is_file()


def test_a_program_gets_its_data_and_its_last_lines_are_kept(stage: Stage) -> None:
    ended = stage.end_of(stage.ask("run", program="count", input="one\ntwo\n"))
    assert ended["result"] == {"exit_status": 0, "tail": ["one 50%", "two 50%"]}
    ended = stage.end_of(stage.ask("run", program="fails"))
    assert (ended["error"]["code"], ended["error"]["message"]) == ("exit_3", "no disk")


@pytest.mark.parametrize("limit_s", [600.0, 4.0], ids=["cancelled", "too slow"])
def test_a_program_ends_with_all_that_it_started(stage: Stage, limit_s: float) -> None:
    task = stage.ask("run", program="hangs", limit_s=limit_s)
    stage.step_of(task, pct=40.0)
    started = descendants(lambda process: process.name() in {"sleep", "sh"})
    assert started
    if limit_s > 60:
        assert stage.client.ask("cancel", task=task)["ok"]
    ended = stage.end_of(task)
    how = (ended["status"], (ended.get("error") or {}).get("code"))
    assert how in {("cancelled", None), ("failed", "too_slow")}
    assert (how[0] == "cancelled") == (limit_s > 60)
    assert not [process for process in started if is_alive(process.pid)]


def test_broken_links_are_found_with_the_page_that_has_them(stage: Stage, tmp_path: Path) -> None:
    for name, text in PAGES.items():
        (tmp_path / name).write_text(text)
    with served(tmp_path) as site:
        ended = stage.end_of(stage.ask("check-links", urls=[site]))
    assert ended["result"]["found"] == 5
    assert ended["result"]["left_out"] == 0
    gone = "HTTP Error 404: File not found"
    assert ended["result"]["broken"] == [
        {"url": f"{site}gone.png", "on": site, "why": gone},
        {"url": f"{site}missing.html", "on": f"{site}two.html", "why": gone},
    ]
    ended = stage.end_of(stage.ask("check-links", urls=[site]))
    assert "refused" in ended["result"]["broken"][0]["why"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_said: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("mode", "args", "path"),
    [
        ("organise", {"inbox": 7}, "args.inbox: a text, not '7'"),
        ("organise", {"inbox": "../elsewhere"}, "args.inbox: a folder below "),
        ("organise", {}, "args.inbox: is missing"),
        ("run", {"program": "count", "limit_s": "long"}, "args.limit_s: a number, not 'long'"),
        ("run", {"program": "rm"}, "args.program: one of count, fails, hangs, not 'rm'"),
        ("check-links", {"urls": ["http://a/", 2]}, "args.urls.1: a text, not '2'"),
        ("check-links", {"urls": ["file:///etc"]}, "args.urls.0: a URL at http:// or https://"),
    ],
)
def test_what_is_no_task_for_a_bot_is_rejected_with_the_path(
    stage: Stage, mode: str, args: dict[str, Any], path: str
) -> None:
    ended = stage.end_of(stage.ask(mode, **args))
    assert ended["error"]["code"] == "bad_args"
    assert path in ended["error"]["message"]
