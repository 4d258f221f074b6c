"""Chance that can be had again: a test that draws lots says which seed it drew them from."""

import os
import random
import secrets
from typing import Final

VARIABLE: Final = "FLEETBUS_TEST_SEED"


def chance() -> random.Random:
    """Return a source of chance; pytest shows its seed when the test fails."""
    seed = int(os.environ.get(VARIABLE) or secrets.randbelow(1_000_000))
    print(f"the lots of this test again: {VARIABLE}={seed}")  # noqa: T201 -- for whoever reads the failure
    return random.Random(seed)
