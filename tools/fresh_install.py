"""The package as strangers get it: built from this tree, installed beside nothing of it.

No registry is asked. What the package needs is taken from the environment of the tests, and only
that: each needed distribution is linked into the fresh environment, and nothing else is there.
"""

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TREE = Path(__file__).parents[1]
EPOCH = "1767225600"
"""When the package was made, as far as its bytes tell."""


def build(source: Path, to: Path) -> tuple[Path, Path]:
    """Build sdist and wheel of *source*; return the two files."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", to],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
        capture_output=True,
        check=True,
        timeout=60,
    )
    [sdist], [wheel] = to.glob("*.tar.gz"), to.glob("*.whl")
    return sdist, wheel


def needed(requirements: Iterable[str], extra: str = "") -> set[str]:
    """Return the names of all that *requirements* bring with them, here and with *extra*."""
    found: set[str] = set()
    waiting = [(Requirement(text), extra) for text in requirements]
    while waiting:
        one, of_extra = waiting.pop()
        if one.marker is not None and not one.marker.evaluate({"extra": of_extra}):
            continue
        name = canonicalize_name(one.name)
        brought = importlib.metadata.distribution(name).requires or []
        for inner in ["", *one.extras]:
            if f"{name}[{inner}]" not in found:
                found.add(f"{name}[{inner}]")
                waiting += [(Requirement(text), inner) for text in brought]
    return {entry.partition("[")[0] for entry in found}


def install(wheel: Path, names: Iterable[str], into: Path) -> Path:
    """Make an environment with *wheel* and the distributions *names*; return its programs."""
    venv.create(into, with_pip=False, symlinks=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", into, "install", "--quiet"),
            *("--no-deps", "--no-index", "--no-compile", wheel),
        ],
        check=True,
        timeout=60,
    )
    scheme = {"base": str(into), "platbase": str(into)}
    packages = Path(sysconfig.get_path("purelib", scheme="venv", vars=scheme))
    for name in names:
        _link(importlib.metadata.distribution(name), packages)
    return Path(sysconfig.get_path("scripts", scheme="venv", vars=scheme))


def _link(distribution: importlib.metadata.Distribution, packages: Path) -> None:
    home = Path(str(distribution.locate_file("")))
    for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(home / top)
