"""Runs `sql/0016_findings.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
