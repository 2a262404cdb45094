"""Runs `sql/0008_sparkplug.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
