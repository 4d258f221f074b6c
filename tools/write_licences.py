"""Write docs/licences.md: who else's work runs in a fleet, and under which licence.

Names and licences only, so that a newer version of something changes nothing here. Python's come
from the metadata of the installed distributions, those of the pages from npm's lock.
"""

import importlib.metadata
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tools.fresh_install import TREE, needed

PAGE: Final = TREE / "docs" / "licences.md"
_TROVE: Final = "License :: OSI Approved :: "
_LONGEST: Final = 60
_SPDX: Final = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What people write, and what it is called."""
_HEAD: Final = """\
# Licences of what fleetbus uses

Made by `make licences`. fleetbus itself is under Apache-2.0. Nothing of this is in the source; the
wheel holds the pages' packages in built form, with the texts of their licences in
`coordinator/http/static/third-party-licences.txt`; pip brings the rest.
"""


def page() -> str:
    """Write the whole page."""
    project: dict[str, Any] = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    parts = [_HEAD, _table("What an agent needs", _of_python(project["dependencies"]))]
    for extra, requirements in extras.items():
        added = _of_python(requirements, without=project["dependencies"])
        parts.append(_table(f"The extra `{extra}`, besides", added))
    parts.append(_table("The control room's pages", dict(_of_pages())))
    return "\n".join(parts)


def _of_python(requirements: list[str], without: list[str] | None = None) -> dict[str, str]:
    names = needed(requirements) - needed(without or [])
    return {name: licence(importlib.metadata.metadata(name).json) for name in sorted(names)}


def licence(about: Mapping[str, str | list[str]]) -> str:
    """Find what a distribution's metadata say of its licence, as SPDX names it where that is clear.

    *about* has the keys of PEP 566, such as ``license_expression`` and ``classifier``.
    """
    if said := about.get("license_expression"):
        return str(said)
    words = str(about.get("license", "")).strip()
    if not words or "\n" in words or len(words) > _LONGEST:
        classified = about.get("classifier", [])
        words = ", ".join(one.removeprefix(_TROVE) for one in classified if one.startswith(_TROVE))
    return _SPDX.get(words, words) or "not said"


def _of_pages() -> Iterator[tuple[str, str]]:
    lock = json.loads((TREE / "dashboard" / "package-lock.json").read_bytes())
    for place, about in sorted(lock["packages"].items()):
        if place and not about.get("dev") and not about.get("optional"):
            yield place.rpartition("node_modules/")[2], about.get("license", "not said")


def _table(title: str, rows: dict[str, str]) -> str:
    lines = [f"## {title}", "", "| Package | Licence |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {name} | {said} |" for name, said in rows.items())]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(TREE)}")
    sys.exit(0)
