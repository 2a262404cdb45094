"""Courses of gaps from what the database holds: which rows count, whose they are, and what depends on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from energy.balance import Flow
from energy.consumption import IntervalQuality, Method
from energy.registry import Meter, Point, Registry
from energy.storage import Connection
from ingest.accounting.algebra.columns import INTERVAL_MS, Courses, Pairs, Series
from ingest.accounting.estimation.courses import courses, depends
from ingest.accounting.estimation.gaps import dependents
from ingest.accounting.estimation.rules import EstimationSettings
from tests.support.register_world import T0, instant, populate, registry

HOUR = 60
DAY = 24 * HOUR
MEASURED = (int(IntervalQuality.MEASURED), int(Method.REGISTER), 900)
RULES = EstimationSettings()


def _world() -> Registry:
    """Main meter M with points E (register) and X (export); its check meter C, with a finer quantum, both ways too."""
    plain = registry([("E", "electricity", 1)])
    return msgspec.structs.replace(
        plain,
        meters=(
            Meter("M", "U", "electricity", 1, "any", check_meter="C"),
            Meter("C", "U", "electricity", 2, "any"),
        ),
        points=(
            Point("E", "M", "gw-u", "kWh", class_="import"),
            Point("X", "M", "gw-u", "kWh", flow=Flow.SOLD, class_="export"),
            Point("CE", "C", "gw-u", "kWh", quantum=Decimal("0.0001"), class_="import"),
            Point("CX", "C", "gw-u", "kWh", quantum=Decimal("0.0001"), class_="export"),
            Point("CR", "C", "gw-u", "kW", quantity="rate", class_="import"),
        ),
    )


async def _measured(
    connection: Connection,
    point: int,
    amounts: Iterable[tuple[float, int | None]],
    how: tuple[int, int, int] = MEASURED,
) -> None:
    """Rows as deriving leaves them: (minute of the world, quanta)."""
    quality, method, covered = how
    await connection.executemany(
        "insert into consumption_15min (point_id, ts, quanta, quality, method, covered_s, ready)"
        " values ($1, $2, $3, $4, $5, $6, $2)"
        " on conflict (point_id, ts) do update set (quanta, quality, method, covered_s) = ($3, $4, $5, $6)",
        [(point, instant(minute), quanta, quality, method, covered) for minute, quanta in amounts],
    )


def _daily(days: Iterable[int], hours: Sequence[int] = range(24), scale: int = 1) -> list[tuple[float, int]]:
    """Days that all run alike: each quarter hour as many quanta as the hour's number."""
    return [(day * DAY + hour * HOUR + q * 15, scale * hour) for day in days for hour in hours for q in range(4)]


def _pairs(*spans: tuple[float, float, int | None]) -> Pairs:
    """Pairs of one series: begin and end in minutes, and what the register says; None where nothing does."""
    ints = np.zeros(len(spans), np.int64)
    return Pairs(
        series=ints,
        began=np.array([T0 + round(began * 60_000) for began, _, _ in spans]),
        ended=np.array([T0 + round(ended * 60_000) for _, ended, _ in spans]),
        delta=np.array([delta or 0 for _, _, delta in spans]),
        known=np.array([delta is not None for _, _, delta in spans]),
        quality=ints,
        method=ints,
        flags=ints,
        first=np.zeros(len(spans)),
        last=np.zeros(len(spans)),
    )


def _series(interval_ms: int = INTERVAL_MS) -> Series:
    one = np.zeros(1)
    return Series(
        kind=np.zeros(1, np.int64),
        quantum=one + 0.001,
        scale=one + 1,
        wrap=one * np.nan,
        max_rate=one * np.nan,
        resolution=one,
        float32=np.zeros(1, np.bool_),
        interval_ms=np.full(1, interval_ms),
        gap_ms=np.full(1, 2 * interval_ms),
        since=np.array([T0 - 90 * DAY * 60_000]),
        until=np.array([T0 + 90 * DAY * 60_000]),
    )


async def _found(connection: Connection, point: int, *spans: tuple[float, float, int | None]) -> Courses:
    return await courses(connection, [point], _pairs(*spans), _series())


def _weights(found: Courses, number: int = 0) -> list[float]:
    part = found.weight[found.offset[number] : found.offset[number + 1]]
    return [round(one, 9) for one in (part / part.max()).tolist()]


async def test_nothing_is_asked_of_the_database_when_nothing_is_long() -> None:
    """Live flow pays nothing: short pairs, and long ones that the point's interval explains, need no course."""
    for pairs, series in (
        (_pairs((0, 120, 5), (120, 135, 5)), _series()),
        (_pairs((0, DAY, 5)), _series(DAY * 60_000)),
        (_pairs((0, DAY, 0), (DAY, 2 * DAY, -3)), _series()),
        (_pairs((0, 400 * DAY, 7)), _series()),
        (_pairs((-92 * DAY, -91 * DAY, 7), (90 * DAY, 91 * DAY, None)), _series()),  # neighbours of the stretch
    ):
        found = await courses(_no_connection(), [1], pairs, series)
        assert (len(found.pair), found.offset.tolist(), len(found.weight)) == (0, [0], 0)


def _no_connection() -> Connection:
    """Any use of it fails."""
    return None  # type: ignore[return-value] # so that a query would raise


async def test_a_long_gap_runs_as_the_same_weekdays_before(undone: Connection) -> None:
    """Tuesday 10:00 to 14:00, four Tuesdays of March before; Saturdays ran otherwise and do not count."""
    points = await populate(undone, _world())
    await _measured(undone, points["E"], _daily([2, 9, 16]))
    await _measured(undone, points["E"], [(minute, 7) for minute, _ in _daily([6, 13, 20])])
    gap = 23 * DAY + 10 * HOUR
    found = await _found(undone, points["E"], (gap - 15, gap, 9), (gap, gap + 4 * HOUR, 460))
    assert found.pair.tolist() == [1]
    assert found.method.tolist() == [Method.LIKE_DAYS]
    assert _weights(found) == [round(hour / 13, 9) for hour in (10, 11, 12, 13) for _ in range(4)]


@pytest.mark.parametrize(
    "how",
    [
        (int(IntervalQuality.ESTIMATED), int(Method.REGISTER), 900),
        (int(IntervalQuality.SUBSTITUTED), int(Method.EDIT), 900),
        (int(IntervalQuality.SUSPECT), int(Method.REGISTER), 900),
        (int(IntervalQuality.MEASURED), int(Method.LIKE_DAYS), 900),
        (int(IntervalQuality.MEASURED), int(Method.EDIT), 900),
        (int(IntervalQuality.MEASURED), int(Method.REGISTER), 899),
    ],
)
async def test_only_what_was_measured_in_full_is_a_reference(undone: Connection, how: tuple[int, int, int]) -> None:
    """No estimate, edit or doubt, nor a quarter hour that readings cover in part: else it would feed itself."""
    points = await populate(undone, _world())
    await _measured(undone, points["E"], _daily([2, 9, 16]), how)
    gap = 23 * DAY + 10 * HOUR
    assert not len((await _found(undone, points["E"], (gap, gap + 4 * HOUR, 460))).pair)
    await _measured(undone, points["E"], _daily([2, 9, 16]))
    assert len((await _found(undone, points["E"], (gap, gap + 4 * HOUR, 460))).pair)


async def test_days_after_the_gap_and_long_before_it_are_no_reference(undone: Connection) -> None:
    """Nine weeks before, and the gap's own day, are outside the window."""
    points = await populate(undone, _world())
    await _measured(undone, points["E"], _daily([-40, -47, -54, 30, 37, 44]))
    await _measured(undone, points["E"], _daily([23], range(10)))
    gap = 23 * DAY + 10 * HOUR
    assert not len((await _found(undone, points["E"], (gap, gap + 4 * HOUR, 460))).pair)
    await _measured(undone, points["E"], _daily([-26, -33, 2]))  # the first day of the window is one of them
    assert len((await _found(undone, points["E"], (gap, gap + 4 * HOUR, 460))).pair)


async def test_an_amount_that_nothing_says_is_that_of_like_days(undone: Connection) -> None:
    """Ends within quarter hours count in part: 10:05 to 14:00 less two thirds of a quarter hour of 10, in quanta."""
    points = await populate(undone, _world())
    await _measured(undone, points["E"], _daily([2, 9, 16], scale=9))
    gap = 23 * DAY + 10 * HOUR
    found = await _found(undone, points["E"], (gap + 5, gap + 4 * HOUR, None))
    assert found.delta.tolist() == [9 * 4 * (10 + 11 + 12 + 13) - 30]
    assert len(found.weight) == 16
    short = await _found(undone, points["E"], (gap + 5, gap + 15, None))
    assert short.delta.tolist() == [60]


async def test_a_check_meter_comes_first_and_its_quanta_are_converted(undone: Connection) -> None:
    """The import of the main meter runs as the check meter's import, the export as its export."""
    points = await populate(undone, _world())
    await _measured(undone, points["E"], _daily([2, 9, 16]))
    gap = 23 * DAY + 10 * HOUR
    seen = [(gap + 15 * at, 1000 * (at + 1)) for at in range(16)]
    await _measured(undone, points["CE"], seen)
    await _measured(undone, points["CX"], [(minute, 20) for minute, _ in seen])
    imported = await _found(undone, points["E"], (gap, gap + 4 * HOUR, None))
    assert imported.method.tolist() == [Method.CHECK_METER]
    assert imported.delta.tolist() == [sum(range(1, 17)) * 100]
    assert imported.weight.tolist() == [1000 * (at + 1) for at in range(16)]
    exported = await _found(undone, points["X"], (gap, gap + 4 * HOUR, None))
    assert exported.delta.tolist() == [32]


async def test_a_check_meter_without_data_or_at_a_standstill_yields_to_like_days(undone: Connection) -> None:
    """Where the register counted and the check meter stood still, the check meter is the one that is wrong."""
    points = await populate(undone, _world())
    await _measured(undone, points["E"], _daily([2, 9, 16]))
    gap = 23 * DAY + 10 * HOUR
    for quanta, unknown in ((None, Method.LIKE_DAYS), (0, Method.CHECK_METER)):
        if quanta is not None:
            await _measured(undone, points["CE"], [(gap + 15 * at, quanta) for at in range(16)])
        found = await _found(undone, points["E"], (gap, gap + 4 * HOUR, 460))
        assert found.method.tolist() == [Method.LIKE_DAYS]
        found = await _found(undone, points["E"], (gap, gap + 4 * HOUR, None))
        assert found.method.tolist() == [unknown]


async def test_of_two_check_points_that_fit_alike_neither_is_taken(undone: Connection) -> None:
    """A guess which of them it is would be no measurement."""
    world = _world()
    twins = tuple(msgspec.structs.replace(point, class_="") for point in world.points)
    points = await populate(undone, msgspec.structs.replace(world, points=twins))
    gap = 23 * DAY + 10 * HOUR
    for code in ("CE", "CX"):
        await _measured(undone, points[code], [(gap + 15 * at, 5) for at in range(16)])
    assert not len((await _found(undone, points["E"], (gap, gap + 4 * HOUR, 460))).pair)


async def test_gaps_of_many_points_are_read_at_once_and_kept_apart(undone: Connection) -> None:
    """Two points, three gaps, one of them across two days: each with its own point's days."""
    points = await populate(undone, _world())
    await _measured(undone, points["E"], _daily([2, 9, 16, 3, 10, 17, 4, 11, 18]))
    await _measured(undone, points["X"], [(minute, 23 - hours) for minute, hours in _daily([2, 9, 16])])
    gap = 23 * DAY + 10 * HOUR
    pairs = _pairs((gap, gap + 3 * HOUR, 33), (gap + 3 * HOUR, gap + DAY, 90), (gap, gap + 3 * HOUR, 33))
    pairs = replace(pairs, series=np.array([0, 0, 1]))
    series = _series()
    doubled = Series(**{name: np.repeat(getattr(series, name), 2) for name in Series.__dataclass_fields__})
    found = await courses(undone, [points["E"], points["X"]], pairs, doubled)
    assert found.pair.tolist() == [0, 1, 2]
    assert _weights(found, 0)[::4] == [round(hour / 12, 9) for hour in (10, 11, 12)]
    assert _weights(found, 1)[::4] == [round(hour / 23, 9) for hour in [*range(13, 24), *range(10)]]
    assert _weights(found, 2)[::4] == [round(hour / 13, 9) for hour in (13, 12, 11)]


async def test_what_depends_is_found_and_nothing_else(undone: Connection) -> None:
    """Gaps of the point for eight weeks after, and overlapping ones of a point that it checks."""
    points = await populate(undone, _world())
    spans = [("E", 1, 2), ("E", 30, 31), ("E", 59, 60), ("E", 75, 76), ("CE", 30, 31), ("X", 30, 31)]
    await undone.executemany(
        "insert into gap (point_id, began, ended) values ($1, $2, $3)",
        [(points[code], instant(began * DAY), instant(ended * DAY)) for code, began, ended in spans],
    )

    async def after(code: str, since: float, until: float) -> list[tuple[str, int]]:
        begin, end = (T0 + round(at * DAY * 60_000) for at in (since, until))
        marks = await dependents(undone, [points[code]], [begin], [end])
        names = {point: name for name, point in points.items()}
        lengths = {end - begin for begin, end in zip(marks.since, marks.until, strict=True)}
        assert lengths <= {timedelta(days=1)}
        found = zip(marks.points, marks.since, strict=True)
        return [(names[point], (since - instant(0)).days) for point, since in found]

    assert await after("E", 2, 3) == [("E", 30), ("E", 59)]
    assert await after("E", 0, 0.5) == [("E", 1), ("E", 30)]
    assert await after("E", 80, 90) == []
    assert await after("CE", 30.5, 30.6) == [("E", 30), ("X", 30)]
    assert await after("CE", 31, 32) == []
    assert await after("CE", 29, 30) == [("CE", 30)]


def test_what_table_gap_lists_is_what_may_have_a_course() -> None:
    """Longer than two hours and than the point's own interval allows, or of unknown amount."""
    pairs = _pairs((0, 120, 5), (120, 241, 5), (300, 315, None), (400, 600, -4), (600, 900, 0))
    assert depends(pairs, _series()).tolist() == [False, True, True, True, True]
    assert depends(pairs, _series(DAY * 60_000)).tolist() == [False, False, True, False, False]
