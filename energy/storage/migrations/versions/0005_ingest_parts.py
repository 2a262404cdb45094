"""Runs `sql/0005_ingest_parts.sql`."""

from energy.storage.migrate import run_sql_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply the revision."""
    run_sql_file(revision)
