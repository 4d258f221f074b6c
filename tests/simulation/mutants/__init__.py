"""Broken rules: each mutant takes one rule out of the production code, and must be caught.

A mutant replaces named functions or attributes while a world runs. The few that break a rule of a
shell (``publish_before_commit`` and others) are looked up by the simulated shell by their name.
"""

import contextlib
from collections.abc import Iterator
from typing import Final
from unittest import mock

from tests.simulation.mutants import of_agent, of_books, of_forgetting, of_leases, of_recovery
from tests.simulation.mutants.patching import Mutants

_PATCHES: Final[Mutants] = {
    **of_agent.MUTANTS,
    **of_leases.MUTANTS,
    **of_recovery.MUTANTS,
    **of_books.MUTANTS,
    **of_forgetting.MUTANTS,
}
OF_THE_SHELL: Final = (
    "wrong_proof",
    "guard_in_loop",
    "clock_stops_in_suspend",
    "margin_below_drift",
    "old_coordinator_answers",
    "publish_before_commit",
    "answer_before_commit",
    "numbers_begin_anew",
)
MUTANTS: Final = (*_PATCHES, *OF_THE_SHELL)


@contextlib.contextmanager
def applied(name: str) -> Iterator[None]:
    """Break the rule *name* while the context lasts; an empty name breaks nothing."""
    if name and name not in MUTANTS:
        raise ValueError(f"mutant {name!r} is not one of {', '.join(MUTANTS)}")
    with contextlib.ExitStack() as stack:
        for target, attribute, value in _PATCHES.get(name, list)():
            stack.enter_context(mock.patch.object(target, attribute, value))
        yield
