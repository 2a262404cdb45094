"""Runs `sql/0020_alerts.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
