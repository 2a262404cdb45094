"""The one chain of migrations: plain SQL in `sql/`, one file a revision, run by Alembic under an advisory lock."""
