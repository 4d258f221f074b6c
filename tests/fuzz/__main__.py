"""``python -m tests.fuzz``: let atheris invent inputs, starting from the kept corpus.

Each target runs for ``--seconds``. What breaks it is left in ``crash-*`` and the status is 1. With
``--keep`` the corpus becomes what covers most of the code with fewest and shortest inputs.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.fuzz.corpus import inputs, keep
from tests.fuzz.targets import TARGETS

LONGEST_BYTES: Final = 1024
_HARNESS: Final = "tests.fuzz.harness"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; all if none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--keep", action="store_true", help="keep what covers new code")
    given = parser.parse_args()
    if unknown := sorted(set(given.targets) - set(TARGETS)):
        parser.error(f"no target {unknown[0]!r}; there are {', '.join(TARGETS)}")
    status = 0
    for target in given.targets or TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            start, grown = Path(folder, "start"), Path(folder, "grown")
            start.mkdir()
            grown.mkdir()
            for number, data in enumerate(inputs(target)):
                (start / str(number)).write_bytes(data)
            status |= _fuzz(target, f"-max_total_time={given.seconds}", str(grown), str(start))
            if given.keep:
                least = Path(folder, "least")
                least.mkdir()
                again = Path(folder, "again")
                again.write_text(f'#!/bin/sh\nexec {sys.executable} -m {_HARNESS} {target} "$@"\n')
                again.chmod(0o700)
                _fuzz(target, "-merge=1", str(least), str(start), str(grown), again=str(again))
                keep(target, [file.read_bytes() for file in least.iterdir()])
    return 1 if status else 0


def _fuzz(target: str, *words: str, again: str = "") -> int:
    command = [sys.executable, "-m", _HARNESS, target, f"-max_len={LONGEST_BYTES}", *words]
    environment = os.environ | ({"FUZZ_AGAIN": again} if again else {})
    sys.stdout.write(f"fuzzing {target}\n")
    sys.stdout.flush()
    return subprocess.run(command, check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
