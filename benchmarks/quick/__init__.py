"""Work that is counted, not timed: a check for CI that a busy machine does not disturb."""
