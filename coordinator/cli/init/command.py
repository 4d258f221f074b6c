"""``fleetbus init``: ask what a new fleet is, and write what it begins with.

Nothing is written before everything is known and the plan has passed its own checks; a file that
is there already is never overwritten without ``--force``.
"""

import getpass
import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from agent_client.settings import machine_id_of
from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.host_unit import service_text
from coordinator.cli.init import answers as said
from coordinator.cli.init.answers import Answers, BadAnswer, Bot
from coordinator.cli.init.questions import ask
from coordinator.cli.options import AsJson
from coordinator.settings import PLAN_PLACE
from protocol.errors import FleetBusError

SETTINGS_PLACE = settings.CONFIG_PLACES[0]
SERVICE_PLACE = Path("config/fleetbus.service")


def init(
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the fleet lives.", show_default=False)
    ] = Path(),
    name: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="The fleet's name. [default: the folder's]", show_default=False
        ),
    ] = None,
    agent: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[@MACHINE][:WORD,WORD]",
            help="An agent, its machine, and what it can do; repeatable. [default: Main:quest]",
            show_default=False,
        ),
    ] = None,
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="The zone of the plan's hours and days.")
    ] = "UTC",
    reached_by: Annotated[
        str | None,
        typer.Option(
            metavar="HOST",
            help="How other machines reach this one. [default: this machine's name]",
            show_default=False,
        ),
    ] = None,
    service: Annotated[
        bool,
        typer.Option("--service", help="Write a systemd unit for `fleetbus up` on this machine."),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a plan and settings that are there.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take the options and the defaults.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Begin a fleet: ask for machines, agents and what they can do, and write plan and settings.

    If agents run on other machines, each gets a folder with its secrets, to be carried there.

    Example: fleetbus init --yes --agent Main:quest --agent Far@LAPTOP:farming
    """
    places = [folder / PLAN_PLACE, folder / SETTINGS_PLACE]
    if service:
        places.append(folder / SERVICE_PLACE)
    there = [str(place) for place in places if place.exists()]
    if there and not force:
        screen.fail(
            f"{' and '.join(there)} would be overwritten; nothing was written\n"
            "name another DIR, or say --force if that is what you want"
        )
    try:
        answers = _given(folder, name, agent or [], timezone, reached_by)
        if not (yes or as_json):
            answers = ask(answers)
    except BadAnswer as error:
        screen.fail(f"{error}; nothing was written", status=2)
    except typer.Abort:
        print(file=sys.stderr)
        screen.fail("nothing was written; to be asked nothing: fleetbus init --yes")
    texts = [json.dumps(answers.plan(), indent=2, ensure_ascii=False) + "\n", answers.settings()]
    if service:
        texts.append(_service(folder))
    for place, text in zip(places, texts, strict=True):
        _write(place, text)
    folders = _for_other_machines(folder, answers) if answers.others else []
    if as_json:
        screen.print_json(
            {
                "written": [str(place) for place in places],
                "machines": {m: str(f) for m, f in zip(answers.others, folders, strict=True)},
            }
        )
        return
    _tell(folder, answers, places, folders)


def _given(
    folder: Path, name: str | None, agents: list[str], timezone: str, reached_by: str | None
) -> Answers:
    here = machine_id_of(None)
    bots = tuple(said.bot(text, here) for text in agents) or (Bot(said.FIRST_AGENT, here),)
    first = Answers("My fleet", here, here, bots)
    called = name if name is not None else folder.absolute().name or "My fleet"
    first = first.called(called).in_zone(timezone)
    return first if reached_by is None else first.reached(reached_by)


def _service(folder: Path) -> str:
    return service_text(
        description="fleetbus: the broker, the coordinator, the control room and this host",
        command_line=shlex.join((sys.executable, "-m", "coordinator.cli", "up")),
        user=getpass.getuser(),
        folder=folder.absolute(),
    )


def _write(place: Path, text: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FleetBusError(f"{place} cannot be written: {error.strerror or error}") from None


def _for_other_machines(folder: Path, answers: Answers) -> list[Path]:
    from coordinator.cli.init.machines import prepare

    return prepare(answers, settings.load({"data": folder / ".fleetbus"}))


def _tell(folder: Path, answers: Answers, places: list[Path], folders: list[Path]) -> None:
    notes: dict[Path, Any] = {
        places[
            0
        ]: f"the plan: {len(answers.bots)} agent(s) on {len(answers.others) + 1} machine(s)",
        places[1]: "settings of the `fleetbus` command",
    }
    for place in places:
        print(f"{screen.GOOD} {place}  {notes.get(place, 'a unit for systemd')}")
    for machine, carried in zip(answers.others, folders, strict=True):
        print(f"{screen.GOOD} {carried}  secrets for {machine}: carry the folder there")
    if folders:
        print(
            f"  its README.txt says what to do there; this machine is reached as {answers.broker}"
        )
        print("  without carrying secrets: fleetbus revoke NAME, then fleetbus enroll NAME")
    print(
        "\nAn agent of the plan without a command only practises; to run your own bot, give it\n"
        '  "command": ["python", "bot.py"]\n\nNext:\n'
    )
    if folder != Path():
        print(f"  cd {shlex.quote(str(folder))}")
    print("  fleetbus up       start everything, until Ctrl-C")
    print("  fleetbus watch    see it live, in another terminal")
