"""Runs `sql/0022_delivery.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
