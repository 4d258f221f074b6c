"""``fleetbus report``: read the store beside its writer and say what the fleet did."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.clock import now_ms
from coordinator.cli.options import AsJson, Data, Store
from coordinator.settings import CoordinatorSettings

if TYPE_CHECKING:
    from coordinator.shell.report import Fleet
    from coordinator.shell.store.archive import Archive


def report(
    *,
    days: Annotated[
        float, typer.Option(metavar="N", min=0.01, max=3660, help="How far to look back.")
    ] = 7.0,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write one page that needs nothing else.", show_default=False
        ),
    ] = None,
    data: Data = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Report what the fleet did: use, waits, failures, running time and time without work.

    Example: fleetbus report --days 7 --html report.html
    """
    from coordinator.cli.report.page import page_of
    from coordinator.cli.report.tables import report_tables
    from coordinator.shell.history.store import FILE_NAME, HistoryStore
    from coordinator.shell.report import report as report_on

    chosen = settings.load({"data": data, "store": store})
    archive = _archive(chosen)
    with closing(archive):
        newest = next(archive.plans(), None)
        fleet = _fleet(None if newest is None else newest.document)
        file = chosen.data / FILE_NAME
        history = HistoryStore(file) if file.is_file() else None
        with screen.working(f"looking back {days:g} days"):
            document = report_on(archive.engine, history, fleet, days, now_ms())
        if history is not None:
            history.close()
    if html is not None:
        try:
            html.write_text(page_of(document), encoding="utf-8")
        except OSError as error:
            screen.fail(f"{html} cannot be written: {error.strerror}")
    if as_json:
        screen.print_json(document)
    elif html is not None:
        print(f"{screen.GOOD} {html}")
    else:
        screen.console().print(report_tables(document))


def _archive(chosen: CoordinatorSettings) -> "Archive":
    from coordinator.shell.store.archive import Archive

    url = chosen.store
    found = Archive.in_directory(chosen.data) if url is None else Archive.at(url)
    if found is None:
        screen.fail(
            f"there is no store in {chosen.data}; name the data directory of a coordinator with "
            "--data, or start one: fleetbus up"
        )
    return found


def _fleet(document: bytes | None) -> "Fleet":
    from coordinator.plan.load import parse
    from coordinator.plan.values import minutes
    from coordinator.shell.report import Fleet

    if document is None:
        return Fleet("fleet")
    plan = parse(document, "the plan in force")
    return Fleet(
        plan.fleet_name, plan.timezone, minutes(plan.day_start), float(plan.retention.metrics)
    )
