"""Runs `sql/0019_quotas.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
