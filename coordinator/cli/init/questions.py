"""The questions of ``fleetbus init``, each asked again until its answer can be used."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import typer

from coordinator.cli import screen
from coordinator.cli.init.answers import (
    FIRST_AGENT,
    FIRST_CAPABILITY,
    Answers,
    BadAnswer,
    Bot,
    machine,
    words,
)

T = TypeVar("T")


def ask(first: Answers) -> Answers:
    """Ask everything, with *first* as what an empty answer means."""
    print("A few questions; what stands in brackets is taken if you only press Enter.\n")
    said = _until("Name of the fleet", first.fleet_name, first.called)
    said = _until("Time zone of its hours and days", said.timezone, said.in_zone)
    machines = _until(
        "Machines that agents run on, divided by commas; this one is the coordinator's",
        ", ".join((said.here, *said.others)),
        _machines,
    )
    bots: tuple[Bot, ...] = ()
    for name in machines:
        known = first.on(name)
        bots += _bots(replace(said, bots=bots), name, known)
    said = replace(said, bots=bots)
    if said.others:
        question = "Name or address by which the other machines reach this one"
        said = _until(question, said.reached_by, said.reached)
    return said.judged()


def _bots(so_far: Answers, where: str, known: tuple[Bot, ...]) -> tuple[Bot, ...]:
    """Ask which agents run on the machine *where*, and what each can do."""
    default = ", ".join(bot.name for bot in known)
    if not default:
        default = FIRST_AGENT if not so_far.bots else f"{FIRST_AGENT}{len(so_far.bots) + 1}"

    def named(text: str) -> tuple[Bot, ...]:
        found = tuple(Bot(name, where) for name in words(text))
        if not found:
            raise BadAnswer("agents", text, "name at least one")
        replace(so_far, bots=so_far.bots + found).judged()
        return found

    able = {bot.name: bot.capabilities for bot in known}
    asked: tuple[Bot, ...] = ()
    for one in _until(f"Agents on {where}, divided by commas", default, named):

        def can(text: str, one: Bot = one) -> Bot:
            found = replace(one, capabilities=words(text))
            if not found.capabilities:
                raise BadAnswer("capabilities", text, "name at least one, such as quest")
            replace(so_far, bots=(found,)).judged()
            return found

        default = ", ".join(able.get(one.name, (FIRST_CAPABILITY,)))
        asked += (_until(f"What can {one.name} do", default, can),)
    return asked


def _machines(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(machine(part) for part in text.split(",") if part.strip()))
    if not found:
        raise BadAnswer("machines", text, "name at least one")
    return found


def _until(question: str, default: str, read: Callable[[str], T]) -> T:
    """Ask until *read* can use the answer; end of input ends the command."""
    while True:
        answer: str = typer.prompt(question, default=default)
        try:
            return read(answer)
        except BadAnswer as error:
            screen.complain(str(error))
