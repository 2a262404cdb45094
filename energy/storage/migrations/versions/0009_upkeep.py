"""Runs `sql/0009_upkeep.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
