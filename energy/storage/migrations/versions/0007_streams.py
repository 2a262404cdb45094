"""Runs `sql/0007_streams.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
