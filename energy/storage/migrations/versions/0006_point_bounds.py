"""Runs `sql/0006_point_bounds.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
