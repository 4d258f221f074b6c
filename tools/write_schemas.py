"""Write docs/schemas and docs/asyncapi.json from the models (``--check``: say if they differ)."""

import sys
from pathlib import Path

import orjson

from protocol.asyncapi import document
from protocol.schemas import schemas

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"


def rendered() -> dict[Path, bytes]:
    """Return what each file should hold."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    files = {FOLDER / name: schema for name, schema in schemas().items()}
    files[FOLDER.parent / "asyncapi.json"] = document()
    return {path: orjson.dumps(content, option=options) for path, content in files.items()}


def stale() -> list[Path]:
    """Name the files that are not as the models say, or should not be there."""
    wanted = rendered()
    wrong = [p for p, text in wanted.items() if not p.is_file() or p.read_bytes() != text]
    return wrong + [path for path in FOLDER.glob("*.json") if path not in wanted]


def main() -> int:
    """Write, or with ``--check`` compare; return the exit status."""
    wrong = stale()
    if "--check" in sys.argv:
        for path in wrong:
            print(f"{path} is stale; run: python tools/write_schemas.py")
        return 1 if wrong else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = rendered()
    for path in wrong:
        if path in wanted:
            path.write_bytes(wanted[path])
        else:
            path.unlink()
    print(f"{len(wanted)} schemas in {FOLDER}, {len(wrong)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
