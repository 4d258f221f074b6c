"""The control room's own memory: measured series and alerts. It is never the truth of a fleet."""
