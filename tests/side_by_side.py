"""What `make test` runs: the tests in three parts beside each other, since most of them wait for servers and clocks.

Each pytest has servers, directories and coverage data of its own. The first part is shown as it runs, what the others
say behind it, and then the coverage of all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_OF_ACCOUNTING = ("accounting", "deriv", "edits", "entries", "estimation", "factors", "quality", "reports", "rollups")
_ACCOUNTING = tuple(
    sorted(
        str(path)
        for start in (*_OF_ACCOUNTING, "totals", "validation")
        for path in Path("tests/integration").glob(f"test_{start}*.py")
    )
)
_BEHIND = ("tests/property", "tests/acceptance")
_FAULTS = ("tests/faults", "tests/contract")

PARTS: Mapping[str, Sequence[str]] = {
    "others": (
        "tests",
        *(f"--ignore={path}" for path in (*_ACCOUNTING, *_BEHIND, *_FAULTS)),
    ),
    "accounting": (*_ACCOUNTING, *_BEHIND),
    "faults": _FAULTS,
}
"""What each part runs; the first one is shown as it goes."""


def main(lowest_coverage: str) -> int:
    """Run all parts, then look at their coverage; returns the exit code of the first that failed, else 0."""
    shown, *hidden = PARTS
    with tempfile.TemporaryDirectory(prefix="quotawatt-tests-") as name:
        directory = Path(name)
        said = {part: (directory / f"{part}.txt").open("w+", encoding="utf-8") for part in hidden}
        beside = {part: _start(part, directory, output) for part, output in said.items()}
        codes = [_start(shown, directory, None).wait()]
        for part, process in beside.items():
            codes.append(process.wait())
            said[part].seek(0)
            sys.stdout.write(said[part].read())
            said[part].close()
        codes.append(_coverage(directory, lowest_coverage))
    return next((code for code in codes if code), 0)


def _start(part: str, directory: Path, output: IO[str] | None) -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "pytest", "-m", "not long", "--cov", "--cov-report=", *PARTS[part])
    # Compiled modules are kept, whatever the shell says: else each of the processes that tests start compiles its own.
    kept = {"PYTHONDONTWRITEBYTECODE": ""}
    environment = {**os.environ, **kept, "COVERAGE_FILE": str(directory / f"coverage-{part}")}
    return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment, text=True)


def _coverage(directory: Path, lowest: str) -> int:
    """Add up what the parts covered, and show it."""
    environment = {**os.environ, "COVERAGE_FILE": str(directory / "coverage-all")}
    parts = [str(directory / f"coverage-{part}") for part in PARTS]
    for command in (("combine", *parts), ("report", f"--fail-under={lowest}")):
        done = subprocess.run((sys.executable, "-m", "coverage", *command), env=environment, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
