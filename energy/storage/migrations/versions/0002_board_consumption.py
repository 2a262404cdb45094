"""Runs `sql/0002_board_consumption.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
