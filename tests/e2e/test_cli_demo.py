"""The demo sees everything that it promises to show."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_the_demo_sees_limits_kept_and_a_killed_agents_task_run_again(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEETBUS_")}
    played = subprocess.run(
        [sys.executable, ROOT / "examples" / "demo.py"],
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.count("│ ✓ │") == 10
    assert "✖" not in played.stdout
