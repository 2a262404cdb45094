"""What `quotawatt demo` does, with and without its board."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path

from deploy.demo.city import load_city
from deploy.demo.conductor import UntilFlagged
from deploy.demo.demo import Options, Running, run_demo
from deploy.demo.outcome import Outcome
from deploy.demo.watching import Watching, draw
from deploy.stack import Stack
from energy.logs import configure_logs
from energy.services import INTERRUPTED, run_main


def until_alert(path: Path, *, days: int, day_s: float, as_json: bool, picture: Path | None) -> int:
    """Run without a board until a unit is flagged and `days` have passed; print the audit's outcome; its exit code.

    A run that is interrupted is audited too, but says by its exit code that it did not come to its end.
    `picture` is a file that takes the board as it stood at the end, as SVG.

    Raises:
        ConfigError: the city file, with all its faults; nothing was started.
        SystemExit: with the code of a foreseen failure.
    """
    city = load_city(path)
    outcomes: list[Outcome] = []

    def conduct(running: Running) -> UntilFlagged:
        async def at_end() -> None:
            if picture is not None:
                await draw(running, picture)

        return UntilFlagged(running.pool, running.clock, days, _say, at_end)

    async def run() -> None:
        configure_logs(level=logging.WARNING)
        outcome = await run_demo(city, Stack(), Options(day_s, audited=True), conduct, _say)
        if outcome is not None:
            outcomes.append(outcome)

    run_main(run)
    (outcome,) = outcomes
    sys.stdout.write((outcome.json() if as_json else outcome.text()) + "\n")
    if not outcome.sound:
        return 1
    return 0 if outcome.flagged and outcome.simulated_days >= days else INTERRUPTED


def watch(path: Path, *, day_s: float) -> None:
    """Run with the board until Ctrl-C.

    Raises:
        ConfigError: the city file, with all its faults; nothing was started.
        SystemExit: with the code of a foreseen failure.
    """
    city = load_city(path)

    def conduct(running: Running) -> Watching:
        return Watching(running, running.layout.log)

    async def run() -> None:
        configure_logs(level=logging.WARNING)
        await run_demo(city, Stack(), Options(day_s, audited=False), conduct, _say)

    run_main(run)


def _say(line: str) -> None:
    """Progress goes to stderr: stdout is for the outcome. A terminal that is gone must not hold up the stop."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"demo: {line}\n")
        sys.stderr.flush()
