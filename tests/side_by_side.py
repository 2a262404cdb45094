"""What `make test` runs: the acceptance tests, which mostly wait for simulated days to pass, beside all others.

Each pytest has servers and directories of its own. What the acceptance tests say is shown behind the others.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

PYTEST = (sys.executable, "-m", "pytest", "-m", "not long")
ACCEPTANCE = "tests/acceptance"


def main(arguments: list[str]) -> int:
    """Run both; `arguments` go to the larger part. Returns the exit code of the first that failed, else 0."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        beside = subprocess.Popen([*PYTEST, ACCEPTANCE], stdout=said, stderr=subprocess.STDOUT)
        try:
            others = subprocess.run([*PYTEST, f"--ignore={ACCEPTANCE}", *arguments], check=False)
        finally:
            beside.wait()
            said.seek(0)
            sys.stdout.write(said.read())
    return others.returncode or beside.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
