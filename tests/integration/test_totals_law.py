"""The law of totals: the same quarter hours and entries give the same rows, in whatever order and pieces they came."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.balance import Flow
from energy.factors import shipped_factors
from energy.storage import Connection, StorageSettings, connect
from ingest.accounting.factors.measured import read_measured
from ingest.accounting.factors.measured_store import record
from ingest.accounting.totals.refresh import refresh, refresh_days
from tests.support.totals_world import (
    AT,
    FIRST,
    QUARTER,
    START,
    Counted,
    Entry,
    Used,
    enter,
    forget,
    populate,
    registry,
    totals,
    undo,
    use,
)

WORLD = {
    "COAL": Counted("raw_coal"),
    "RESOLD": Counted("raw_coal", Flow.SOLD),
    "GRID": Counted("electricity"),
    "SUN": Counted("electricity", Flow.RENEWABLE),
    "OWN": Counted("electricity", Flow.PRODUCED),
    "USED": Counted("electricity", Flow.FEEDSTOCK, 2),
    "SUB": Counted("electricity", Flow.INTERNAL, 2),
}
DAY = 96
MEASURED = FIRST + timedelta(2)
"""From this day on the works' coal is measured: 20 000 kJ/kg, of which 0.026 t of carbon per GJ, 95 % of it burnt."""
FACTORS = {
    "raw_coal": (("714.3", "2071.5"), ("682.416847507", "1811.333333333")),
    "electricity": (("0.1229", "0.5543"),) * 2,
}
"""kgce and kgCO2 per unit, before that day and from it on."""
COAL = f"""unit,carrier,valid_from,ncv,ncv_unit,carbon_tc_per_gj,oxidation,source
U,raw_coal,{MEASURED},20000,kJ/kg,0.026,0.95,laboratory
"""
SIGN = {Flow.PURCHASED: 1, Flow.RENEWABLE: 1, Flow.SOLD: -1}
_QUANTA = st.none() | st.integers(-3, 40_000)
_DAYS = st.integers(-1, 5).map(lambda n: FIRST + timedelta(n))


@dataclass(frozen=True, slots=True)
class Enter:
    """An entry is put into force, and undone when `lasts` is false and so many steps have passed."""

    entry: Entry
    lasts: bool = True


@dataclass(frozen=True, slots=True)
class Forget:
    """What was written of a point beyond its last quarter hour is set aside again."""

    point: str
    first: int
    count: int


class Day(NamedTuple):
    """What a day says."""

    amount: Fraction
    kgce: Fraction
    kgco2: Fraction
    feedstock_kgce: Fraction
    quality: int


@dataclass
class Book:
    """What counts on one day of one carrier."""

    flow: Fraction = Fraction(0)
    feedstock: Fraction = Fraction(0)
    renewable: Fraction = Fraction(0)
    gate: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    counted: bool = False
    entered: set[str] = field(default_factory=set)
    taken: tuple[Fraction, int] | None = None
    after: bool = False

    def meter(self, flow: Flow, quanta: int | None, quality: int) -> None:
        """A quarter hour of a meter."""
        (self.own if flow is Flow.PRODUCED else self.gate).append(4 if quanta is None else quality)
        self.counted = self.counted or quanta is not None
        amount = Fraction(quanta or 0, 1000)
        self.flow += amount * SIGN.get(flow, 0)
        self.feedstock += amount * (flow is Flow.FEEDSTOCK)
        self.renewable += amount * (flow is Flow.RENEWABLE)

    def enter(self, kind: str, part: Fraction) -> None:
        """What an entry puts on the day."""
        self.entered.add(kind)
        self.flow += part * {"purchase": 1, "sale": -1, "feedstock": 0}[kind]
        self.feedstock += part * (kind == "feedstock")

    @property
    def stands(self) -> bool:
        """Whether anything is known of the day."""
        return self.counted or bool(self.entered) or self.taken is not None

    @property
    def metered(self) -> int:
        """The worst of the gate's quarter hours; of the unit's own where it has no others."""
        return max(self.gate or (self.own if self.counted else []), default=0)

    def day(self, carrier: str, day: date) -> Day:
        """The day's figures."""
        filled_in = 2 if self.after or "purchase" in self.entered else min(1, len(self.entered))
        amount, quality = self.taken or (self.flow, max(self.metered, filled_in))
        kgce, kgco2 = (Fraction(text) for text in FACTORS[carrier][day >= MEASURED])
        fossil = amount - self.renewable - self.feedstock
        return Day(amount, amount * kgce, fossil * kgco2, self.feedstock * kgce, quality)


Step: TypeAlias = Used | Enter | Forget


@st.composite
def courses(draw: st.DrawFn) -> list[Used]:
    """Of each point one course, in pieces; the first piece that is written may run on too far."""
    pieces: list[Used] = []
    for point in WORLD:
        quanta = draw(st.lists(_QUANTA, min_size=2, max_size=10))
        first, every = draw(st.integers(0, 3 * DAY)), draw(st.sampled_from((1, 7, 20)))
        course = tuple(one for one in quanta for _ in range(every))
        cuts = sorted(draw(st.sets(st.integers(1, max(1, len(course) - 1)), max_size=3)))
        for since, until in zip([0, *cuts], [*cuts, len(course)], strict=True):
            if since < until:
                pieces.append(Used(point, first + since, course[since:until], draw(st.integers(0, 3))))
    return pieces


@st.composite
def entries(draw: st.DrawFn, fewest: int) -> list[Entry]:
    """Entries of coal and electricity, each key once."""
    found: dict[tuple[object, ...], Entry] = {}
    for _ in range(draw(st.integers(fewest, 7))):
        kind = draw(st.sampled_from(("purchase", "sale", "feedstock", "stock", "stock")))
        subject = draw(st.sampled_from(("raw_coal", "electricity")))
        first = draw(_DAYS)
        last = first if kind == "stock" else first + timedelta(draw(st.integers(0, 6)))
        amount = Decimal(draw(st.integers(0, 10**6))).scaleb(-draw(st.integers(0, 4)))
        one = Entry(kind, subject, first, last, amount)
        found[kind, subject, first, last] = one
    return list(found.values())


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Step], list[Used], list[Entry]]:
    """Steps in any order, and what they leave standing."""
    pieces, standing = draw(courses()), draw(entries(4))
    passing = [one for one in draw(entries(0)) if _key(one) not in {_key(other) for other in standing}]
    steps: list[Step] = [*pieces, *map(Enter, standing), *(Enter(one, lasts=False) for one in passing)]
    order: list[Step] = draw(st.permutations(steps))
    longer = draw(st.booleans())
    if pieces and longer:
        last = max((one for one in pieces if one.point == pieces[0].point), key=lambda one: one.first)
        beyond = last.first + len(last.quanta)
        count = draw(st.integers(1, 2 * DAY))
        order = [Used(last.point, beyond, (7,) * count), *order]
        order.insert(draw(st.integers(1, len(order))), Forget(last.point, beyond, count))
        return order, pieces, standing
    return order, pieces, standing


@pytest.fixture(scope="module")
def world(shared_dsn: str) -> Iterator[tuple[asyncio.Runner, Connection]]:
    """A loop and a connection on which the registry stands, uncommitted: a database for each example costs a second."""
    with asyncio.Runner() as runner:
        connecting = connect(StorageSettings(shared_dsn))
        connection = runner.run(connecting.__aenter__())
        transaction = connection.transaction()
        runner.run(transaction.start())
        runner.run(populate(connection, registry(WORLD, statistics_day=4)))
        records = read_measured(COAL.encode(), "coal.csv", shipped_factors().carriers)
        runner.run(record(connection, records, author="tester", reason="a test", now=AT, place="coal.csv"))
        yield runner, connection
        runner.run(transaction.rollback())
        runner.run(connecting.__aexit__(None, None, None))


@settings(max_examples=settings().max_examples // 8)
@given(history=histories())
def test_totals_are_a_function_of_what_stands(
    world: tuple[asyncio.Runner, Connection], history: tuple[list[Step], list[Used], list[Entry]]
) -> None:
    """After any history they are what one computation of everything gives, and what arithmetic by other code gives."""
    runner, connection = world
    runner.run(_check(connection, *history))


async def _check(connection: Connection, steps: list[Step], pieces: list[Used], standing: list[Entry]) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await _live(connection, steps)
        lived = await totals(connection)
        for table in ("unit_hour", "unit_day", "unit_month"):
            await connection.execute(f"delete from {table}")  # noqa: S608 - names of ours
        await _again(connection)
        assert lived == await totals(connection)
        rows = await connection.fetch("select * from unit_day")
        found = {(row["carrier"], row["day"]): _figures(dict(row)) for row in rows}
        assert found == _balances(pieces, standing)
    finally:
        await transaction.rollback()


async def _live(connection: Connection, steps: Iterable[Step]) -> None:
    waiting: list[Entry] = []
    for step in steps:
        if isinstance(step, Used):
            await use(connection, step)
        elif isinstance(step, Forget):
            await forget(connection, step.point, step.first, step.count)
        else:
            await undo(connection, *waiting)
            waiting = [] if step.lasts else [step.entry]
            await enter(connection, step.entry)
    await undo(connection, *waiting)


async def _again(connection: Connection) -> None:
    """Everything of the unit, as a rebuild does it."""
    points = await connection.fetch("select point_id from point order by 1")
    count = len(points)
    await refresh(connection, [row[0] for row in points], [START] * count, [START + 8 * DAY * QUARTER] * count)
    unit = await connection.fetchval("select unit_id from unit")
    await refresh_days(connection, [unit], [date.min], [date.max])


def _figures(row: Mapping[str, Any]) -> Day:
    """What the database says of a day."""
    amount, kgce, kgco2, feedstock = (Fraction(row[name]) for name in ("amount", "kgce", "kgco2", "feedstock_kgce"))
    return Day(amount, kgce, kgco2, feedstock, row["quality"])


def _balances(pieces: list[Used], standing: list[Entry]) -> dict[tuple[str, date], Day]:
    """The days of each carrier by fractions, from the definition."""
    books: defaultdict[tuple[str, date], Book] = defaultdict(Book)
    for one in pieces:
        counted = WORLD[one.point]
        for n, quanta in enumerate(one.quanta):
            if counted.flow is not Flow.INTERNAL:
                book = books[counted.carrier, FIRST + timedelta((one.first + n) // DAY)]
                book.meter(counted.flow or Flow.PURCHASED, quanta, one.quality)
    for entry in standing:
        if entry.kind != "stock":
            parts = _spread(Fraction(entry.amount), entry.first, (entry.last - entry.first).days + 1)
            for day, part in parts.items():
                books[entry.subject, day].enter(entry.kind, part)
    for carrier in ("raw_coal", "electricity"):
        takings = sorted(
            (entry.first, entry.amount) for entry in standing if (entry.kind, entry.subject) == ("stock", carrier)
        )
        for taking, following in itertools.pairwise(takings):
            _take(books, carrier, taking, following)
        for (of, day), book in books.items():
            book.after = book.after or bool(of == carrier and takings and day > takings[-1][0])
    return {(carrier, day): book.day(carrier, day) for (carrier, day), book in books.items() if book.stands}


def _take(
    books: defaultdict[tuple[str, date], Book], carrier: str, taking: tuple[date, Decimal], then: tuple[date, Decimal]
) -> None:
    """Between two takings use runs evenly, and no day is better than the worst."""
    between = [books[carrier, taking[0] + timedelta(n + 1)] for n in range((then[0] - taking[0]).days)]
    used = sum((book.flow for book in between), Fraction(taking[1]) - Fraction(then[1]))
    worst = max([3 if used < 0 else 1, *(book.metered for book in between)])
    parts = _spread(used, taking[0], len(between))
    for book, part in zip(between, parts.values(), strict=True):
        book.taken = (part, worst)


def _spread(amount: Fraction, first: date, count: int) -> dict[date, Fraction]:
    """Even parts whose borders are rounded half away from zero to thousandths; the last one takes what is finer."""
    borders = [Fraction(0), *(_rounded(amount * n / count) for n in range(1, count)), amount]
    return {first + timedelta(n): borders[n + 1] - borders[n] for n in range(count)}


def _rounded(value: Fraction) -> Fraction:
    thousandths = (abs(value) * 1000 + Fraction(1, 2)).__floor__()
    return Fraction(thousandths, 1000) * (1 if value >= 0 else -1)


def _key(entry: Entry) -> tuple[str, str, date, date]:
    return entry.kind, entry.subject, entry.first, entry.last
