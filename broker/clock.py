"""The one place of the broker that reads the time of day; it decides when a token is too old."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)
