"""What people see: text from elsewhere does no harm, and no colour stands without its symbol."""

import io
import sys
from enum import StrEnum

import pytest
from rich.console import Console

from coordinator.cli import screen
from protocol.vocabulary import (
    AgentHealth,
    AgentStatus,
    CoordinatorState,
    PresenceState,
    Priority,
    TaskStatus,
)


def shown(renderable: object, *, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=colour, no_color=not colour)
    console.print(renderable)
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("[bold red]not markup[/]", "[bold red]not markup[/]"),
        ("\x1b[2J\x1b[31mgone", "[2J[31mgone"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\x9b2J8-bit", "2J8-bit"),
        ("nul\x00bell\x07del\x7f", "nulbelldel"),
        ("right\u202eto left\u2066", "rightto left"),
        ("Grüße 世界 🎉", "Grüße 世界 🎉"),
    ],
)
def test_text_of_agents_is_shown_literally_and_moves_no_cursor(text: str, harmless: str) -> None:
    assert screen.printable(text) == harmless
    assert shown(screen.safe(text)).strip() == harmless


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert screen.printable("x" * 300, limit=10) == "xxxxxxxxx…"


@pytest.mark.parametrize(
    "words", [AgentStatus, AgentHealth, TaskStatus, Priority, CoordinatorState, PresenceState]
)
def test_every_word_has_a_symbol_that_tells_it_apart_without_colour(
    words: type[StrEnum],
) -> None:
    written = [screen.word(value).plain for value in words]  # type: ignore[arg-type]  # each is a Word
    assert [text.split()[1] for text in written] == [value.value for value in words]
    if words is not CoordinatorState:
        symbols = [text.split()[0] for text in written]
        assert len(set(symbols)) == len(symbols)


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (None, "-"),
        (-5, "0 ms"),
        (850, "850 ms"),
        (12_000, "12 s"),
        (185_000, "3 min 5 s"),
        (7_500_000, "2 h 5 min"),
        (4 * 86_400_000 + 3 * 3_600_000, "4 d 3 h"),
    ],
)
def test_a_duration_reads_as_a_person_would_say_it(milliseconds: int | None, said: str) -> None:
    assert screen.age(milliseconds) == said


def test_work_that_takes_its_time_is_told_to_a_terminal_only(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with screen.working("looking ahead"):
        sys.stdout.write("answer\n")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("answer\n", "")


def test_a_terminal_sees_what_is_being_done_beside_the_answer(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with screen.working("looking ahead"):
        sys.stdout.write("answer\n")
    said = capfd.readouterr()
    assert said.out == "answer\n"
    assert "looking ahead …" in said.err
