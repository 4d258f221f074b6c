"""The documentation is of one piece: it builds, links lead somewhere, nothing written is stale."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from coordinator.core.alerts.words import AlertWhen
from tools import write_reference
from tools.reference import settings

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = sorted((ROOT / "docs").rglob("*.md"))
WRITTEN: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
A_TEST: Final = re.compile(r"\btest_[a-z0-9_]+\b(?!\.py)")
SENTENCES: Final = {"runs", "began", "has", "knows", "does", "is"}
"""Words that follow the name of the project in a sentence at the beginning of a line."""
SHELL: Final = {"--help"}
A_FILE: Final = re.compile(
    r"`((?:tests|tools|benchmarks|examples|docs|protocol|broker|coordinator|agent_client"
    r"|dashboard)/[\w./-]+\.\w+)"
)
BUILT: Final = re.findall(
    r'fileName: "([\w.-]+)"', (ROOT / "dashboard" / "vite.config.ts").read_text("utf-8")
)
"""What is there only after `make dashboard`."""


def test_the_pages_build_and_every_link_and_anchor_between_them_is_there(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert (tmp_path / "reference" / "cli.html").is_file()


def test_no_reference_page_is_stale() -> None:
    assert write_reference.stale() == [], "run: python tools/write_reference.py"


def test_every_variable_that_an_agent_reads_is_described() -> None:
    assert settings.undescribed() == set(), "describe it in tools/reference/settings.py"


def test_decisions_have_numbers_of_their_own_and_are_listed() -> None:
    decisions = sorted(path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [name.partition("-")[0] for name in decisions]
    assert len(numbers) == len(set(numbers)), numbers
    listed = LINK.findall((ROOT / "docs" / "adr" / "README.md").read_text("utf-8"))
    assert listed == decisions
    for name in decisions:
        first = (ROOT / "docs" / "adr" / name).read_text("utf-8").partition("\n")[0]
        assert first.startswith(f"# {int(name[:4])}. "), f"{name} begins with {first!r}"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in LINK.findall(text):
        place = target.partition("#")[0]
        if place and "://" not in place and not place.startswith("mailto:"):
            assert (page.parent / place).exists(), f"{page.name} links to {target}"
    for named in A_FILE.findall(text):
        there = (ROOT / named).exists() or Path(named).name in BUILT
        assert there, f"{page.name} names {named}"
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    missing = {name for name in A_TEST.findall(prose) if name not in all_tests()}
    assert not missing, f"{page.name} names tests that do not exist: {missing}"


def all_tests(known: set[str] = set()) -> set[str]:  # noqa: B006 - read once
    """Return the name of every test there is, those of the dashboard by their files."""
    if not known:
        for file in (ROOT / "tests").rglob("*.py"):
            known.update(re.findall(r"def (test_[a-z0-9_]+)\(", file.read_text("utf-8")))
            known.add(file.stem)
    return known


def test_the_runbook_has_a_section_for_each_kind_of_alert_and_no_other() -> None:
    page = (ROOT / "docs" / "operations" / "runbook.md").read_text("utf-8")
    assert re.findall(r"^## ([a-z_]+)$", page, re.MULTILINE) == [when.value for when in AlertWhen]


def test_every_command_and_option_that_a_page_names_exists() -> None:
    known = {
        tuple(line.split()): set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))
        for line, text in re.findall(
            r"^## `fleetbus ([^`]+)`\n(.*?)(?=^## |\Z)",
            (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8"),
            re.DOTALL | re.MULTILINE,
        )
    }
    wrong = []
    for page in WRITTEN:
        if page.parent.name == "reference":
            continue
        for said in re.findall(
            r"(?:^|`|\$ |bin/)fleetbus ([^`\n#|]*)", page.read_text("utf-8"), re.MULTILINE
        ):
            words = said.split()
            path = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in known), None)
            if not words or words[0] in SENTENCES or words[0].startswith("-"):
                continue
            of_group = [other for other in known if other[:1] == path and len(other) > 1]
            if path is None or (of_group and re.fullmatch(r"[a-z][a-z-]*", " ".join(words[1:2]))):
                wrong.append(f"{page.name}: fleetbus {said}")
                continue
            options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            wrong += [f"{page.name}: fleetbus {said}: {o}" for o in options - known[path] - SHELL]
    assert not wrong, "\n".join(wrong)
