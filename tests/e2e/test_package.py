"""The package: what is in it, that it is the same every time, and that it works by itself."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest

from tests.e2e.test_cli_up import WITH_WEB, WITHIN_S, up_in
from tests.e2e.test_readme import commands
from tools.fresh_install import TREE, build, install, needed

OURS = ("agent_client", "broker", "coordinator", "protocol")
PAGES = TREE / "coordinator" / "http" / "static"
BASE = {
    *("annotated-types", "orjson", "paho-mqtt", "psutil", "pydantic", "pydantic-core"),
    *("typing-extensions", "typing-inspection"),
}


class Built(NamedTuple):
    sdist: Path
    wheel: Path

    @property
    def requirements(self) -> list[str]:
        with zipfile.ZipFile(self.wheel) as files:
            [about] = [name for name in files.namelist() if name.endswith("/METADATA")]
            text = files.read(about).decode()
        return Parser().parsestr(text).get_all("Requires-Dist") or []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(*build(TREE, tmp_path_factory.mktemp("built")))


def clean_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FLEETBUS_") and name not in {"PYTHONPATH", "VIRTUAL_ENV"}
    }


def test_two_builds_give_the_same_bytes_wherever_they_are_made(
    built: Built, tmp_path: Path
) -> None:
    shutil.unpack_archive(built.sdist, tmp_path)  # of tarfile's own, 3.11.2 lacks the filters
    [source] = tmp_path.iterdir()
    (source / "README.md").touch()
    (source / "README.md").chmod(0o600)
    again = Built(*build(source, tmp_path / "again"))
    assert again.wheel.read_bytes() == built.wheel.read_bytes()
    assert again.sdist.read_bytes() == built.sdist.read_bytes()


def test_the_wheel_holds_what_a_user_needs_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as files:
        names = set(files.namelist())
    for package in OURS:
        assert f"{package}/py.typed" in names
    assert "coordinator/_example_config/fleet_plan.json" in names
    assert "coordinator/_example_config/fleetbus.toml" in names
    pages = {
        f"coordinator/http/static/{file.relative_to(PAGES)}"
        for file in PAGES.rglob("*")
        if file.is_file()
    }
    assert pages <= names
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(OURS)
    assert not any(word in name for name in names for word in ("__pycache__", "container", ".db"))


def test_the_wheel_brings_the_licences_of_the_pages_packages(built: Built) -> None:
    assert (PAGES / "index.html").is_file(), "the dashboard is not built: make dashboard"
    with zipfile.ZipFile(built.wheel) as files:
        text = files.read("coordinator/http/static/third-party-licences.txt").decode()
    assert "Permission is hereby granted" in text
    bundled = re.findall(r"^(\S+) \d\S*, \S+$", text, re.MULTILINE)
    wanted = json.loads((TREE / "dashboard" / "package.json").read_bytes())["dependencies"]
    assert set(wanted) <= set(bundled)


def test_the_sdist_holds_the_sources_of_the_pages_but_not_their_dependencies(built: Built) -> None:
    with tarfile.open(built.sdist) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {"dashboard/package-lock.json", "Makefile", "tests/e2e/test_package.py"} <= names
    assert not any("node_modules" in name or ".venv" in name for name in names)


def test_a_base_install_is_small_and_runs_a_bot(built: Built, tmp_path: Path) -> None:
    names = needed(built.requirements)
    assert names == BASE
    programs = install(built.wheel, names, tmp_path / "env")
    code = "import agent_client, sys; print(agent_client.Agent, agent_client.__file__)"
    said = subprocess.run(
        [programs / "python", "-W", "error", "-c", code],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
    assert said.returncode == 0, said.stderr
    assert str(tmp_path / "env") in said.stdout
    lacking = subprocess.run(
        [programs / "fleetbus", "up"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
    assert lacking.returncode == 1
    assert "pip install 'fleetbus[server]'" in lacking.stderr


@pytest.mark.long
def test_the_readmes_commands_work_from_the_wheel_alone(built: Built, tmp_path: Path) -> None:
    programs = install(built.wheel, needed(built.requirements, "server"), tmp_path / "env")
    fleetbus = str(programs / "fleetbus")
    fleet = tmp_path / "fleet"
    clean = clean_environment()
    subprocess.run([fleetbus, "init", fleet, "--yes"], env=clean, check=True, timeout=WITHIN_S)
    with up_in(fleet, words=WITH_WEB, program=(fleetbus,), variables=clean) as running:
        assert set(running.state["parts"]) == {"broker", "coordinator", "web", "host", "agent Main"}
        at = f"http://127.0.0.1:{running.state['http_port']}"
        page = httpx2.get(f"{at}/", headers={"Accept": "text/html"}, follow_redirects=True)
        assert ("<script" in page.text) == (PAGES / "index.html").exists()
        here = clean | {"FLEETBUS_BROKER": running.state["broker"]}
        said = []
        for command in commands():
            words = command.removeprefix(".venv/bin/fleetbus ").replace(" ID", " t1-000001")
            if words not in {command, "watch"}:
                done = subprocess.run(
                    [fleetbus, *shlex.split(words)],
                    cwd=fleet,
                    env=here,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=WITHIN_S,
                )
                assert done.returncode == 0, f"{command}: {done.stderr}"
                said.append(done.stdout)
        assert "completed on Main" in said[0]
        assert len(said) >= 4
    example = subprocess.run(
        [fleetbus, "plan", "check", "--json"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )
    assert example.returncode == 0, example.stdout
    assert "_example_config" in example.stdout
