"""Write dist/fleetbus.cdx.json: the CycloneDX bill of materials of what an operator installs.

The wheel with all of its extras is laid out by itself, so that nothing a developer uses is in the
bill; the program that writes it is given, because its twenty packages are for nothing else here.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tools.fresh_install import TREE, build, install, needed

BILL: Final = TREE / "dist" / "fleetbus.cdx.json"
WITHIN_S: Final = 300


def main(cyclonedx: str) -> int:
    """Let the program *cyclonedx* look at a fresh installation; return the exit status."""
    BILL.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _, wheel = build(TREE, Path(folder) / "built")
        names = needed(["fleetbus[server,postgres]"]) - {"fleetbus"}
        programs = install(wheel, names, Path(folder) / "env")
        subprocess.run(
            [
                *(cyclonedx, "environment", "--output-reproducible", "--of", "JSON"),
                *("--pyproject", TREE / "pyproject.toml", "-o", BILL, programs / "python"),
            ],
            check=True,
            timeout=WITHIN_S,
        )
    found = {part["name"] for part in json.loads(BILL.read_bytes())["components"]}
    print(f"wrote {BILL.relative_to(TREE)}: {len(found)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
