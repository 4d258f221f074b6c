"""An index for lists of all tasks by their age: the page that people open most."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index."""
    op.create_index("tasks_by_age", "tasks", ["created_ms", "id"])
