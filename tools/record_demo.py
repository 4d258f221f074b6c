"""Run the demo in a terminal and keep what it showed as an animated picture, docs/images/demo.svg.

Every line comes from the real run, at the moment at which it came; only waits are shortened, so
that a slow start of five processes does not try a reader's patience.
"""

import html
import itertools
import os
import pty
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.ansi import AnsiDecoder
from rich.style import Style
from rich.text import Text

ROOT: Final = Path(__file__).parent.parent
FILE: Final = ROOT / "docs" / "images" / "demo.svg"
COMMAND: Final = (sys.executable, "examples/demo.py")
COLUMNS: Final = 100
ROWS: Final = 24
LONGEST_WAIT_S: Final = 1.2
SHOWN_AT_THE_END_S: Final = 4.0
LONGEST_S: Final = 110.0

LINE_PX: Final = 18
CHARACTER_PX: Final = 8
EDGE_PX: Final = 16
BAR_PX: Final = 28
COLOURS: Final = {
    "red": "#ff7b72",
    "green": "#7ee787",
    "yellow": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
}


@dataclass(frozen=True)
class Line:
    """One line of the terminal, and when it was complete (seconds from the start)."""

    at_s: float
    text: Text


def main() -> int:
    """Record and write; return the demo's exit status, and write nothing if that is not 0."""
    status, lines = record()
    if status:
        print(*(line.text.plain for line in lines), sep="\n")
        return status
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(picture(lines), "utf-8")
    print(f"{FILE}: {len(lines)} lines, {FILE.stat().st_size // 1024} KiB")
    return 0


def record() -> tuple[int, list[Line]]:
    """Run the demo on a terminal of its own and return its status and lines."""
    terminal, its_end = pty.openpty()
    environment = os.environ | {"COLUMNS": str(COLUMNS), "LINES": str(ROWS), "TERM": "xterm"}
    began = time.monotonic()
    demo = subprocess.Popen(COMMAND, cwd=ROOT, stdout=its_end, stderr=its_end, env=environment)
    os.close(its_end)
    decoder, lines, rest = AnsiDecoder(), [Line(0.0, Text("$ make demo", "green"))], b""
    while time.monotonic() - began < LONGEST_S:
        try:
            rest += os.read(terminal, 65_536)
        except OSError:  # the other end is closed: all was said
            break
        *whole, rest = rest.split(b"\n")
        now_s = time.monotonic() - began
        lines += [Line(now_s, decoder.decode_line(raw.decode().rstrip())) for raw in whole]
    os.close(terminal)
    return demo.wait(LONGEST_S), lines


def picture(lines: list[Line]) -> str:
    """Return *lines* as a picture of a terminal that plays them and begins again."""
    moments = [0.0]
    for before, line in itertools.pairwise(lines):
        moments.append(moments[-1] + min(LONGEST_WAIT_S, line.at_s - before.at_s))
    whole_s = moments[-1] + SHOWN_AT_THE_END_S
    width, height = COLUMNS * CHARACTER_PX + 2 * EDGE_PX, ROWS * LINE_PX + BAR_PX + 2 * EDGE_PX
    share = [100 * at_s / whole_s for at_s in moments]
    last = max(0, len(lines) - ROWS)
    rules = "".join(
        f"@keyframes l{n}{{0%,{at:.2f}%{{opacity:0}}{at + 0.01:.2f}%,100%{{opacity:1}}}}"
        f"#l{n}{{animation-name:l{n}}}"
        for n, at in enumerate(share)
    )
    rolled = "".join(
        f"{at:.2f}%{{transform:translateY({-max(0, n + 1 - ROWS) * LINE_PX}px)}}"
        for n, at in enumerate(share)
    )
    rows = "\n".join(
        f'<text id="l{n}" x="0" y="{(n + 1) * LINE_PX - 4}">{spans(line.text)}</text>'
        for n, line in enumerate(lines)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>make demo; waits of more than {LONGEST_WAIT_S:g} s are shortened</title>
<style>
text{{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#c9d1d9;white-space:pre}}
.lines text{{animation:{whole_s:.1f}s linear infinite}}
.lines{{animation:roll {whole_s:.1f}s step-end infinite;transform:translateY({-last * LINE_PX}px)}}
.b{{font-weight:bold}}.d{{opacity:.6}}.i{{font-style:italic}}
{rules}
@keyframes roll{{{rolled}100%{{transform:translateY({-last * LINE_PX}px)}}}}
@media (prefers-reduced-motion:reduce){{.lines,.lines text{{animation:none}}}}
</style>
<rect width="{width}" height="{height}" rx="10" fill="#0d1117"/>
<circle cx="20" cy="16" r="5" fill="#ff5f57"/><circle cx="38" cy="16" r="5" fill="#febc2e"/>
<circle cx="56" cy="16" r="5" fill="#28c840"/>
<svg x="{EDGE_PX}" y="{BAR_PX + EDGE_PX}" width="{width - 2 * EDGE_PX}" height="{ROWS * LINE_PX}">
<g class="lines">
{rows}
</g>
</svg>
</svg>
"""


def spans(line: Text) -> str:
    """Return a line with its colours; the width of each piece is fixed, whatever the font is."""
    pieces, column = [], 0
    for start, end, style in _runs(line):
        text = line.plain[start:end]
        if text.strip():
            look = f' class="{_classes(style)}"' if _classes(style) else ""
            colour = COLOURS.get(style.color.name.removeprefix("bright_")) if style.color else None
            fill = f' fill="{colour}" style="fill:{colour}"' if colour else ""
            pieces.append(
                f'<tspan x="{column * CHARACTER_PX}" textLength="{len(text) * CHARACTER_PX}"'
                f"{look}{fill}>{html.escape(text)}</tspan>"
            )
        column += len(text)
    return "".join(pieces)


def _runs(line: Text) -> list[tuple[int, int, Style]]:
    """Cut *line* where its style changes."""
    cuts = sorted({0, len(line.plain), *(e for s in line.spans for e in (s.start, s.end))})
    found = []
    for start, end in itertools.pairwise(cuts):
        styles = [s.style for s in line.spans if s.start <= start and end <= s.end]
        known = [s if isinstance(s, Style) else Style.parse(s) for s in [line.style, *styles]]
        found.append((start, end, Style.combine(known)))
    return found


def _classes(style: Style) -> str:
    marks = {"b": style.bold, "d": style.dim, "i": style.italic}
    return " ".join(name for name, is_so in marks.items() if is_so)


if __name__ == "__main__":
    sys.exit(main())
