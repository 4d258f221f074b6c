"""``fleetbus report``: from a store with a past to tables, JSON and a page."""

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete
from typer.testing import CliRunner

from coordinator.cli.app import app
from coordinator.cli.report.charts import scale
from coordinator.cli.report.page import page_of
from coordinator.cli.report.tables import sparkline
from coordinator.cli.report.wording import duration, share
from coordinator.core.analytics import RUNNING
from coordinator.shell.report import Fleet, report
from coordinator.shell.store.archive import Archive
from coordinator.shell.store.engine import engine_of, url_in
from coordinator.shell.store.runs import runs_between
from coordinator.shell.store.schema import ATTEMPTS
from tests.support.past_fleet import AGENTS, DAY_MS, MODES, store_a_past

NASTY = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("past")
    store_a_past(folder, int(time.time() * 1000), runs=300)
    return folder


def invoke(*words: str) -> str:
    done = CliRunner().invoke(app, ["report", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def document_of(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(invoke("--data", str(data), "--json"))
    return found


def test_the_document_adds_up(data: Path) -> None:
    document = document_of(data)
    totals = document["totals"]

    assert {row["key"] for row in document["agents"]} == set(AGENTS)
    assert {row["key"] for row in document["modes"]} == set(MODES)
    assert totals["runs"] == 300 == totals["succeeded"] + totals["failed"]
    for rows in (document["agents"], document["modes"]):
        assert sum(row["runs"] for row in rows) == 300
        assert sum(row["ran_s"] for row in rows) == pytest.approx(totals["ran_s"])
        for row in rows:
            assert sum(row["ran_per_day_s"]) == pytest.approx(row["ran_s"])
            assert len(row["ran_per_day_s"]) == len(document["days"])
    assert sum(row["failed"] for row in document["failures"]) == totals["failed"]
    lost = {row["code"]: row["agent_hours"] for row in document["lost"]["reasons"]}
    assert lost["IDLE_BLOCK"] == pytest.approx(1.5 * 7 * 24, rel=0.02)
    assert "AGENT_BUSY" not in lost


def test_tables_and_page_are_written(data: Path, tmp_path: Path) -> None:
    assert "Failures by agent and mode" in invoke("--data", str(data))
    file = tmp_path / "report.html"
    assert str(file) in invoke("--data", str(data), "--html", str(file)).replace("\n", "")
    assert "Agent-hours without work" in file.read_text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def test_the_page_is_one_file_without_scripts_whatever_agents_call_themselves(data: Path) -> None:
    document = document_of(data)
    document["fleet_name"] = NASTY
    for row in (*document["agents"], *document["modes"], *document["lost"]["reasons"]):
        row["key" if "key" in row else "code"] = NASTY
    for row in document["failures"]:
        row["agent"] = row["mode"] = NASTY
    page = page_of(document)
    reader = _Reader()
    reader.feed(page)

    assert reader.tags.isdisjoint({"script", "img", "link", "iframe", "object"})
    names = {name for name, _ in reader.attributes}
    assert not {name for name in names if name.startswith("on")} | (names & {"src", "href"})
    assert not re.search(r"@import|url\(", page)
    assert page_of(document_of(data)).count("<svg") > 5


def test_a_page_of_nothing_is_a_page(tmp_path: Path) -> None:
    store_a_past(tmp_path, int(time.time() * 1000), runs=0)
    engine = engine_of(url_in(tmp_path))
    document = report(engine, None, Fleet("f"), 7, int(time.time() * 1000))
    engine.dispose()
    document["agents"], document["failures"], document["modes"] = [], [], []

    assert "Nothing ran." in page_of(document)
    assert "Nothing failed." in page_of(document)


def test_no_store_is_told_with_what_to_do(tmp_path: Path) -> None:
    assert "start one: fleetbus up" in invoke("--data", str(tmp_path))


@pytest.mark.parametrize("gap", [False, True])
def test_where_a_span_begins_is_found_whatever_was_forgotten(tmp_path: Path, gap: bool) -> None:
    now_ms = int(time.time() * 1000)
    store_a_past(tmp_path, now_ms, runs=200)
    engine = engine_of(url_in(tmp_path))
    if gap:
        with engine.begin() as connection:
            connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.number % 3 == 0))
    everything = runs_between(engine, 0, now_ms)
    for days in (0.01, 0.5, 2, 3.3, 6, 30):
        since_ms = now_ms - int(days * DAY_MS)
        expected = {
            run.task for run in everything if run.ended_ms >= since_ms and run.offered_ms < now_ms
        }
        assert {run.task for run in runs_between(engine, since_ms, now_ms)} == expected
    (held,) = [run for run in everything if run.outcome == RUNNING]
    assert held.ran_ms == pytest.approx(600_000, abs=2_000)
    assert {run.agent for run in runs_between(engine, 0, now_ms, agents=["Main"])} == {"Main"}
    assert len(runs_between(engine, 0, now_ms, most=5)) == 6
    engine.dispose()


def test_the_store_is_only_read(data: Path) -> None:
    archive = Archive.in_directory(data)
    assert archive is not None
    engine: Engine = archive.engine
    assert runs_between(engine, 0, int(time.time() * 1000))
    archive.close()


def test_figures_are_written_for_people() -> None:
    said = [duration(s) for s in (None, 0, 0.25, 5, 42, 162, 687, 7500, 360_000)]
    assert said == [
        "-",
        "0 s",
        "250 ms",
        "5.0 s",
        "42 s",
        "2 min 42 s",
        "11 min",
        "2 h 5 min",
        "100 h",
    ]
    assert [share(v) for v in (None, 0.0, 0.0004, 0.123, 1.0)] == [
        "-",
        "0.0 %",
        "<0.1 %",
        "12.3 %",
        "100 %",
    ]
    assert sparkline([0, 1, 8]) == "·▂█"
    assert sparkline([0, 0]) == "··"
    assert scale(0) == (1.0, 1.0)
    assert scale(14.6) == (5.0, 15.0)
