"""Runs `sql/0023_projecting.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
