"""Runs `sql/0013_entries.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
