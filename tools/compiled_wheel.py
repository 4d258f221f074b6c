"""The wheel whose busiest modules are machine code: a build hook that is off unless asked for.

    HATCH_BUILD_HOOK_ENABLE_CUSTOM=true pip wheel .

mypyc translates modules as mypy understands them, which pyproject.toml lists. The sources stay in
the wheel as they are, and a Python of another version runs them: what is compiled lies beside its
source, and only the Python that it was made for prefers it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parents[1]))  # the hook is loaded as a file by itself
from tools.compilable import chosen, faults

SOURCES: Final = ("protocol", "coordinator", "agent_client")
"""What the modules to compile import, so that their types are known."""
SUFFIXES: Final = (".so", ".pyd")
_SLOTS: Final = re.compile(r"(?<=\()slots=True, |, slots=True|\(slots=True\)")
"""A compiled class has its slots already, and cannot be made anew for them."""
_MYPY: Final = "[mypy]\nplugins = pydantic.mypy\nignore_missing_imports = true\n"
"""Whether the types are right is for `make lint` to say; here not everything may be installed."""
_CFLAGS: Final = f"{os.environ.get('CFLAGS', '')} -fwrapv -DNDEBUG -w".lstrip()
"""What CPython's own flags say as well, in whose place some setuptools take these; and no warnings:
nobody wrote the C, and to look for what to warn of takes gcc five times as long."""


class CompiledWheel(BuildHookInterface[Any]):
    """Compile ``modules``, patterns of this hook's settings, but none of ``but``."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put what is compiled into the wheel, which then is for one Python on one platform."""
        if version == "editable":
            return  # a change of a source must be seen at once
        folder = Path(self.root, "build", "compiled")
        modules = chosen(Path(self.root), self.config)
        if wrong := faults(Path(self.root), modules):
            raise ValueError("\n".join(["This must not be compiled:", *wrong]))
        self._copy_to(folder)
        self.app.display_info(f"Compiling {len(modules)} modules")
        compile_in(folder, modules)
        build_data["pure_python"], build_data["infer_tag"] = False, True
        for path in folder.rglob("*"):
            inside = path.relative_to(folder)
            if path.suffix in SUFFIXES and inside.parts[0] != "build":
                build_data["force_include"][str(path)] = inside.as_posix()

    def _copy_to(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        root = Path(self.root)
        for package in SOURCES:
            for source in root.joinpath(package).rglob("*.py"):
                copy = folder / source.relative_to(root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                text = source.read_text(encoding="utf-8")
                copy.write_text(_SLOTS.sub("", text), encoding="utf-8")


def compile_in(folder: Path, modules: list[Path]) -> None:
    """Compile *modules*, whose paths are relative to *folder*, beside their sources."""
    (folder / "mypy.ini").write_text(_MYPY)
    log = folder / "mypyc.log"
    with log.open("w") as out:
        ended = subprocess.run(
            [*(sys.executable, "-m", "mypyc", "--config-file", "mypy.ini"), *map(str, modules)],
            cwd=folder,
            env={"MYPYC_DEBUG_LEVEL": "0", **os.environ, "CFLAGS": _CFLAGS},
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode:
        *_, last = log.read_text().strip().splitlines() or [""]
        raise RuntimeError(
            f"The compiler ends with {ended.returncode}: {last[:500]}; all is in {log}"
        )
