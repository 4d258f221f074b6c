"""The charts of the report's page, as SVG: pure functions from numbers to text."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from coordinator.cli.report.wording import hours

WIDTH: Final = 1040
_HEIGHT: Final = 220
_LEFT: Final = 48
_BOTTOM: Final = 26
_TOP: Final = 10
_WIDEST: Final = 72
_LABELS: Final = 14
COLOURS: Final = 6

Layer = tuple[str, Sequence[float]]


def days_chart(days: Sequence[str], layers: Sequence[Layer]) -> str:
    """Draw the running time of each day, in seconds, as one bar of *layers*."""
    sums = [sum(values[n] for _, values in layers) for n in range(len(days))]
    step_h, top_h = scale(max(sums, default=0.0) / 3600)
    height = _HEIGHT - _TOP - _BOTTOM
    parts = []
    for n in range(round(top_h / step_h) + 1):
        y = _TOP + height * (1 - n * step_h / top_h)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        label = f"{n * step_h:g} h"
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    slot = (WIDTH - _LEFT) / max(1, len(days))
    wide = min(_WIDEST, slot * 0.64)
    every = max(1, math.ceil(len(days) / _LABELS))
    for n, day in enumerate(days):
        x = _LEFT + slot * n + (slot - wide) / 2
        y = float(_TOP + height)
        for colour, (name, values) in enumerate(layers):
            tall = height * values[n] / 3600 / top_h
            if tall <= 0:
                continue
            y -= tall
            title = f"{escape(name)}, {day}: {hours(values[n])}"
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.2f}" '
                f'style="fill:var(--c{min(colour, COLOURS - 1)})"><title>{title}</title></rect>'
            )
        if n % every == 0:
            middle = x + wide / 2
            parts.append(
                f'<text x="{middle:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{day[5:]}</text>'
            )
    return _svg(WIDTH, _HEIGHT, "Running time per day", parts)


def use_bar(value: float | None) -> str:
    """Draw a share as a small filled bar; it says nothing that is not beside it in words."""
    filled = 64 * min(1.0, max(0.0, value or 0.0))
    return (
        '<svg width="64" height="8" aria-hidden="true">'
        '<rect class="track" width="64" height="8" rx="4"/>'
        f'<rect class="bar" width="{max(filled, 2 if value else 0):.1f}" height="8" rx="4"/></svg>'
    )


def day_bars(values: Sequence[float]) -> str:
    """Draw one bar a day, small enough for a row of a table."""
    most = max(values, default=0.0)
    wide = 6 if len(values) <= _LABELS else 3
    parts = []
    for n, value in enumerate(values):
        tall = max(1.0, 22 * value / most) if most > 0 and value > 0 else 1.0
        kind = "bar" if value > 0 else "track"
        parts.append(
            f'<rect class="{kind}" x="{n * (wide + 2)}" y="{22 - tall:.1f}" width="{wide}" '
            f'height="{tall:.1f}"/>'
        )
    return _svg(max(1, len(values) * (wide + 2)), 22, "Running time per day", parts, fixed=True)


def reason_bars(rows: Sequence[tuple[str, float]]) -> str:
    """Draw agent-hours by reason, the most first."""
    most = max((value for _, value in rows), default=1.0)
    left, right, line = 190, 90, 28
    parts = []
    for n, (code, value) in enumerate(rows):
        y = n * line
        wide = max(2.0, (WIDTH - left - right) * value / most)
        parts.append(f'<text x="0" y="{y + 18}">{escape(code)}</text>')
        parts.append(
            f'<rect class="idle" x="{left}" y="{y + 6}" width="{wide:.1f}" height="16" rx="3"/>'
        )
        parts.append(f'<text x="{left + wide + 10:.1f}" y="{y + 18}">{value:,.1f} h</text>')
    return _svg(WIDTH, max(1, len(rows)) * line, "Agent-hours by reason", parts)


def scale(most: float) -> tuple[float, float]:
    """Choose the step and the end of an axis that reaches *most* in two to six round steps."""
    if most <= 0:
        return 1.0, 1.0
    rough = most / 4
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * nice for nice in (1, 2, 5, 10) if base * nice >= rough)
    return step, step * math.ceil(most / step - 1e-9)


def _svg(
    width: float, height: float, title: str, parts: Sequence[str], *, fixed: bool = False
) -> str:
    size = f'width="{width}" height="{height}"' if fixed else 'width="100%"'
    return (
        f'<svg {size} viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{title}">{"".join(parts)}</svg>'
    )
