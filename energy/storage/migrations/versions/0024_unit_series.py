"""Runs `sql/0024_unit_series.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
