"""A back-test: what rules would have said of stored history, by the engine that says it of the present.

At each simulated time the engine evaluates the database as it stood then (`alerts.trying.history`). For data that came
in time its transitions are those that it made when the time was real; a test compares them. Maintenance windows hold as
they are on record; nobody acknowledges.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from alerts.evaluation.step import Engine, Wanted
from alerts.rules.model import Rule
from alerts.series.known import catalogue
from alerts.series.loads import refresh
from alerts.trying.episodes import Episode, Moved, Period, RuleSummary, Watched, episodes, summaries
from alerts.trying.history import Chosen, History
from energy.errors import RejectedError
from energy.periods import DEFAULT_ZONE, day_start, period_of
from energy.storage import Connection, load_queries, translating

_SQL = load_queries("alerts.trying", "backtest.sql")
_RECENT, _BACK = timedelta(days=2), timedelta(days=366)
"""How far back the shapes of units' days are kept, and how far at the first look."""


@dataclass(frozen=True, slots=True)
class Span:
    """The simulated times: from `since` to `until`, both included, `step` apart."""

    since: datetime
    until: datetime
    step: timedelta

    def moments(self) -> list[datetime]:
        """Each of them."""
        count = (self.until - self.since) // self.step
        return [self.since + number * self.step for number in range(count + 1)]


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
    query, kind = (_SQL.quota_ids, "quota") if quotas else (_SQL.unit_ids, "unit")
    with translating():
        rows = await connection.fetch(query, [*quotas, *units])
    if unknown := sorted({*quotas, *units} - {row["code"] for row in rows}):
        raise RejectedError(f"no {kind} {', '.join(unknown)}")
    ids = sorted(row[f"{kind}_id"] for row in rows)
    return await (Chosen.of_quotas if quotas else Chosen.of_units)(connection, ids)


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
    moments = span.moments()
    for moment in moments:
        say(moment)
        await history.move(moment)
        await refresh(connection, moment, (moment - (_RECENT if moment > span.since else _BACK) - span.step).date())
        await engine.evaluate(connection, moment, Wanted(looking.recent_days))
        with translating():
            for row in await connection.fetch(_SQL.broken):
                broken.setdefault((row["quota_id"], row["period_start"]), moment)
    return await _result(connection, rules, span, broken, len(moments))


async def _result(
    connection: Connection, rules: Sequence[Rule], span: Span, broken: dict[Period, datetime], looks: int
) -> BackTest:
    with translating():
        moves = [msgspec.convert(dict(row), Moved) for row in await connection.fetch(_SQL.moves)]
        rows = [dict(row) for row in await connection.fetch(_SQL.periods, DEFAULT_ZONE)]
        zone = await connection.fetchval(_SQL.zone)
    ends = {
        (row["quota_id"], row["period_start"]): _end(
            row["period_start"], row["period"], row["zone"], row["statistics_day"]
        )
        for row in rows
    }
    watched = {period: Watched(end, broken.get(period)) for period, end in ends.items() if end > span.since}
    # What a period that was over before the first look says then, the engine would have said long before.
    ours = [move for move in moves if move.period_start is None or (move.subject_id, move.period_start) in watched]
    found = episodes(ours, watched)
    return BackTest(
        since=span.since,
        until=span.until,
        step_s=span.step.total_seconds(),
        looks=looks,
        zone=zone or DEFAULT_ZONE,
        periods=len(watched),
        broken=sum(one.broken_at is not None for one in watched.values()),
        rules=tuple(summaries({rule.code: _about(rule, rows, watched) for rule in rules}, found, watched, span.until)),
        episodes=tuple(found),
    )


def _about(rule: Rule, rows: Sequence[Mapping[str, Any]], watched: Collection[Period]) -> list[Period] | None:
    """The periods of quotas whose labels a rule is about; None for a rule about something else."""
    if rule.subject != "quota":
        return None
    periods = {
        (row["quota_id"], row["period_start"])
        for row in rows
        if all(_is_one_of(row.get(label), values) for label, values in rule.where.items())
        and not any(_is_one_of(row.get(label), values) for label, values in rule.excepting.items())
    }
    return sorted(periods.intersection(watched))


def _is_one_of(text: str | None, values: Sequence[str]) -> bool:
    """As rules have it: * stands for any rest."""
    return text is not None and any(
        text.startswith(value[:-1]) if value.endswith("*") else text == value for value in values
    )


def _end(first: date, kind: str, zone: str, statistics_day: int) -> datetime:
    """The end of the period that begins on a local day."""
    return period_of(day_start(first, zone), kind, zone, statistics_day=statistics_day).end
