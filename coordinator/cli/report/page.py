"""The report as one HTML file: no script, nothing loaded from anywhere, dark where the reader is.

Every text that an agent or an author chose is escaped, and a policy in the page forbids scripts.
"""

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any, Final

from coordinator.cli.report.charts import (
    COLOURS,
    day_bars,
    days_chart,
    reason_bars,
    use_bar,
)
from coordinator.cli.report.wording import NOTHING, count, duration, hours, share, short

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_MOST_ROWS: Final = 200
_MOST_CELLS: Final = 40
_BAD: Final = 0.1

Row = Mapping[str, Any]


def page_of(document: Mapping[str, Any]) -> str:
    """Write the whole page."""
    name = escape(str(document["fleet_name"]))
    style = resources.files("coordinator.cli.report").joinpath("style.css").read_text("utf-8")
    when = f"{short(document['from'])} to {short(document['until'])}"
    parts = [
        f"<h1>{name}</h1>",
        f'<p class="dim">{when}; days in {escape(document["timezone"])}</p>',
        _tiles(document),
        _days(document),
        _section("Agents", _figures(document["agents"], agents=True)),
        _section("Modes", _figures(document["modes"], agents=False)),
        _failures(document["failures"]),
        _lost(document["lost"]),
    ]
    if document["is_cut_off"]:
        parts.insert(2, '<p class="note">Only the newest attempts were looked at.</p>')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{name}: what the fleet did</title>\n<style>{style}</style></head>\n"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _tiles(document: Mapping[str, Any]) -> str:
    totals = document["totals"]
    rate = totals["failure_rate"]
    tiles = [
        (count(totals["runs"]), "runs ended", ""),
        (share(None if rate is None else 1 - rate), "of those decided succeeded", ""),
        (count(totals["failed"]), "failed", "bad" if totals["failed"] else ""),
        (hours(totals["ran_s"]), "of work", ""),
        (share(totals["utilisation"]), f"of {count(totals['agents'])} agents in use", ""),
        (duration(totals["wait_p50_s"]), f"median wait; p95 {duration(totals['wait_p95_s'])}", ""),
    ]
    made = "".join(
        f'<div class="tile"><b class="{kind}">{value}</b><span>{what}</span></div>'
        for value, what, kind in tiles
    )
    return f'<div class="tiles">{made}</div>'


def _days(document: Mapping[str, Any]) -> str:
    modes: Sequence[Row] = document["modes"]
    shown = [(str(row["key"]), row["ran_per_day_s"]) for row in modes[: COLOURS - 1]]
    rest = [row["ran_per_day_s"] for row in modes[COLOURS - 1 :]]
    if rest:
        shown.append(("other modes", [sum(day) for day in zip(*rest, strict=True)]))
    if not any(sum(values) for _, values in shown):
        return _section("Running time per day", '<p class="dim">Nothing ran.</p>')
    key = "".join(
        f'<span><i style="background:var(--c{n})"></i>{escape(name)}</span>'
        for n, (name, _) in enumerate(shown)
    )
    chart = days_chart(document["days"], shown)
    return _section("Running time per day", f'{chart}<div class="key">{key}</div>')


def _figures(rows: Sequence[Row], *, agents: bool) -> str:
    if not rows:
        return '<p class="dim">None.</p>'
    first = "<th>agent</th>" if agents else "<th>mode</th>"
    use = "in use" if agents else "running at once"
    names = ("runs", "failed", "rate", "wait p50", "wait p95", "run p50", "run p95", "ran")
    head = "".join(f'<th class="n">{name}</th>' for name in (use, *names))
    body = "".join(_figure_row(row, agents=agents) for row in rows[:_MOST_ROWS])
    more = len(rows) - _MOST_ROWS
    note = f'<p class="note">and {count(more)} more</p>' if more > 0 else ""
    return (
        f"<table><thead><tr>{first}{head}<th>per day</th></tr></thead>"
        f"<tbody>{body}</tbody></table>{note}"
    )


def _figure_row(row: Row, *, agents: bool) -> str:
    rate = row["failure_rate"]
    use = f"{row['average_running']:.2f}"
    if agents:
        use = f'<span class="use">{use_bar(row["utilisation"])}'
        use += f"<span>{share(row['utilisation'])}</span></span>"
    bad = ' bad"' if rate is not None and rate >= _BAD else '"'
    name = escape(str(row["key"]))
    cells = [
        f'<td class="name" title="{name}">{name}</td>',
        f'<td class="n">{use}</td>',
        f'<td class="n">{count(row["runs"])}</td>',
        f'<td class="n{bad}>{count(row["failed"])}</td>',
        f'<td class="n{bad}>{share(rate)}</td>',
        *(
            f'<td class="n">{duration(row[f"{one}_s"])}</td>'
            for one in ("wait_p50", "wait_p95", "run_p50", "run_p95")
        ),
        f'<td class="n">{hours(row["ran_s"])}</td>',
        f"<td>{day_bars(row['ran_per_day_s'])}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _failures(rows: Sequence[Row]) -> str:
    failing = [row for row in rows if row["failed"]]
    if not failing:
        return _section("Failures by agent and mode", '<p class="dim">Nothing failed.</p>')
    # The worst first, as far as a page has room; what never failed says so by its absence.
    agents = list(dict.fromkeys(row["agent"] for row in failing))[:_MOST_CELLS]
    modes = sorted(dict.fromkeys(row["mode"] for row in failing))[:_MOST_CELLS]
    known = {(row["agent"], row["mode"]): row for row in rows}
    worst = max(row["failed"] / row["runs"] for row in failing)
    head = "".join(f'<th class="cell">{escape(mode)}</th>' for mode in modes)
    body = "".join(
        f'<tr><td class="name">{escape(agent)}</td>'
        + "".join(_cell(known.get((agent, mode)), worst) for mode in modes)
        + "</tr>"
        for agent in agents
    )
    table = f"<table><thead><tr><th>agent</th>{head}</tr></thead><tbody>{body}</tbody></table>"
    note = '<p class="note">Failed of all that were decided; darker is a larger share.</p>'
    return _section("Failures by agent and mode", table + note)


def _cell(row: Row | None, worst: float) -> str:
    if row is None:
        return f'<td class="cell dim">{NOTHING}</td>'
    part = row["failed"] / row["runs"]
    shade = (
        f"background:rgba(var(--bad-rgb),{0.08 + 0.5 * part / worst:.2f})" if row["failed"] else ""
    )
    text = f"{count(row['failed'])} of {count(row['runs'])}"
    return f'<td class="cell" style="{shade}" title="{share(part)}">{text}</td>'


def _lost(lost: Mapping[str, Any]) -> str:
    rows = [(str(row["code"]), row["agent_hours"]) for row in lost["reasons"]]
    covered = f"Looked at for {duration(lost['covered_s'])} of this time."
    if not rows:
        what = "No agent was without work." if lost["covered_s"] else "Nobody looked."
        text = f'<p class="dim">{what} The control room keeps count while it runs.</p>'
        return _section("Agent-hours without work, by reason", text)
    chart = reason_bars(rows)
    note = f'<p class="note">{covered}</p>'
    return _section("Agent-hours without work, by reason", chart + note)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"
