"""Write the reference pages to docs/reference (``--check``: only say if they differ)."""

import sys
from pathlib import Path

from tools.reference import bus, command_line, http_api, plan, python_api, settings

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "<!-- Written by tools/write_reference.py; change the code instead. -->\n\n"


def rendered() -> dict[Path, str]:
    """Return what each file should hold."""
    pages = {
        "cli.md": command_line.page(),
        "settings.md": settings.page(),
        "plan.md": plan.page(),
        "bus.md": bus.page(),
        "http-api.md": http_api.page(),
        "python.md": python_api.page(),
    }
    return {FOLDER / name: NOTE + text for name, text in pages.items()}


def stale() -> list[Path]:
    """Name the files that are not as the code says, or should not be there."""
    wanted = rendered()
    wrong = [p for p, text in wanted.items() if not p.is_file() or p.read_text("utf-8") != text]
    return wrong + [path for path in FOLDER.glob("*") if path not in wanted]


def main() -> int:
    """Write, or with ``--check`` compare; return the exit status."""
    wrong = stale()
    if "--check" in sys.argv:
        for path in wrong:
            print(f"{path} is stale; run: python tools/write_reference.py")
        return 1 if wrong else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = rendered()
    for path in wrong:
        if path in wanted:
            path.write_text(wanted[path], "utf-8")
        else:
            path.unlink()
    print(f"{len(wanted)} pages in {FOLDER}, {len(wrong)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
