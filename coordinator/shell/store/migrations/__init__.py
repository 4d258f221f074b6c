"""Schema changes, one module each, applied in order by Alembic when a store is opened."""
