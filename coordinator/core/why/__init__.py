"""Why a task waits, why an agent is idle, and what would change that: pure readings of the state.

:mod:`~coordinator.core.why.task`, :mod:`~coordinator.core.why.idle` and
:mod:`~coordinator.core.why.overview` answer the three questions; the other modules are their parts.
"""
