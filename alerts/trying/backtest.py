"""A back-test: what rules would have said of stored history, by the engine that says it of the present.

At each simulated time the engine evaluates the database as it stood then (`alerts.trying.history`). For data that came
in time its transitions are those that it made when the time was real; a test compares them. Maintenance windows hold as
they are on record; nobody acknowledges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import numpy as np

from alerts.evaluation.step import Engine, Wanted
from alerts.rules.judging import applies_to
from alerts.rules.model import Rule
from alerts.series.known import catalogue
from alerts.series.loads import refresh
from alerts.series.quota_book import Book, read_book
from alerts.trying.episodes import Episode, Moved, Period, RuleSummary, Watched, episodes, summaries
from alerts.trying.history import Chosen, History
from energy.errors import RejectedError
from energy.periods import DEFAULT_ZONE, day_start, period_of
from energy.registry.store import check_units
from energy.storage import Connection, load_queries, translating
from energy.toml_words import meant

_SQL = load_queries("alerts.trying", "backtest.sql")
_RECENT, _BACK = timedelta(days=2), timedelta(days=366)
"""How far back the shapes of units' days are kept, and how far at the first look."""


@dataclass(frozen=True, slots=True)
class Span:
    """The simulated times: from `since` to `until`, both included, `step` apart."""

    since: datetime
    until: datetime
    step: timedelta

    @property
    def looks(self) -> int:
        """How many they are."""
        return (self.until - self.since) // self.step + 1

    def moments(self) -> Iterator[datetime]:
        """Each of them."""
        return (self.since + number * self.step for number in range(self.looks))


@dataclass(frozen=True, slots=True)
class Looking:
    """How the engine looks, as in the settings of the service.

    Attributes:
        recent_days: periods that touch these last days.
        stale_s: by how many seconds data may lag behind before pace and projection are not known.
    """

    recent_days: int
    stale_s: float


class BackTest(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        since, until, step_s: the simulated times; looks is how many there were.
        zone: of most units.
        periods: of quotas that were watched and had not ended before `since`, broken: those that broke.
        rules: one row per rule.
        episodes: the course of every alert.
    """

    since: datetime
    until: datetime
    step_s: float
    looks: int
    zone: str
    periods: int
    broken: int
    rules: tuple[RuleSummary, ...]
    episodes: tuple[Episode, ...]


async def chosen_of(connection: Connection, quotas: Sequence[str], units: Sequence[str]) -> Chosen | None:
    """The quotas or the units of these codes; None for all where neither is named.

    Raises:
        RejectedError: there is none of a code, or both are named.
        StorageError, …: as `energy.storage.translating` says.
    """
    if quotas and units:
        raise RejectedError("quotas or units are chosen, not both")
    if not quotas and not units:
        return None
    if units:
        await check_units(connection, units)
        with translating():
            ids = [row["unit_id"] for row in await connection.fetch(_SQL.unit_ids, units)]
        return await Chosen.of_units(connection, sorted(ids))
    with translating():
        known = {row["code"]: row["quota_id"] for row in await connection.fetch(_SQL.quota_ids)}
    if unknown := sorted(set(quotas) - known.keys()):
        raise RejectedError("; ".join(f"no such quota: {code!r}{meant(code, known)}" for code in unknown))
    return await Chosen.of_quotas(connection, sorted({known[code] for code in quotas}))


async def backtest(  # noqa: PLR0913 - what is tried, on what, and how
    connection: Connection,
    rules: Sequence[Rule],
    span: Span,
    looking: Looking,
    *,
    chosen: Chosen | None = None,
    say: Callable[[datetime], None] = lambda _: None,
) -> BackTest:
    """Evaluate `rules` at every moment of `span`.

    Args:
        connection: of its own; it sees history from then on and is of no other use.
        rules: from `alerts.rules.files`.
        span: when.
        looking: how.
        chosen: of which quotas and units; None for all.
        say: is told each moment before it is looked at.

    Raises:
        StorageError, …: as `energy.storage.translating` says.
    """
    history = await History.open(connection, chosen, points=any(rule.subject == "meter" for rule in rules))
    engine = Engine(rules, catalogue(), stale_s=looking.stale_s)
    broken: dict[Period, datetime] = {}
    for moment in span.moments():
        say(moment)
        await history.move(moment)
        await refresh(connection, moment, (moment - (_RECENT if moment > span.since else _BACK) - span.step).date())
        await engine.evaluate(connection, moment, Wanted(looking.recent_days))
        with translating():
            for row in await connection.fetch(_SQL.broken):
                broken.setdefault((row["quota_id"], row["period_start"]), moment)
    return await _result(connection, rules, span, broken)


async def _result(
    connection: Connection, rules: Sequence[Rule], span: Span, broken: dict[Period, datetime]
) -> BackTest:
    with translating():
        moves = [msgspec.convert(dict(row), Moved) for row in await connection.fetch(_SQL.moves)]
        rows = await connection.fetch(_SQL.periods)
        zone = await connection.fetchval(_SQL.zone)
        looked = _Looked(await read_book(connection), [(row["quota_id"], row["period_start"]) for row in rows])
    watched = {
        period: Watched(end, broken.get(period))
        for period, end in zip(looked.periods, looked.ends(), strict=True)
        if end > span.since
    }
    # What a period that was over before the first look says then, the engine would have said long before.
    ours = [move for move in moves if move.period_start is None or (move.subject_id, move.period_start) in watched]
    found = episodes(ours, watched)
    about = {rule.code: watched.keys() & looked.of(rule) if rule.subject == "quota" else None for rule in rules}
    return BackTest(
        since=span.since,
        until=span.until,
        step_s=span.step.total_seconds(),
        looks=span.looks,
        zone=zone or DEFAULT_ZONE,
        periods=len(watched),
        broken=sum(one.broken_at is not None for one in watched.values()),
        rules=tuple(summaries(about, found, watched, span.until)),
        episodes=tuple(found),
    )


class _Looked:
    """The quotas and periods that were looked at, each with its place in the book."""

    def __init__(self, book: Book, periods: Sequence[Period]) -> None:
        place_of = {quota: place for place, quota in enumerate(book.ids.tolist())}
        self._book = book
        self.periods = [period for period in periods if period[0] in place_of]
        self._places = np.array([place_of[quota] for quota, _ in self.periods], np.int64)

    def ends(self) -> list[datetime]:
        """When each period ends."""
        calendars = [self._book.calendars[number] for number in self._book.calendar[self._places].tolist()]
        return [
            period_of(day_start(first, zone), kind, zone, statistics_day=statistics_day).end
            for (_, first), (zone, kind, statistics_day) in zip(self.periods, calendars, strict=True)
        ]

    def of(self, rule: Rule) -> set[Period]:
        """Those whose labels a rule is about; labels that change from look to look leave none out."""
        starts = np.empty(len(self.periods), np.object_)
        starts[:] = [first.isoformat() for _, first in self.periods]
        labels = {name: column[self._places] for name, column in self._book.labels.items()} | {"starts": starts}
        lasting = msgspec.structs.replace(
            rule,
            where={name: values for name, values in rule.where.items() if name in labels},
            excepting={name: values for name, values in rule.excepting.items() if name in labels},
        )
        about = applies_to(lasting, labels, len(self.periods)).tolist()
        return {period for period, one in zip(self.periods, about, strict=True) if one}
