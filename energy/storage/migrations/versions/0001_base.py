"""Runs `sql/0001_base.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
