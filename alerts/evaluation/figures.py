"""The figures of every quota, kept for boards: only rows that differ from what was written are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.evaluation.looking import identities
from alerts.evaluation.verdicts import COLOURS, SEVERITIES, VERDICTS, marks, verdicts
from alerts.projecting.methods import METHODS
from alerts.series.columns import among
from alerts.series.frame import NEVER, Ids
from alerts.series.quotas import QuotaFrame
from energy.storage import Connection, load_queries
from energy.storage.binary import Layout, copy_in

_SQL = load_queries("alerts.evaluation", "evaluation.sql")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_METHODS = ("", *METHODS)
_AMOUNTS = (
    "used",
    "limit",
    "used_share",
    "elapsed_share",
    "pace",
    "projected",
    "projected_low",
    "projected_high",
    "quality",
)
_LAYOUT = Layout(
    quota_id="int4",
    period_start="date",
    **dict.fromkeys(_AMOUNTS, "float8"),
    provisional="bool",
    exhausted_at="time_us",
    ready="time_us",
    verdict="int2",
    severity="int2",
    colour="int2",
    method="int2",
)


@dataclass(frozen=True)
class Figures:
    """Rows of `quota_figure`, in the order of quota and period.

    Attributes:
        of: quota and period in one number.
        columns: as the layout names them, without the clock.
    """

    of: Ids
    columns: dict[str, NDArray[Any]]

    @cached_property
    def digests(self) -> NDArray[np.uint64]:
        """A number per row that differs where a column does."""
        mixed = np.zeros(len(self.of), np.uint64)
        for column in self.columns.values():
            values = column if column.dtype != np.bool_ else column.astype(np.int64)
            mixed = (mixed ^ np.ascontiguousarray(values).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        return mixed

    def verdict_counts(self) -> dict[str, int]:
        """How many rows have each verdict."""
        counts = np.bincount(self.columns["verdict"], minlength=len(VERDICTS)).tolist()
        return dict(zip(VERDICTS, counts, strict=True))


def figures_of(frame: QuotaFrame) -> Figures:
    """What a frame says of every quota; pure."""
    verdict = verdicts(frame)
    severity, colour = marks(frame, verdict)
    method = np.zeros(len(frame.method), np.int64)
    for number, name in enumerate(_METHODS):
        method[frame.method == name] = number
    columns: dict[str, NDArray[Any]] = {
        "quota_id": frame.ids,
        "period_start": frame.periods,
        **{name: frame.columns[name] for name in _AMOUNTS},
        "provisional": frame.columns["provisional"] > 0,
        "exhausted_at": frame.exhausted_us,
        "ready": frame.ready_us,
        "verdict": verdict,
        "severity": severity,
        "colour": colour,
        "method": method,
    }
    return Figures(identities(frame), columns)


class Written:
    """What has been written, as far as is remembered: to be forgotten when a transaction fails."""

    def __init__(self) -> None:
        self._of = np.zeros(0, np.int64)
        self._digests = np.zeros(0, np.uint64)

    def forget(self) -> None:
        """Nothing is known any more: the next figures are all written."""
        self._of, self._digests = self._of[:0], self._digests[:0]

    def changed(self, figures: Figures) -> Ids:
        """Rows that differ from what is remembered."""
        if not len(self._of):
            return np.arange(len(figures.of))
        place = np.minimum(np.searchsorted(self._of, figures.of), len(self._of) - 1)
        same = (self._of[place] == figures.of) & (self._digests[place] == figures.digests)
        found: Ids = np.flatnonzero(~same)
        return found

    def remember(self, figures: Figures, rows: Ids, *, alone: bool = False) -> None:
        """These have been committed; with `alone` no others are remembered any more.

        Without ever forgetting, a leader would drag along every day that it has seen.
        """
        if alone:  # what did not change has the digest that it had
            self._of, self._digests = figures.of, figures.digests
            return
        of = figures.of[rows]
        kept = ~among(self._of, of)
        order = np.argsort(joined := np.concatenate([self._of[kept], of]))
        self._of, self._digests = joined[order], np.concatenate([self._digests[kept], figures.digests[rows]])[order]


async def write(connection: Connection, figures: Figures, rows: Ids, now: datetime) -> None:
    """Write some rows over what stands, in the transaction of the evaluation."""
    if not len(rows):
        return
    await connection.execute(_SQL.stage)
    columns = [figures.columns[name][rows] for name in _LAYOUT.columns]
    await copy_in(connection, "staged_figure", _LAYOUT.columns, _LAYOUT.encode(columns))
    await connection.execute(_SQL.keep_figures, now, list(VERDICTS), list(SEVERITIES), list(COLOURS), list(_METHODS))


def instant(at_us: int) -> datetime | None:
    """A time of a frame; None for NEVER."""
    return None if at_us == NEVER else _EPOCH + at_us * _US
