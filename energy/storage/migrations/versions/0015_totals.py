"""Runs `sql/0015_totals.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
