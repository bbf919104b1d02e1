"""The store's schema, step by step: Alembic's scripts, in `versions/`. Each step is kept for good once released."""
