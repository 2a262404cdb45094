"""`python -m benchmarks.run [name …]`: run the benchmarks, print their figures and keep them in `latest.json`."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import keep, show
from deploy.stack import Stack

BENCHMARKS = (
    "ingest_over_copy",
    "ingest_single_readings",
    "ingest_duplicates",
    "ingest_http",
    "ingest_sparkplug",
    "ingest_workers",
    "ingest_growth",
    "ingest_national",
    "ingest_burst",
    "derive_incremental",
    "derive_late",
    "derive_over_scan",
    "spool",
    "collector_over_pymodbus",
    "collector_lag",
    "dead_units",
    "gateway_footprint",
    "estimation_error",
    "month_totals",
    "alerts_full_evaluation",
    "projection_methods",
    "alerts_latency",
)
"""Each is a module of this name with `measure(stack, directory) -> list[Figure]`."""


def main(names: Sequence[str]) -> int:
    """Run the benchmarks named, or all; returns the exit code."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="quotawatt-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # the database's unprivileged account must be able to walk to its data
        stack = Stack("benchmarks", directory / "stack", background_workers=0)
        try:
            stack.up(lambda step: print(step, file=sys.stderr))
            for benchmark in names or BENCHMARKS:
                figures = importlib.import_module(f"benchmarks.{benchmark}").measure(stack.endpoints(), directory)
                show(figures)
                keep(figures)
        finally:
            stack.down()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
