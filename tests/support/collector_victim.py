"""A collector with little memory for what the disk refuses: `python -m … CONFIG MOST_READINGS`."""

from __future__ import annotations

import sys
from pathlib import Path

from collector.checks import load_settings
from collector.process.service import run
from collector.spool import keeper
from energy.services import run_main

if __name__ == "__main__":
    keeper.MOST_WAITING = int(sys.argv[2])
    run_main(lambda: run(load_settings(Path(sys.argv[1]))))
