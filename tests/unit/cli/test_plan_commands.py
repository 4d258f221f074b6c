"""What the plan commands do without a coordinator: compare files, and look ahead from nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from coordinator.cli.app import app
from coordinator.plan.preview import Preview

PLAN: dict[str, Any] = {
    "fleet_name": "Small",
    "agents": [{"name": "Main", "capabilities": ["quest"]}],
    "global_constraints": {"max_concurrent_quest": 1},
}
MONDAY_MS = 1_767_571_200_000


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["plan", *words], env={"COLUMNS": "160"})


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return written(tmp_path / "plan.json", PLAN)


def written(file: Path, document: object) -> Path:
    file.write_text(json.dumps(document))
    return file


def test_two_files_are_compared_without_asking_anybody(plan: Path, tmp_path: Path) -> None:
    agents = [*PLAN["agents"], {"name": "Side", "capabilities": ["combat"]}]
    changed = {**PLAN, "agents": agents, "global_constraints": {"max_concurrent_quest": 3}}
    new = written(tmp_path / "new.json", changed)
    said = run("diff", str(plan), str(new))
    assert said.exit_code == 0
    assert "+ agents[Side]" in said.output
    assert "~ global_constraints.max_concurrent_quest: 1 → 3" in said.output
    assert "- agents[Side]" in run("diff", str(new), str(plan)).output

    document = json.loads(run("diff", str(plan), str(new), "--json").output)
    assert document["changes_total"] == 2
    assert "they say the same" in run("diff", str(plan), str(plan)).output


def test_a_file_that_cannot_be_used_is_not_compared(plan: Path, tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.json", {**PLAN, "timezone": "Mars/Base"})
    said = run("diff", str(plan), str(bad))
    assert said.exit_code == 1
    assert "timezone" in said.output


def test_a_preview_offline_tells_what_runs_when_and_what_never_does(
    plan: Path, tmp_path: Path
) -> None:
    state = written(tmp_path / "state.json", {"wall_ms": MONDAY_MS})
    tasks = written(
        tmp_path / "tasks.json",
        [{"name": "first", "mode": "quest"}] * 2 + [{"name": "odd", "mode": "crafting"}],
    )
    how = ("preview", str(plan), "--offline", "--state", str(state), "--tasks", str(tasks))
    said = run(*how)
    assert said.exit_code == 0, said.output
    assert "From Mon 05 Jan 00:00 to Mon 12 Jan 00:00 (UTC)" in said.output
    assert "2 tasks would start, 1 would not" in said.output
    assert "Mon 05 Jan 00:10" in said.output
    assert "NO_CAPABLE_AGENT" in said.output

    found = Preview.from_document(json.loads(run(*how, "--json").output))
    assert [run.agent for run in found.runs] == ["Main", "Main"]
    assert found.runs[1].waits == (("MODE_LIMIT", 600_000),)


def test_a_preview_offline_begins_with_an_empty_fleet(plan: Path) -> None:
    said = run("preview", str(plan), "--offline", "--days", "1")
    assert said.exit_code == 0
    assert "0 tasks would start" in said.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--state", "x"], "need --offline"),
        (["--offline", "--state", "nowhere.json"], "no exported fleet"),
        (["--offline", "--state", "."], "holds no store"),
        (["--offline", "--tasks", "plan.json"], "no JSON list of tasks"),
    ],
)
def test_what_a_preview_cannot_begin_with_is_said(
    plan: Path, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(plan.parent)
    result = run("preview", str(plan), *words)
    assert result.exit_code == 2
    assert said in result.output


def test_a_plan_too_large_for_a_request_is_not_sent_and_the_way_out_is_named(
    tmp_path: Path,
) -> None:
    agents = [{"name": f"A{n}", "capabilities": ["quest"] * 1} for n in range(8_000)]
    large = written(tmp_path / "large.json", {"fleet_name": "Large", "agents": agents})
    result = run("apply", str(large), "--yes")
    assert result.exit_code == 1
    assert "--offered" in result.output
