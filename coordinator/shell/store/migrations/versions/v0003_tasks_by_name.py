"""Indexes for whoever looks for a task by its name, in order or by a part of it."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the indexes."""
    op.drop_index("tasks_by_age", "tasks")
    op.create_index("tasks_by_age", "tasks", ["created_ms", "id", "name"])
    op.create_index("tasks_by_name", "tasks", ["name", "id"])
