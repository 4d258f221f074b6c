"""What may be tried twice in a run of all tests, how often, and that it is told."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
FAILS_ONCE = """
import pathlib, pytest

@pytest.mark.parametrize("number", range({tests}))
def test_it(number):
    seen = pathlib.Path(__file__).with_name(f"seen-{{number}}")
    was_seen = seen.exists()
    seen.touch()
    assert was_seen, "the first time"
"""
FAILS = "def test_it():\n    assert False, 'every time'\n"


def run(folder: Path, file: str, source: str) -> tuple[int, str]:
    (folder / file).parent.mkdir(parents=True)
    (folder / file).write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\n")
    words = ("-p", "no:cacheprovider", "-p", "tools.second_try", "-p", "no:xdist")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, file],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


def test_a_second_try_counts_and_is_told_with_the_reason(tmp_path: Path) -> None:
    status, said = run(tmp_path, "tests/e2e/test_a.py", FAILS_ONCE.format(tests=3))
    assert status == 0, said
    assert "tried twice, at most 3 may be" in said
    assert said.count("AssertionError: the first time") == 3


def test_too_many_second_tries_fail_the_run(tmp_path: Path) -> None:
    status, said = run(tmp_path, "tests/e2e/test_a.py", FAILS_ONCE.format(tests=4))
    assert (status, "4 passed, 4 rerun" in said) == (1, True)


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    status, said = run(tmp_path, "tests/e2e/test_a.py", FAILS)
    assert (status, "1 failed, 1 rerun" in said) == (1, True)


def test_what_computes_has_one_try(tmp_path: Path) -> None:
    status, said = run(tmp_path, "tests/property/test_a.py", FAILS_ONCE.format(tests=1))
    assert (status, "1 failed in" in said) == (1, True)
