"""Runs `sql/0003_board_quota.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
