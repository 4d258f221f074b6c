"""Cursors: the sort and the last row of a page, written so that nobody has to read them."""

import base64
import binascii
from typing import Any

import orjson

from coordinator.http.problems import Refused


def write_cursor(sort: str, last: list[Any]) -> str:
    """Write where the next page begins."""
    return base64.urlsafe_b64encode(orjson.dumps([sort, *last])).decode().rstrip("=")


def read_cursor(cursor: str, sort: str, width: int) -> list[Any]:
    """Read the *width* values of the last row, or refuse a cursor that is not of *sort*."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        said = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        said = None
    if not isinstance(said, list) or len(said) != width + 1 or said[0] != sort:
        raise Refused.bad("query.cursor", cursor, "a next_cursor that this list gave for this sort")
    if not all(isinstance(value, str | int | float) or value is None for value in said):
        raise Refused.bad("query.cursor", cursor, "a next_cursor that this list gave")
    return said[1:]
