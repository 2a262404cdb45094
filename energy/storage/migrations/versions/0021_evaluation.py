"""Runs `sql/0021_evaluation.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
