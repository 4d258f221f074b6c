"""The compiled wheel of this tree, unpacked: ``python -m tools.compiled_code`` says where.

What was built is used again as long as the sources are the same.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

TREE: Final = Path(__file__).parents[1]
BUILT: Final = TREE / "build" / "compiled-code"
_WITHIN_S: Final = 1200.0


def compiled_code(*, optimize: int = 3) -> Path:
    """Build the wheel (minutes), or find it; return the folder to put into ``PYTHONPATH``.

    *optimize* is the C compiler's level, from 0 to 3: less is built sooner and runs slower.
    """
    code = BUILT / f"{_digest()}-{optimize}"
    if not code.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILT) as folder:
            _build(Path(folder), optimize)
            [wheel] = Path(folder).glob("*.whl")
            shutil.unpack_archive(wheel, Path(folder, "code"), "zip")
            Path(folder, "code").rename(code)
    return code


def _build(folder: Path, optimize: int) -> None:
    words = {"HATCH_BUILD_HOOK_ENABLE_CUSTOM": "true", "MYPYC_OPT_LEVEL": str(optimize)}
    ended = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=TREE,
        env={**os.environ, **words},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_WITHIN_S,
    )
    if ended.returncode:
        raise RuntimeError(f"The compiled wheel was not built:\n{ended.stdout}")


def _digest() -> str:
    sources = [TREE / "pyproject.toml", TREE / "tools" / "compiled_wheel.py"]
    for package in ("coordinator", "protocol"):
        sources += sorted(TREE.glob(f"{package}/**/*.py"))
    seen = hashlib.blake2b(b"".join(path.read_bytes() for path in sources), digest_size=8)
    return seen.hexdigest()


if __name__ == "__main__":
    print(compiled_code())
