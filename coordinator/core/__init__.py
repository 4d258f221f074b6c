"""Decisions: ``step(state, event, now) -> effects``. No I/O, clock, randomness or logging."""
