"""A look ahead: the same core as ever, on a virtual clock, with agents that are made up.

Nothing of the real fleet is touched: a preview works on a :class:`Snapshot`, and gives the same
:class:`Preview` for the same snapshot and plan, whoever asks and wherever.
"""

from coordinator.plan.preview.result import Preview
from coordinator.plan.preview.simulation import preview
from coordinator.plan.preview.snapshot import Snapshot

__all__ = ["Preview", "Snapshot", "preview"]
