"""The kept corpus: one file for each target, one input a line, in hexadecimal."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "corpus"


def inputs(target: str) -> list[bytes]:
    """Read the corpus of *target*."""
    lines = (FOLDER / f"{target}.hex").read_text().splitlines()
    return [bytes.fromhex(line) for line in lines]


def keep(target: str, found: Iterable[bytes]) -> None:
    """Make *found* the corpus of *target*, the short ones first."""
    ordered = sorted(set(found), key=lambda one: (len(one), one))
    text = "".join(one.hex() + "\n" for one in ordered if one)
    (FOLDER / f"{target}.hex").write_text(text)
