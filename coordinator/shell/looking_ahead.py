"""A preview in a process of its own, so that the fleet does not wait while somebody looks ahead."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson

from coordinator.core.errors import RequestError

PREVIEW_WITHIN_S: Final = 60.0


class PreviewFailed(RequestError):
    """A preview did not come to an end."""

    code = "preview_failed"

    def __init__(self, why: str) -> None:
        super().__init__(f"no preview: {why}")


async def look_ahead(question: bytes) -> dict[str, Any]:
    """Have a process of its own look ahead; it ends with whoever asked."""
    async with _process() as process:
        try:
            async with asyncio.timeout(PREVIEW_WITHIN_S):
                said, complaint = await process.communicate(question)
        except TimeoutError:
            raise PreviewFailed(f"it took longer than {PREVIEW_WITHIN_S:g} s") from None
    if process.returncode != 0:
        raise PreviewFailed(complaint.decode(errors="replace").strip()[-500:])
    found: dict[str, Any] = orjson.loads(said)
    return found


@asynccontextmanager
async def _process() -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "coordinator.plan.preview", stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
