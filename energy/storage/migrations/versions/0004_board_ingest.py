"""Runs `sql/0004_board_ingest.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
