"""Runs `sql/0014_factors.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
