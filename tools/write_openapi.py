"""Write what the HTTP API promises to docs/openapi.json (``--check``: only say if it differs)."""

import sys
from pathlib import Path

import orjson

from coordinator.http.app import make_app
from coordinator.http.boundary import Rules

FILE = Path(__file__).parent.parent / "docs" / "openapi.json"


def rendered() -> bytes:
    """Return what the file should hold."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(make_app(None, Rules()).openapi(), option=options)


def main() -> int:
    """Write, or with ``--check`` compare; return the exit status."""
    wanted = rendered()
    if FILE.is_file() and FILE.read_bytes() == wanted:
        return 0
    if "--check" in sys.argv:
        print(f"{FILE} is stale; run: python tools/write_openapi.py")
        return 1
    FILE.write_bytes(wanted)
    print(f"{FILE} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
