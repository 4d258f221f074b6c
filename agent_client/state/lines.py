"""The lines of a journal, and what a whole journal says.

Each line is the CRC-32 of its text, and the text: one JSON object. Lines are only ever appended,
so a crash can cut off the end of the file and nothing else: what is unreadable and followed by
something readable has been damaged otherwise, and the file is not to be believed.
"""

import zlib
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from agent_client.core.fence import Fence
from agent_client.core.outbox import StoredReport
from agent_client.messages import ReportDetail
from agent_client.messages.codec import document_of, read
from protocol.errors import BadPayload
from protocol.vocabulary import ReportEvent

_CRC_DIGITS: Final = 8


class Damaged(Exception):
    """A journal that says what nobody wrote."""


@dataclass(slots=True)
class Contents:
    """What a journal says: the last boot, and what it and those before it have left behind."""

    agent: str | None = None
    host: str | None = None
    last_boot: str | None = None
    born_ms: dict[str, int] = field(default_factory=dict)
    reports: dict[tuple[str, int], StoredReport] = field(default_factory=dict)
    open: dict[Fence, str] = field(default_factory=dict)
    """Fences that were accepted and of which no end was noted, with their boot."""


def boot_line(agent: str, host: str, boot: str, born_ms: int) -> bytes:
    """Note that *boot* of *agent* began on *host*."""
    return _line({"boot": boot, "agent": agent, "host": host, "born_ms": born_ms})


def took_line(boot: str, fence: Fence) -> bytes:
    """Note that *boot* may start the work of *fence*."""
    return _line({"took": list(fence), "by": boot})


def report_line(report: StoredReport) -> bytes:
    """Note a report that has to be sent until it is acknowledged."""
    return _line(
        {
            "report": report.seq,
            "of": report.boot,
            "fence": list(report.fence),
            "event": report.event,
            "detail": document_of(report.detail),
        }
    )


def forget_line(reports: tuple[StoredReport, ...]) -> bytes:
    """Note that the coordinator has stored *reports*."""
    return _line({"forget": [(report.boot, report.seq) for report in reports]})


def parse(text: bytes) -> Contents:
    """Read a journal, or raise :class:`Damaged`; a torn end is as if it had not been written."""
    contents = Contents()
    lines = text.split(b"\n")
    torn = lines.pop()  # empty, if the last line is whole
    for number, line in enumerate(lines, start=1):
        try:
            _apply(contents, _read(line))
        except (ValueError, KeyError, TypeError, BadPayload) as error:
            # Space that was reserved, but never written, may be left after a power cut.
            rest = b"".join(lines[number:]) + torn
            if not rest.strip(b"\0"):
                break
            raise Damaged(f"line {number}: {error}") from None
    return contents


def _line(said: dict[str, Any]) -> bytes:
    text = orjson.dumps(said)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(line: bytes) -> dict[str, Any]:
    crc, text = line[:_CRC_DIGITS], line[_CRC_DIGITS + 1 :]
    if int(crc, 16) != zlib.crc32(text):
        raise ValueError("its check sum is wrong")
    said = orjson.loads(text)
    if not isinstance(said, dict):
        raise TypeError("no JSON object")
    return said


def _apply(contents: Contents, said: dict[str, Any]) -> None:
    if "boot" in said:
        contents.agent, contents.host, contents.last_boot = (
            said["agent"],
            said["host"],
            said["boot"],
        )
        contents.born_ms[said["boot"]] = said["born_ms"]
    elif "took" in said:
        contents.open[Fence(*said["took"])] = said["by"]
    elif "report" in said:
        report = StoredReport(
            boot=said["of"],
            seq=said["report"],
            fence=Fence(*said["fence"]),
            event=ReportEvent(said["event"]),
            detail=read(ReportDetail, said["detail"]),
        )
        contents.reports[report.boot, report.seq] = report
        if report.event.is_terminal:
            contents.open.pop(report.fence, None)
    elif "forget" in said:
        for boot, seq in said["forget"]:
            contents.reports.pop((boot, seq), None)
