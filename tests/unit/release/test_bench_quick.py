"""No work comes back that somebody took out: ``make bench-quick`` is part of ``make test``."""

import subprocess
import sys

from benchmarks.quick.verdict import Baseline, compare, missing

BASELINE = Baseline("3.11", {"heartbeat: instructions": 2000.0, "task: commits": 2.0, "none": 0.0})


def faults(name: str, found: float, python: str = "3.11") -> list[str]:
    figures = {**BASELINE.figures, name: found}
    return [fault for line in compare(figures, BASELINE, python) if (fault := line.fault)]


def test_a_heartbeat_a_task_and_a_message_make_no_more_work_than_the_baseline_allows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.quick"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_fifth_more_is_let_pass_and_anything_above_is_named_with_both_figures() -> None:
    assert faults("heartbeat: instructions", 2400.0) == []
    (fault,) = faults("heartbeat: instructions", 2401.0)
    assert fault == "heartbeat: instructions: baseline 2,000.00, found 2,401.00 (+20 %)"


def test_what_was_nothing_may_not_become_something() -> None:
    assert faults("none", 1.0) == ["none: baseline 0.00, found 1.00 (more than none)"]


def test_on_another_python_only_what_is_the_same_everywhere_is_judged() -> None:
    assert faults("heartbeat: instructions", 9000.0, "3.13") == []
    assert len(faults("task: commits", 3.0, "3.13")) == 1


def test_a_figure_that_is_new_or_gone_asks_for_a_new_baseline() -> None:
    assert faults("new", 1.0) == ["new has no baseline; found 1.00"]
    assert missing({"none": 0.0, "task: commits": 2.0}, BASELINE) == [
        "heartbeat: instructions is no longer counted"
    ]
