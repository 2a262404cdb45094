"""What is shown of every quota: the verdict that its figures come to, with severity and colour. Pure, vectorised.

The first of these that holds: exceeded (certain on any data, since missing data can only add), no_data, stale,
on_course, incomplete, warned, ok. They say what the shipped rules say: on course is the projection, a warning is a band
or a pace above 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from alerts.series.frame import NEVER, Ids
from alerts.series.quotas import QuotaFrame
from alerts.verdicts import AHEAD, CLEAR, EXCEEDED, ON_COURSE, UNKNOWN, Colour, Mark, Severity, Verdict

VERDICTS = tuple(Verdict)
SEVERITIES = tuple(Severity)
COLOURS = tuple(Colour)
_MARKS = {Verdict.OK: CLEAR, Verdict.WARNED: AHEAD, Verdict.ON_COURSE: ON_COURSE, Verdict.EXCEEDED: EXCEEDED}


def verdicts(frame: QuotaFrame) -> Ids:
    """The verdict of each row, as its place in VERDICTS."""
    columns = frame.columns
    with np.errstate(invalid="ignore"):
        low, expected = columns["projected_low"], columns["projected"]
        on_course = _begun(frame) & (np.where(np.isnan(low), expected, low) > columns["limit"])
        holds = (
            (Verdict.EXCEEDED, columns["used"] > columns["limit"]),
            (Verdict.NO_DATA, (frame.ready_us == NEVER) | np.isnan(columns["used"]) & frame.level),
            (Verdict.STALE, frame.stale),
            (Verdict.ON_COURSE, on_course),
            (Verdict.INCOMPLETE, (columns["incomplete"] > 0) | (columns["unmetered_days"] > 0)),
            (Verdict.WARNED, ((columns["band"] >= 1) | _ahead(frame)) & ~frame.final),
        )
    found: Ids = np.select(
        [condition for _, condition in holds],
        [VERDICTS.index(verdict) for verdict, _ in holds],
        VERDICTS.index(Verdict.OK),
    )
    return found


def marks(frame: QuotaFrame, verdict: Ids) -> tuple[Ids, Ids]:
    """Severity and colour of each row, as their places in SEVERITIES and COLOURS."""
    of = [_MARKS.get(one, UNKNOWN) for one in VERDICTS]
    severity = np.array([SEVERITIES.index(mark.severity) for mark in of], np.int64)[verdict]
    colour = np.array([COLOURS.index(mark.colour) for mark in of], np.int64)[verdict]
    banded = np.flatnonzero((verdict == VERDICTS.index(Verdict.WARNED)) & (frame.columns["band"] >= 1))
    if len(banded):
        sets = frame.book.band_set[frame.due.rows[banded]]
        band = frame.columns["band"][banded].astype(np.int64) - 1
        table = [[one.mark for one in bands] for bands in frame.book.bands.sets]
        says = _looked_up(table, sets, band, lambda mark: SEVERITIES.index(mark.severity))
        louder = ~_ahead(frame)[banded] | (says >= SEVERITIES.index(AHEAD.severity))
        severity[banded[louder]] = says[louder]
        colour[banded[louder]] = _looked_up(table, sets, band, lambda mark: COLOURS.index(mark.colour))[louder]
    return severity, colour


def _begun(frame: QuotaFrame) -> NDArray[np.bool_]:
    begun: NDArray[np.bool_] = frame.columns["elapsed_share"] >= frame.columns["min_elapsed"]
    return begun


def _ahead(frame: QuotaFrame) -> NDArray[np.bool_]:
    """More is used than is due."""
    with np.errstate(invalid="ignore"):
        ahead: NDArray[np.bool_] = _begun(frame) & (frame.columns["pace"] > 1)
    return ahead


def _looked_up(table: list[list[Mark]], sets: Ids, band: Ids, of: Callable[[Mark], int]) -> Ids:
    most = max(len(row) for row in table)
    numbers = np.zeros((len(table), most), np.int64)
    for place, row in enumerate(table):
        numbers[place, : len(row)] = [of(mark) for mark in row]
    found: Ids = numbers[sets, band]
    return found
