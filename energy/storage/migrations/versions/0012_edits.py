"""Runs `sql/0012_edits.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
