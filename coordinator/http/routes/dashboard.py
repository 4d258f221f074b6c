"""The built dashboard: its files, and its first page for every address that the API has not."""

import mimetypes
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from coordinator.http.problems import Refused

router = APIRouter(include_in_schema=False)

INDEX: Final = "index.html"
HASHED: Final = "assets/"
"""Files below it have their content's hash in their name, so they never change."""
NOT_BUILT: Final = """\
The dashboard is not built. In a checkout: make dashboard (it needs Node.js); an installed fleetbus
brings it along. The HTTP API serves all the same: see /api/openapi.json.
"""

for suffix, kind in (
    (".js", "text/javascript"),
    (".woff2", "font/woff2"),
    (".svg", "image/svg+xml"),
):
    mimetypes.add_type(kind, suffix)  # what a system says of them differs, and browsers insist


BUILT: Final = Path(__file__).parents[1] / "static"
"""Where `make dashboard` puts it, and the wheel has it."""


@router.get("/{path:path}")
@router.head("/{path:path}")
async def dashboard(path: str, request: Request) -> Response:
    """Return a file of the dashboard, or its first page, which finds its own way."""
    folder = BUILT if (BUILT / INDEX).is_file() else None
    if path == "api" or path.startswith("api/"):
        raise Refused.unknown("path", f"/{path}")
    if folder is None:
        return PlainTextResponse(NOT_BUILT, status_code=200 if not path else 404)
    file = (folder / path).resolve()
    if file.is_file() and file.is_relative_to(folder.resolve()):
        forever = path.startswith(HASHED)
        kept = "public, max-age=31536000, immutable" if forever else "no-cache"
        return _file(file, request, kept)
    at_top = "/" not in path  # deeper down are views, and an agent's name may have a dot
    if path.startswith(HASHED) or (at_top and "." in path):
        raise Refused.unknown("file", f"/{path}")
    return _file(folder / INDEX, request, "no-cache")


def _file(file: Path, request: Request, kept: str) -> Response:
    """Return *file*, the compressed one beside it if the browser takes it."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = {"Cache-Control": kept, "Vary": "Accept-Encoding"}
    accepted = request.headers.get("accept-encoding", "")
    for coding, suffix in (("br", ".br"), ("gzip", ".gz")):
        packed = file.with_name(file.name + suffix)
        if coding in accepted and packed.is_file():
            headers["Content-Encoding"] = coding
            return FileResponse(packed, media_type=kind, headers=headers)
    return FileResponse(file, media_type=kind, headers=headers)
