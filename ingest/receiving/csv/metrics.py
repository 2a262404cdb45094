"""What uploads of CSV files count."""

from __future__ import annotations

import structlog
from prometheus_client import Counter

from ingest.receiving.csv.report import Summary

_log = structlog.get_logger("ingest.csv")

_LINES = Counter("quotawatt_ingest_csv_lines_total", "Lines of uploaded files, by what became of them.", ["outcome"])
_UPLOADS = Counter("quotawatt_ingest_csv_uploads_total", "Uploads of files, by how they ended.", ["end"])


def upload_ended(gateway: str, summary: Summary, *, dry_run: bool) -> None:
    """An upload came to its end, in order or not."""
    end = "dry_run" if dry_run else "complete" if summary.complete else "cut_off"
    _UPLOADS.labels(end).inc()
    if not dry_run:
        _LINES.labels("stored").inc(summary.stored)
        _LINES.labels("repeated").inc(summary.repeated)
        _LINES.labels("conflicting").inc(summary.conflicting)
        _LINES.labels("refused").inc(summary.refused)
    _log.info(
        "csv_uploaded",
        gateway=gateway,
        end=end,
        problem=summary.problem,
        lines=summary.lines,
        stored=summary.stored,
        repeated=summary.repeated,
        conflicting=summary.conflicting,
        refused=summary.refused,
    )


def upload_refused(gateway: str, detail: str) -> None:
    """A file was refused whole."""
    _UPLOADS.labels("refused").inc()
    _log.info("csv_refused", gateway=gateway, detail=detail)
