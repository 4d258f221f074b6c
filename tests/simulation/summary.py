"""What the tests print of the simulation at their end: how many hours, what was caught."""

from typing import Final

import pytest

RAN: Final = "fleet-hours"
"""Property of a test: its first seed, how many hours from there on, and the runs in them."""
CAUGHT: Final = "mutant"
"""Property of a test: a mutant, and the seed that caught it."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what passed."""
    said = [
        (name, value)
        for report in terminalreporter.getreports("passed")
        if report.when == "call"
        for name, value in report.user_properties
    ]
    hours = sorted(value for name, value in said if name == RAN)
    caught = sorted(value for name, value in said if name == CAUGHT)
    if not hours and not caught:
        return
    terminalreporter.section("simulation")
    if hours:
        last = max(first + count - 1 for first, count, _ in hours)
        total, runs = sum(count for _, count, _ in hours), sum(ran for _, _, ran in hours)
        terminalreporter.write_line(
            f"{total} fleet-hours, {runs} runs, 0 violations; seeds {hours[0][0]} to {last}"
        )
    if caught:
        terminalreporter.write_line(f"{len(caught)} mutants caught, each by the seed beside it:")
        terminalreporter.write_line(", ".join(f"{mutant} {seed}" for mutant, seed in caught))
