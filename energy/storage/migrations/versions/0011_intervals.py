"""Runs `sql/0011_intervals.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
