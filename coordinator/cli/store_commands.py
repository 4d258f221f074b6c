"""``fleetbus backup``, ``restore``, ``export`` and ``import``: the fleet's store in safe hands."""

import json
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.clock import now_ms
from coordinator.cli.options import AsJson, Data, Store
from coordinator.settings import CoordinatorSettings
from protocol.errors import FleetBusError


class WrongUse(FleetBusError):
    """What was asked for cannot be done in this way."""


def backup(
    *,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The copy. [default: a new file among the scheduled ones]",
            show_default=False,
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the copies that there are.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Copy the store into one checked file; the coordinator may go on meanwhile.

    Example: fleetbus backup --to /mnt/safe/fleet.db
    """
    from coordinator.shell.backups import FOLDER, back_up, copies_in, name_at

    chosen = settings.load({"data": data})
    if show:
        if to is not None:
            raise WrongUse("--to FILE makes a copy, and --list makes none: give one of them")
        if not chosen.data.is_dir():
            raise WrongUse(f"there is no data directory {chosen.data}; name it with --data")
        _list(copies_in(chosen.data, now_ms()), as_json=as_json)
        return
    _sqlite_only(chosen, "pg_dump")
    _url(chosen)
    if to is not None and not to.parent.is_dir():
        # A folder that is made where a disk should be mounted keeps copies on the wrong disk.
        raise WrongUse(f"--to {to}: there is no folder {to.parent}; make it first, or mount it")
    file = to or chosen.data / FOLDER / name_at(now_ms())
    with screen.working("copying and checking"):
        size = back_up(chosen.data, file)
    if as_json:
        screen.print_json({"file": str(file), "bytes": size})
    else:
        print(f"{screen.GOOD} {file}, {size} bytes, checked")


def restore(
    *,
    copy: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="The copy to go back to; see backup --list.", show_default=False
        ),
    ] = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Go on with the present store, although it lost work.")
    ] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Begin anew with an empty store.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Put a copy in the place of the store, which is moved aside. The coordinator must be stopped.

    Whatever was handed out after the copy was made is void from then on: terms and fences are
    raised, and nothing is lent until every old lease must be over.

    Example: fleetbus restore .fleetbus/backups/fleet-20260105T101500000Z.db
    """
    from coordinator.shell import restoring

    chosen = settings.load({"data": data})
    _sqlite_only(chosen, "pg_restore; see docs/how-to/postgresql.md")
    if (copy is not None) + as_is + empty != 1:
        raise WrongUse("name one: a copy's FILE, --as-is, or --empty")
    with screen.working("restoring"):
        if copy is not None:
            done = restoring.restore(chosen.data, copy, now_ms())
        elif as_is:
            done = restoring.restore_as_is(chosen.data, now_ms())
        else:
            done = restoring.begin_anew(chosen.data, now_ms())
    if as_json:
        aside = None if done.aside is None else str(done.aside)
        left_out = list(done.left_out)
        screen.print_json(
            {"term": done.term, "tasks": done.tasks, "aside": aside, "left_out": left_out}
        )
        return
    what = "an empty store" if empty else str(copy or "the present store")
    print(f"{screen.GOOD} restored {what}: {done.tasks} tasks")
    for record in done.left_out:
        print(f"  could not be read, and is left out: {record}")
    if done.aside is not None:
        print(f"  the files of before are in {done.aside}")
    print(f"  term {done.term}; every fence is {done.raised_by} higher")
    print("  start the coordinator; it lends nothing until every old lease must be over")


def export(
    *,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="[default: standard output]", show_default=False),
    ] = None,
    data: Data = None,
    store: Store = None,
) -> None:
    """Write agents, tasks and schedules as one JSON document; the coordinator may go on.

    Example: fleetbus export --to fleet.json
    """
    from coordinator.shell.transfer import export_store

    url = _url(settings.load({"data": data, "store": store}))
    with screen.working("reading the store"):
        document = export_store(url, now_ms())
        text = json.dumps(document, ensure_ascii=False, indent=1)
    if to is None:
        print(text)
        return
    try:
        to.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"{to} cannot be written: {error}") from None
    print(f"{screen.GOOD} {to}: {len(document['agents'])} agents, {len(document['tasks'])} tasks")


def import_(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export; - for standard input.")],
    data: Data = None,
    store: Store = None,
) -> None:
    """Bring an export into the store. The coordinator must be stopped.

    What is known already under the same name is replaced; the rest stays.

    Example: fleetbus import fleet.json
    """
    from coordinator.shell.locks import lock_directory
    from coordinator.shell.store.engine import url_in
    from coordinator.shell.store.examination import examine
    from coordinator.shell.store.sidecar import NAME, Sidecar
    from coordinator.shell.store.store import Store as FleetStore
    from coordinator.shell.transfer import import_document

    chosen = settings.load({"data": data, "store": store})
    document = _read(file)
    with closing(lock_directory(chosen.data)):
        damage = examine(chosen.data) if chosen.store is None else None
        if damage is not None:
            raise WrongUse(f"{damage.text}; repair it first: start the coordinator to learn how")
        side = Sidecar(chosen.data / NAME) if chosen.store is None else None
        with closing(FleetStore(chosen.store or url_in(chosen.data), side)) as opened:
            counts = import_document(opened, document, now_ms())
    print(
        f"{screen.GOOD} imported {counts.agents} agents, {counts.tasks} tasks, "
        f"{counts.marks} schedules and other marks"
    )


def _list(copies: list[Path], *, as_json: bool) -> None:
    from coordinator.shell.backups import made_ms

    if as_json:
        screen.print_json(
            {
                "copies": [
                    {"file": str(copy), "made_ms": made_ms(copy), "bytes": copy.stat().st_size}
                    for copy in copies
                ]
            }
        )
        return
    for copy in copies:
        made = datetime.fromtimestamp(made_ms(copy) / 1000, UTC)
        print(f"{made:%Y-%m-%d %H:%M:%S} UTC  {copy.stat().st_size:>12} bytes  {copy}")
    if not copies:
        print("there are no copies yet")


def _read(file: Path) -> Any:  # noqa: ANN401 -- any JSON
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{file} cannot be read: {error}") from None
    except ValueError as error:
        raise WrongUse(f"{file} is not JSON: {error}") from None


def _url(chosen: CoordinatorSettings) -> str:
    from coordinator.shell.store.engine import FILE_NAME, url_in

    if chosen.store is not None:
        return chosen.store
    if not chosen.data.is_dir():
        raise WrongUse(f"there is no data directory {chosen.data}; name it with --data")
    if not (chosen.data / FILE_NAME).is_file():
        raise WrongUse(f"there is no store {chosen.data / FILE_NAME}; name its place with --data")
    return url_in(chosen.data)


def _sqlite_only(chosen: CoordinatorSettings, instead: str) -> None:
    if chosen.store is not None:
        raise WrongUse(f"the store is in PostgreSQL, which has tools of its own: {instead}")
