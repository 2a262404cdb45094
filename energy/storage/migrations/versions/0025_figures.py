"""Runs `sql/0025_figures.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
