"""The documentation is of one piece: it builds, links lead somewhere, nothing written is stale."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tools import write_reference
from tools.reference import settings

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = sorted((ROOT / "docs").rglob("*.md"))
WRITTEN: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
A_TEST: Final = re.compile(r"\btest_[a-z0-9_]+\b(?!\.py)")
A_FILE: Final = re.compile(
    r"`((?:tests|tools|benchmarks|examples|config|docs|protocol|broker|coordinator|agent_client"
    r"|dashboard)/[\w./-]+\.\w+)"
)


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
        assert (ROOT / named).exists(), f"{page.name} names {named}"
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
