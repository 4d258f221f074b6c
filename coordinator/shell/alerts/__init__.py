"""Sending what the judge of alerts wants told; nobody ever waits for a receiver."""
