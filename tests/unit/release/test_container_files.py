"""The container's files: nothing builds them here, so they are read as a builder would."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs for this one test are not worth it

from tools.fresh_install import TREE

FOLDER = TREE / "config" / "container"
FILE = FOLDER / "Containerfile"
LINES = FILE.read_text().replace("\\\n", " ").splitlines()


def words(instruction: str) -> list[list[str]]:
    return [line.split()[1:] for line in LINES if line.startswith(f"{instruction} ")]


def test_what_is_copied_from_the_checkout_is_there_and_not_ignored() -> None:
    sources = [
        source.rstrip("/")
        for copied in words("COPY")
        if not copied[0].startswith("--from")
        for source in copied[:-1]
    ]
    assert len(sources) > 8
    let_in = (FOLDER / "Containerfile.dockerignore").read_text().splitlines()
    for source in sources:
        assert (TREE / source).exists(), source
        assert f"!{source.partition('/')[0]}" in let_in
    assert "*" in let_in


def test_it_holds_every_package_and_all_that_the_wheel_is_built_from() -> None:
    copied = {source.rstrip("/") for line in words("COPY") for source in line[:-1]}
    project = (TREE / "pyproject.toml").read_text()
    [only] = re.findall(r"^only-include = \[(.*)\]", project, re.MULTILINE)
    needed = set(re.findall(r'"(\w+)"', only)) | {"pyproject.toml", "README.md", "LICENSE"}
    assert needed <= copied


def test_it_runs_as_nobody_special() -> None:
    last = max(n for n, line in enumerate(LINES) if line.startswith("FROM "))
    [user] = [line.split()[1] for line in LINES[last:] if line.startswith("USER ")]
    assert int(user.partition(":")[0]) > 0
    end = next(n for n, line in enumerate(LINES) if line.startswith("ENTRYPOINT "))
    assert LINES.index(f"USER {user}") < end


def test_every_version_of_the_lock_is_kept() -> None:
    [command] = re.findall(r"sed -nE '(.*?)'", FILE.read_text())
    lock = TREE / "requirements-dev.lock"
    said = subprocess.run(
        ["sed", "-nE", command, lock], capture_output=True, text=True, check=True, timeout=10
    )
    locked = [line for line in lock.read_text().splitlines() if re.match(r"\w", line)]
    assert len(said.stdout.splitlines()) == len(locked)
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!-]+", line) for line in said.stdout.splitlines())


def test_the_composition_builds_this_file_and_gives_it_no_rights() -> None:
    composition = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    [service] = composition["services"].values()
    context = (FOLDER / service["build"]["context"]).resolve()
    assert context / service["build"]["dockerfile"] == FILE
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"]
    [mounted] = [Path(volume.partition(":")[2]) for volume in service["volumes"]]
    assert [str(mounted)] in words("WORKDIR")


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="platform: the linter's wheel is for Linux on x86-64",
)
def test_the_linter_of_container_files_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    said = subprocess.run([linter, FILE], capture_output=True, text=True, check=False, timeout=60)
    assert (said.returncode, said.stdout) == (0, "")
