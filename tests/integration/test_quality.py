"""The data-quality evaluation on a real database: a sound month passes, each injected fault fails its criterion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from energy.errors import RejectedError
from energy.registry import Registry
from energy.storage import Connection
from ingest.accounting.edits import store as edits
from ingest.accounting.edits.model import Given, Kind
from ingest.accounting.entries import store as entries
from ingest.accounting.entries.model import Given as GivenEntry
from ingest.accounting.entries.model import Source
from ingest.accounting.quality.evaluation import Criterion, Evaluation, Judged, Verdict, evaluate
from ingest.accounting.quality.facts import read_month, units
from ingest.accounting.quality.rules import QualityRules
from tests.support.deriving import derive_all
from tests.support.register_world import Shown, instant, populate, registry, shown, store

MARCH = date(2026, 3, 1)
DAY = 1440
"""Minutes."""
MONTH = 31 * DAY
AFTER = instant(MONTH + 3 * DAY)
SOUND = {Criterion.COMPLETENESS, Criterion.DAY_BORDER, Criterion.MONTH_BORDER, Criterion.REPAIR, Criterion.TRUST}

Kept = Callable[[int], bool]
"""Whether the reading of a minute is there."""


def world(*, zone: str = "Asia/Shanghai", statistics_day: int = 1) -> Registry:
    """Two gate meters, E and G, and a meter below, X; all read once an hour."""
    made = registry([("E", "electricity", 1), ("G", "natural_gas", 1), ("X", "electricity", 2)], zone=zone)
    return msgspec.structs.replace(
        made,
        units=tuple(msgspec.structs.replace(unit, statistics_day=statistics_day) for unit in made.units),
        points=tuple(msgspec.structs.replace(point, interval_s=3600) for point in made.points),
    )


def hourly(
    point: str, kept: Kept = lambda _: True, *, late: Iterable[int] = (), first: int = 0, last: int = MONTH
) -> list[Shown]:
    """A register that counts 10 an hour; the readings of `late` minutes come five minutes later."""
    moved = set(late)
    return [
        shown(point, minute + (5 if minute in moved else 0), 1000 + minute / 6)
        for minute in range(first, last + 1, 60)
        if kept(minute)
    ]


async def live(connection: Connection, *readings: list[Shown], statistics_day: int = 1) -> None:
    """The registry, these readings, and everything that is derived of them."""
    await populate(connection, world(statistics_day=statistics_day))
    for some in readings:
        await store(connection, some)
    await derive_all(connection)


async def judged(
    connection: Connection, now: datetime = AFTER, *, month: date = MARCH, statistics: bool = False
) -> Evaluation:
    """What is said of unit U."""
    (unit,) = await units(connection, ["U"])
    rules = QualityRules()
    return evaluate(await read_month(connection, unit, month, now, rules, statistics=statistics), rules)


def of(found: Evaluation, criterion: Criterion) -> Judged:
    """One criterion of it."""
    return next(one for one in found.judged if one.criterion is criterion)


def verdicts(found: Evaluation) -> dict[Criterion, Verdict]:
    """All of it."""
    return {one.criterion: one.verdict for one in found.judged}


async def state(connection: Connection, amount: str, first: str = "2026-03-01", last: str = "2026-03-31") -> None:
    """A bill of electricity."""
    said = {"unit": "U", "kind": "statement", "subject": "electricity", "amount": amount, "unit_of_measure": "kWh"}
    await entries.enter(
        connection, [GivenEntry(said | {"first_day": first, "last_day": last}, "Li")], Source.HAND, AFTER
    )


async def test_a_sound_month_passes_and_says_what_it_rests_on(undone: Connection) -> None:
    """Every hour is there, the bill agrees."""
    await live(undone, hourly("E"), hourly("G"), hourly("X"))
    await state(undone, "7440")
    found = await judged(undone)
    assert (found.unit, found.month, found.verdict) == ("U", "2026-03", Verdict.PASSED)
    figures = {one.criterion: one.value for one in found.judged}
    assert figures == dict.fromkeys((Criterion.COMPLETENESS, Criterion.DAY_BORDER, Criterion.TRUST), 1.0) | {
        Criterion.AGREEMENT: 0.0,
        Criterion.MONTH_BORDER: 0.0,
        Criterion.REPAIR: 0.0,
    }


async def test_without_a_bill_the_month_is_not_passed(undone: Connection) -> None:
    """Nothing else is wrong, but that nothing agrees with it."""
    await live(undone, hourly("E"), hourly("G"), hourly("X"))
    found = await judged(undone)
    assert verdicts(found) == dict.fromkeys(SOUND, Verdict.PASSED) | {Criterion.AGREEMENT: Verdict.NOT_JUDGED}
    assert found.verdict is Verdict.NOT_JUDGED


async def test_late_midnight_readings_fail_of_gate_meters_alone(undone: Connection) -> None:
    """Seven midnights of E of 62 of both gate meters are missed by five minutes: 88.7 %. Of X it does no harm."""
    await live(
        undone, hourly("E", late=[n * DAY for n in range(1, 8)]), hourly("G"), hourly("X", late=range(0, MONTH, DAY))
    )
    found = await judged(undone)
    assert {one for one, verdict in verdicts(found).items() if verdict is Verdict.FAILED} == {Criterion.DAY_BORDER}
    borders = of(found, Criterion.DAY_BORDER)
    assert (borders.value, borders.culprits) == (55 / 62, ("E 77.4%",))


async def test_a_midnight_met_within_a_minute_is_met(undone: Connection) -> None:
    """59 s and exactly 60 s count, 61 s do not; a reading without a value meets nothing."""
    readings = [
        one for one in hourly("E") if (one.at - hourly("E")[0].at) % (DAY * 60_000) or one.at == hourly("E")[0].at
    ]
    borders = [shown("E", n * DAY + 1, 1000 + n * DAY / 6) for n in range(1, 30)]  # exactly a minute
    borders += [shown("E", 30 * DAY + 61 / 60, 8200.0), shown("E", 31 * DAY, float("nan"))]
    await live(undone, [*readings, *borders], hourly("G"), hourly("X"))
    assert of(await judged(undone), Criterion.DAY_BORDER).culprits == ()
    assert of(await judged(undone), Criterion.DAY_BORDER).value == 60 / 62


@pytest.mark.parametrize(
    ("began", "ended", "days"),
    [
        (9 * DAY + 600, 16 * DAY + 600, 4),  # Tuesday the 10th to Tuesday the 17th: Wed, Thu, Fri, Mon
        (9 * DAY + 600, 14 * DAY + 600, 3),  # to Sunday the 15th: Wed, Thu, Fri
    ],
)
async def test_a_silence_may_last_three_working_days(undone: Connection, began: int, ended: int, days: int) -> None:
    """Only whole working days count; of X too, since every meter is to be repaired."""
    await live(undone, hourly("E"), hourly("G"), hourly("X", lambda minute: not began < minute < ended))
    repair = of(await judged(undone), Criterion.REPAIR)
    assert (repair.value, bool(repair.culprits)) == (days, days > 3)


async def test_a_silence_across_the_month_s_border_counts_whole(undone: Connection) -> None:
    """Four working days, two of them in either month: no month may have it for short.

    From Thursday, 29 January 23:00 to Wednesday, 4 February 01:00: Fri, Mon, Tue lie within whole, and so does Wed in
    the longer one that ends on Thursday.
    """
    start = -30 * DAY  # 30 January, a Friday, 00:00

    def silent(minute: int) -> bool:
        return not start - 60 < minute < start + 6 * DAY + 60  # until Thursday, 5 February, 01:00

    await live(
        undone,
        hourly("E", silent, first=start - 20 * DAY, last=0),
        hourly("G", first=start - 20 * DAY, last=0),
        hourly("X", first=start - 20 * DAY, last=0),
    )
    for month in (date(2026, 1, 1), date(2026, 2, 1)):
        repair = of(await judged(undone, month=month), Criterion.REPAIR)
        expected = 4 if month.month == 2 else 1
        assert repair.value == expected, month


async def test_a_meter_that_fell_silent_is_silent_until_it_speaks_again(undone: Connection) -> None:
    """G's last reading is of the 20th: it fails completeness of itself, repair, the end of the month and midnights."""
    await live(undone, hourly("E"), hourly("G", last=20 * DAY), hourly("X"))
    found = await judged(undone)
    assert of(found, Criterion.REPAIR).culprits == ("G silent for 7 working days",)
    assert of(found, Criterion.COMPLETENESS).culprits == ("G 64.5%",)
    assert of(found, Criterion.MONTH_BORDER).culprits == ("G 264.0 h",)
    assert of(found, Criterion.DAY_BORDER).verdict is Verdict.FAILED


async def test_a_gate_meter_that_never_spoke_is_not_left_out(undone: Connection) -> None:
    """The others are sound: without it the month's border, and all else, would pass."""
    await live(undone, hourly("E"), hourly("X"))
    found = await judged(undone)
    failed = {one for one, verdict in verdicts(found).items() if verdict is Verdict.FAILED}
    assert failed == SOUND - {Criterion.REPAIR}  # what never spoke did not fall silent
    assert of(found, Criterion.MONTH_BORDER).culprits == ("G 1488.0 h",)


async def replaced(connection: Connection, recorded: datetime) -> None:
    """A replacement of E's meter on the 10th, at ten."""
    said = {"since": "2026-03-10T10:00:00+08:00", "until": "2026-03-10T10:00:00+08:00"}
    said |= {"old_end": "3266.667", "new_start": "0"}
    await edits.add(connection, [Given(Kind.REPLACEMENT, "E", said, "Li", "worn out")], recorded)


@pytest.mark.parametrize(("recorded", "days"), [(13 * DAY, 3), (16 * DAY, 4), (19 * DAY, 7)])
async def test_a_replacement_is_on_record_within_three_working_days(
    undone: Connection, recorded: int, days: int
) -> None:
    """Wednesday to Friday are three, Monday is the fourth; the record's own time counts."""
    await live(undone, hourly("E"), hourly("G"), hourly("X"))
    await replaced(undone, instant(recorded + 1))
    repair = of(await judged(undone), Criterion.REPAIR)
    assert repair.value == days
    assert repair.culprits == ((f"E replaced, recorded {days} working days later",) if days > 3 else ())


@pytest.mark.parametrize(
    ("stated", "verdict"),
    [("7915", Verdict.FAILED), ("7832", Verdict.FAILED), ("7831", Verdict.PASSED), ("7085", Verdict.FAILED)],
)
async def test_a_statement_off_by_more_than_a_twentieth_fails(
    undone: Connection, stated: str, verdict: Verdict
) -> None:
    """7440 kWh were counted: 6 % of the bill are too much from either side, 5 % are not."""
    await live(undone, hourly("E"), hourly("G"), hourly("X"))
    await state(undone, stated)
    found = of(await judged(undone), Criterion.AGREEMENT)
    assert found.verdict is verdict
    assert [one.name for one in found.named] == (["electricity"] if verdict is Verdict.FAILED else [])


async def test_a_statement_of_other_days_says_nothing_of_the_month(undone: Connection) -> None:
    """A bill of a statistics month is no bill of the calendar's; and of its own month it is."""
    first = -2 * DAY
    every = [hourly(point, first=first) for point in ("E", "G", "X")]
    await live(undone, *every, statistics_day=26)
    await state(undone, "6720", "2026-02-26", "2026-03-25")
    assert of(await judged(undone), Criterion.AGREEMENT).verdict is Verdict.NOT_JUDGED
    own = await judged(undone, statistics=True)
    assert (own.month, of(own, Criterion.AGREEMENT).value) == ("2026-03", 240 / 6720)
    assert of(own, Criterion.COMPLETENESS).value == pytest.approx(1 - 1 / 28)  # there is nothing of its first day


async def test_what_a_check_failed_on_is_complete_and_not_trusted(undone: Connection) -> None:
    """Seven days of E fail a check: 88.7 % of the time of both gate meters is trusted, until somebody accepts it."""
    await live(undone, hourly("E"), hourly("G"), hourly("X"))
    await undone.execute(
        "insert into finding (point_id, day, check_id, since, until, severity, detail)"
        " select point_id, '2026-03-02', 'range', $1, $2, 'failure', '{}' from point where code = 'E'",
        instant(DAY),
        instant(8 * DAY),
    )
    found = await judged(undone)
    assert of(found, Criterion.TRUST).value == 55 / 62
    assert of(found, Criterion.TRUST).culprits == ("E 77.4%",)
    assert of(found, Criterion.COMPLETENESS).value == 1.0
    said = {"since": "2026-03-02T00:00:00+08:00", "until": "2026-03-09T00:00:00+08:00"}
    await edits.add(undone, [Given(Kind.ACCEPT, "E", said, "Li", "load test")], AFTER)
    await derive_all(undone)
    assert of(await judged(undone), Criterion.TRUST).value == 1.0


async def test_an_open_month_is_judged_up_to_now(undone: Connection) -> None:
    """Midnights and time to come are not held against anybody, nor is the border at the end."""
    await live(undone, *(hourly(point, last=10 * DAY) for point in ("E", "G", "X")))
    found = await judged(undone, instant(10 * DAY + 2))
    assert (of(found, Criterion.COMPLETENESS).value or 0) > 0.999
    assert of(found, Criterion.DAY_BORDER).value == 1.0
    assert of(found, Criterion.MONTH_BORDER).value == 0.0
    assert of(found, Criterion.REPAIR).value == 0.0


async def test_days_are_those_of_the_unit_s_zone(undone: Connection) -> None:
    """In Urumqi's own time the month begins two hours later: readings every second hour meet its midnights too."""
    await populate(undone, world(zone="Asia/Urumqi"))
    for point in ("E", "G", "X"):
        await store(undone, hourly(point, lambda minute: minute % 120 == 0, last=MONTH + DAY))
    await derive_all(undone)
    found = await judged(undone, datetime(2026, 4, 5, tzinfo=UTC) + timedelta())
    assert of(found, Criterion.DAY_BORDER).value == 1.0
    assert of(found, Criterion.MONTH_BORDER).value == 0.0


async def test_a_month_to_come_is_refused(undone: Connection) -> None:
    """Nothing has failed in it, nor has it passed."""
    await live(undone, hourly("E"))
    with pytest.raises(RejectedError, match="2026-05 has not begun: its first day is 2026-05-01"):
        await judged(undone, month=date(2026, 5, 1))


async def test_a_meter_is_not_silent_before_its_first_reading(undone: Connection) -> None:
    """In February no meter had spoken; in the months after E's last reading it is silent, however long ago that was."""
    await live(undone, hourly("E", last=DAY))
    february = of(await judged(undone, instant(-5 * DAY), month=date(2026, 2, 1)), Criterion.REPAIR)
    assert (february.verdict, february.culprits) == (Verdict.NOT_JUDGED, ())
    june = await judged(undone, instant(122 * DAY), month=date(2026, 6, 1))
    assert [one.name for one in of(june, Criterion.REPAIR).named] == ["E"]
