"""Looks and timings for tests of the life of an alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerts.life.machine import advance
from alerts.life.model import Condition, Look, Standing, Transition
from alerts.rules.model import Timing
from alerts.verdicts import Colour, Mark, Severity

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)
ORANGE = Mark(Severity.WARNING, Colour.ORANGE)
RED = Mark(Severity.CRITICAL, Colour.RED)
RAISED, HELD, CLEAR, UNKNOWN = Condition.RAISED, Condition.HELD, Condition.CLEAR, Condition.UNKNOWN


def after(minutes: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minutes)


class Life:
    """One alert, looked at in turn; what it did is in `moves`."""

    def __init__(self, timing: Timing | None = None, *, end: datetime | None = None, corrects: bool = False) -> None:
        self.timing = timing or Timing()
        self.end = end
        self.corrects = corrects
        self.standing: Standing | None = None
        self.moves: list[Transition] = []

    def look(  # noqa: PLR0913 - the parts of one look, by keyword
        self,
        condition: Condition,
        minutes: float,
        *,
        at: float | None = None,
        mark: Mark = ORANGE,
        final: bool = False,
        silenced: bool = False,
    ) -> str:
        """Look, minutes after the start, at data up to then or to `at`; returns where it stands, and why it moved."""
        data = after(minutes if at is None else at)
        look = Look(condition, mark, min(data, self.end) if self.end else data, self.end, final, self.corrects)
        self.standing, move = advance(self.standing, look, self.timing, after(minutes), silenced=silenced)
        if move is not None:
            self.moves.append(move)
        state = self.standing.state if self.standing else "nothing"
        return f"{state}" if move is None else f"{state}: {move.reason}"
