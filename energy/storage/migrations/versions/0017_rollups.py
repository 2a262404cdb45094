"""Runs `sql/0017_rollups.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
