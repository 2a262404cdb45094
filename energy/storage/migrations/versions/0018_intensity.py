"""Runs `sql/0018_intensity.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
