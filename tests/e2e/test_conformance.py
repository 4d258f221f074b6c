"""The conformance kit passes agents in several languages, and catches a wrong one in each fault."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
WITHIN_S: Final = 240
LINES_OF_THE_LEAST_AGENT: Final = 20

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="process groups and signals"),
    pytest.mark.timeout(WITHIN_S),
]


def judged(agent: str) -> tuple[int, dict[str, Any]]:
    """Try *agent*; return the exit status and what was found."""
    tried = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", "conformance", "--agent", agent, "--json"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert tried.stdout, tried.stderr.decode()
    found: dict[str, Any] = json.loads(tried.stdout)
    return tried.returncode, found


def bad(found: dict[str, Any]) -> dict[str, str]:
    good = {"passed", "not_claimed"}
    return {one["id"]: one["seen"] for one in found["assertions"] if one["verdict"] not in good}


def test_the_least_agent_in_python_conforms() -> None:
    source = (ROOT / "examples" / "conforming_agent.py").read_text().splitlines()
    code = [line for line in source if line.strip() and not line.startswith('"""')]
    assert len(code) <= LINES_OF_THE_LEAST_AGENT
    status, found = judged(f"{sys.executable} examples/conforming_agent.py")
    assert bad(found) == {}
    assert status == 0


def test_the_agent_in_node_conforms(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    assert npm, "npm is not installed; `make test` installs it"
    folder = tmp_path / "node-agent"
    shutil.copytree(
        ROOT / "examples" / "node-agent", folder, ignore=shutil.ignore_patterns("node_modules")
    )
    subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    status, found = judged(f"node {folder}/agent.js")
    assert bad(found) == {}
    assert status == 0


def test_the_agent_of_plain_mqtt_tools_conforms() -> None:
    status, found = judged("bash examples/shell-agent/agent.sh")
    assert bad(found) == {}
    assert status == 0


@pytest.mark.parametrize(
    ("faults", "caught"),
    [
        (("expired",), {"WORK-3", "WORK-10"}),
        (("deaf", "same_boot", "forgetful"), {"WORK-9", "PRES-8", "REPT-2"}),
    ],
)
def test_a_wrong_agent_is_caught_assertion_by_assertion(
    faults: tuple[str, ...], caught: set[str]
) -> None:
    status, found = judged(" ".join((sys.executable, "-m", "tests.support.wrong_agent", *faults)))
    assert status == 1
    assert caught <= set(bad(found)), bad(found)
    innocent = {"PRES-1", "PRES-2", "BEAT-1", "WORK-1", "WORK-2", "REPT-4", "REPT-5"}
    assert not innocent & set(bad(found)), bad(found)


def test_a_program_that_says_nothing_cannot_be_tried() -> None:
    tried = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", "conformance", "--agent", "true"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 2
    assert "ended with status 0" in tried.stderr
