"""Pools: agents that are alike, of which there are as many as the waiting tasks need.

How many is decided in :mod:`~coordinator.core.pools.decision`, from numbers alone; who comes and
who goes, and on which machine, in :mod:`~coordinator.core.pools.scaling`.
"""
