"""What the pages print is right: fragments of plans and settings are read, Python compiles."""

import json
import re
import textwrap
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from coordinator.plan.load import examine_document
from coordinator.plan.problems import Severity
from coordinator.plan.schema import FleetPlan
from coordinator.settings import CoordinatorSettings

ROOT: Final = Path(__file__).parents[3]
DOCS: Final = sorted((ROOT / "docs").rglob("*.md"))
PAGES: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]
WRITTEN: Final = ROOT / "docs" / "reference"
BLOCK: Final = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def blocks(*languages: str) -> list[Any]:
    """Return every block of *languages* as a parameter that names its page and line."""
    found = []
    for page in PAGES:
        if page.is_relative_to(WRITTEN):
            continue
        text = page.read_text("utf-8")
        for match in BLOCK.finditer(text):
            if match[2] in languages:
                line = text.count("\n", 0, match.start()) + 1
                code = re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)
                found.append(pytest.param(code, id=f"{page.relative_to(ROOT)}:{line}"))
    return found


@pytest.mark.parametrize("text", blocks("json"))
def test_a_fragment_of_a_plan_is_a_plan_with_a_name_and_agents(text: str) -> None:
    document = json.loads(text if text.startswith("{") else f"{{{text}}}")
    if not set(document) <= set(FleetPlan.model_fields):
        return  # a message, not a plan
    machines = ("DESKTOP-ABC123", "DESKTOP-DEF456")
    agents = [{"name": f"A{n}", "machine_id": machine} for n, machine in enumerate(machines)]
    plan = {"fleet_name": "A fleet", "agents": agents} | document
    channels = plan.setdefault("notifications", {}).setdefault("channels", {})
    channels.setdefault("discord", {"url_env": "FLEETBUS_DISCORD_URL"})
    problems = examine_document(plan).problems
    assert [problem for problem in problems if problem.severity is Severity.ERROR] == []


@pytest.mark.parametrize("text", blocks("toml"))
def test_a_fragment_of_settings_has_keys_that_exist(text: str) -> None:
    CoordinatorSettings(**tomllib.loads(text))


@pytest.mark.parametrize("text", blocks("python"))
def test_python_on_a_page_compiles(text: str) -> None:
    # A fragment may be of the inside of a function.
    body = textwrap.indent(text, "    ")
    compile(f"def page():\n{body}" if "yield" in text else text, "a page", "exec")
