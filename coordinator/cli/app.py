"""The ``fleetbus`` command as a whole, and what becomes of an error."""

import errno
import io
import sys
from typing import Annotated, Final

import typer

from coordinator.cli.sections import Sections
from protocol.errors import FleetBusError

_OF_THE_MACHINE: Final = frozenset(
    (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)
)

app = typer.Typer(
    name="fleetbus",
    cls=Sections,
    help="A fleet bus over MQTT: one coordinator, many agents, work under leases.\n\n"
    "To look around: fleetbus up. For a fleet of your own: fleetbus init, then fleetbus up.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        print(f"fleetbus {importlib.metadata.version('fleetbus')}")
        raise typer.Exit


@app.callback()
def fleetbus(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Set up nothing: each command does what it needs."""


def run() -> None:
    """Run the command line; an error of ours is one clear message, a bug keeps its traceback.

    So is a file that the machine does not let us write or read.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a symbol shows a question mark, and lines are never held.
            stream.reconfigure(errors="replace", line_buffering=True)
    try:
        app()
    except FleetBusError as error:
        from coordinator.cli import screen
        from coordinator.settings import BadSettings

        screen.complain(str(error))
        sys.exit(2 if isinstance(error, BadSettings) else 1)
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        from coordinator.cli import screen

        where = "" if error.filename is None else f"{error.filename}: "
        screen.complain(f"{where}{error.strerror}")
        sys.exit(1)
