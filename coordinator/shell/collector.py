"""Keeps Python's garbage collector from standing in the way of what is large and lasts.

The state has no cycles: what is dropped is freed at once, without the collector. It would walk
through all of it now and then, and the whole coordinator would stand still meanwhile: for 200 ms
with 200,000 tasks, for a second with a million. So it walks through what is new only, in small
portions, and what has outlived a full collection is frozen: never looked at again. What this costs
is a cycle that was frozen before it was dropped; ``benchmarks/collector.py`` counts how few there
are, and shows the pauses.
"""

import gc
from typing import Final

THRESHOLDS: Final = (10_000, 2, 1)
_FULL: Final = 2


def spare_the_collector() -> None:
    """Let the collector leave alone what is there, and what will have outlived a collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    if _freeze_what_stays not in gc.callbacks:
        gc.callbacks.append(_freeze_what_stays)


def _freeze_what_stays(phase: str, info: dict[str, int]) -> None:
    if phase == "stop" and info["generation"] == _FULL:
        gc.freeze()
