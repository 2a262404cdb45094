"""Runs `sql/0010_counted_points.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
