"""Real meter data through registers and back: what was measured comes out as the data file has it, the rest is flagged.

DuckDB computes the same independently: from the files what was used per hour and day, and from the registers' readings,
by a window function and the records of replacement and reset, what flowed between any two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from energy.carriers import carriers
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from ingest.accounting.deriving.rules import Rules
from ingest.accounting.rebuilding.run import Wanted, run
from ingest.accounting.validation.loading import load_checks
from tests.support.real_meters import QUANTUM, RealMeter, Spoiling, data_file, real_meter

ZONE = "Europe/London"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One data set and what befalls its register."""

    code: str
    file: str
    carrier: str
    step_s: int
    spoiling: Spoiling


CASES = (
    Case("CLEAN", "uk-electricity-hdd-only-hourly-sample-0", "electricity", 3600, Spoiling(40, 40_000, 39_000)),
    Case(
        "GAPS", "uk-electricity-hdd-only-hourly-sample-2", "electricity", 1800, Spoiling(1, None, 500, (5_000, 20_000))
    ),
    Case("GAS", "uk-gas-hdd-only-hourly-sample-0", "natural_gas", 3600, Spoiling(1, 10_000, 7, (), 9_001, 4_321)),
)


def _world() -> Registry:
    return Registry(
        units=(Unit("U", "虚构一厂", "Fictional Works", "610302", "32", ZONE),),
        gateways=(Gateway("gw-u", "610302", "U"),),
        meters=tuple(Meter(f"M-{case.code}", "U", case.carrier, 2, "any") for case in CASES),
        points=tuple(
            Point(
                case.code,
                f"M-{case.code}",
                "gw-u",
                carriers()[case.carrier].unit,
                quantum=QUANTUM,
                wrap=case.spoiling.wrap,
                interval_s=case.step_s,
            )
            for case in CASES
        ),
    )


async def _store(connection: Connection, code: str, meter: RealMeter) -> None:
    """Readings as they came, the repeated ones once, and the replacement on record."""
    point = await connection.fetchval("select point_id from point where code = $1", code)
    rows = [(EPOCH + timedelta(milliseconds=at), point, value, 0, 1) for at, value in dict.fromkeys(meter.readings)]
    await connection.copy_records_to_table(
        "readings", records=rows, columns=["ts", "point_id", "value", "quality", "batch"]
    )
    for at, old_end, new_start in meter.changes:
        moment = EPOCH + timedelta(milliseconds=at)
        await connection.execute(
            "insert into edit (point_id, kind, since, until, old_end, new_start, author, reason, recorded_at)"
            " values ($1, 'replacement', $2, $2, $3, $4, 'tester', 'meter replaced', $2)",
            point,
            moment,
            old_end,
            new_start,
        )


async def _derived(connection: Connection, database: StorageSettings, slots: int | None) -> dict[str, RealMeter]:
    """The three meters, stored and derived; of each the first `slots` lines of its file, or all."""
    await apply(connection, _world())
    meters = {case.code: real_meter(case.file, case.step_s, case.spoiling, slots) for case in CASES}
    for code, meter in meters.items():
        await _store(connection, code, meter)
    await run(database, Wanted(), Rules(gap_intervals=2.0), load_checks(None))
    return meters


class Duck:
    """The independent calculation."""

    def __init__(self, case: Case, meter: RealMeter, directory: Path, slots: int | None) -> None:
        path = directory / f"{case.code}.csv.gz"
        path.write_bytes(data_file(case.file))
        self.sql = duckdb.connect()
        self.sql.execute("set timezone = 'UTC'")
        self.sql.execute(
            "create table file as select distinct start::timestamptz as start,"
            " round(value::decimal(18, 7) * $ratio * 10000000)::int8 as quanta"
            " from (select * from read_csv($path) limit $slots)",
            {"ratio": case.spoiling.ratio, "path": str(path), "slots": slots or 2**31},
        )
        shown = directory / f"{case.code}.readings.csv"
        shown.write_text("".join(f"{at},{value!r}\n" for at, value in dict.fromkeys(meter.readings)))
        self.sql.execute(
            "create table reading as select epoch_ms(column0)::timestamp::timestamptz as taken,"
            " column1::double as value from read_csv($path, header = false)",
            {"path": str(shown)},
        )
        self.sql.execute("create table change (taken timestamptz, old_end double)")
        for at, old_end, _ in meter.changes:
            self.sql.execute("insert into change values (?, ?)", [EPOCH + timedelta(milliseconds=at), old_end])
        wrap = case.spoiling.wrap or "null"
        self.sql.execute(f"""
            create table pair as
            select began, taken as ended,
                case when c.old_end is not null then round((c.old_end - before) * 1e7)
                     when value >= before then round((value - before) * 1e7)
                     when {wrap} is not null then round((value - before + {wrap}) * 1e7)
                     else round(value * 1e7) end::int8 as quanta
            from (select taken, value, lag(value) over w as before, lag(taken) over w as began
                  from reading window w as (order by taken)) r
            left join change c using (taken)
            where before is not null
        """)  # noqa: S608 - likewise

    def rows(self, query: str) -> dict[datetime | date, int]:
        """What `query` finds, as start to quanta."""
        return {start: int(quanta) for start, quanta in self.sql.execute(query).fetchall()}

    def file_hours(self, step_s: int) -> dict[datetime | date, int]:
        """Hours that the file has whole."""
        return self.rows(f"""
            select date_trunc('hour', start) as hour, sum(quanta) from file group by hour
            having count(*) = {3600 // step_s}
        """)  # noqa: S608 - the test's own figures

    def file_days(self, step_s: int) -> dict[datetime | date, int]:
        """Days of the zone that the file has whole; 23 and 25 hours long where the clock changes."""
        return self.rows(f"""
            select day, sum(quanta) from (
                select timezone('{ZONE}', start)::date as day, quanta from file
            ) group by day
            having count(*) * {step_s}
                = epoch(timezone('{ZONE}', (day + 1)::timestamp) - timezone('{ZONE}', day::timestamp))
        """)  # noqa: S608 - likewise

    def metered_hours(self) -> dict[datetime | date, int]:
        """Hours at both of whose borders the register was read, by the register alone."""
        return self.rows("""
            select date_trunc('hour', began) as hour, sum(quanta) from pair
            where ended <= date_trunc('hour', began) + interval 1 hour
            group by hour having sum(epoch(ended - began)) = 3600
        """)


def _whole(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount / QUANTUM)


async def _hours(connection: Connection, code: str) -> dict[datetime | date, tuple[int | None, str, int]]:
    rows = await connection.fetch(
        "select ts, amount, quality, covered_s from board.consumption_hour where point = $1", code
    )
    return {row["ts"]: (_whole(row["amount"]), row["quality"], row["covered_s"]) for row in rows}


async def _days(connection: Connection, code: str) -> dict[datetime | date, tuple[int | None, str]]:
    rows = await connection.fetch("select day, amount, quality from board.consumption_day where point = $1", code)
    return {row["day"]: (_whole(row["amount"]), row["quality"]) for row in rows}


def _restarted(case: Case, meter: RealMeter) -> set[datetime]:
    """Hours in which the register started anew: counted from zero, and said to be estimated."""
    return {
        (EPOCH + timedelta(milliseconds=at - case.step_s * 1000)).replace(minute=0, second=0)
        for at in meter.started_anew
    }


async def _measured(derived: dict[str, RealMeter], connection: Connection, tmp_path: Path, slots: int | None) -> None:
    """By hour and by day, to the last quantum, through wraps, resets, a replacement, gaps and repeated readings."""
    for case in CASES:
        meter = derived[case.code]
        duck = Duck(case, meter, tmp_path, slots)
        hours, days = await _hours(connection, case.code), await _days(connection, case.code)
        restarted = _restarted(case, meter)
        truth = duck.file_hours(case.step_s)
        assert len(truth) > (3_000 if slots else 10_000)
        assert {hour: hours[hour][0] for hour in truth} == truth
        assert {hour for hour in truth if hours[hour][1] != "measured"} == restarted
        metered = duck.metered_hours()
        assert {hour: hours[hour][0] for hour in metered} == metered
        assert {hour for hour, (_, quality, covered) in hours.items() if quality == "measured" and covered == 3600} == (
            metered.keys() - restarted
        )
        whole_days = duck.file_days(case.step_s)
        assert len(whole_days) > (100 if slots else 600)
        assert {day: days[day][0] for day in whole_days} == whole_days
        assert {day for day in whole_days if days[day][1] != "measured"} == {
            day for day in whole_days for hour in restarted if _local(hour) == day
        }


async def _conserved(derived: dict[str, RealMeter], connection: Connection) -> None:
    """The intervals add up to all that the registers counted, the load inside gaps among it."""
    for code, meter in derived.items():
        query = (
            "select sum(quanta)::int8 as quanta, bool_or(quanta is null) as unknown"
            " from consumption_15min join point using (point_id) where code = $1"
        )
        (row,) = await connection.fetch(query, code)
        assert (row["quanta"], row["unknown"]) == (meter.flowed, False)


async def _flagged(derived: dict[str, RealMeter], connection: Connection, slots: int | None) -> None:
    """No quarter hour inside a gap claims to be measured, and every long gap is on the list."""
    meter = derived["GAPS"]
    stamps = sorted(meter.truth)
    gaps = _gaps(stamps, meter.step_s * 1000)
    assert len(gaps) > (2 if slots else 10)
    query = (
        "select count(*) as rows, count(*) filter (where quality = 1) as estimated from consumption_15min"
        " join point using (point_id) where code = 'GAPS' and ts >= $1 and ts < $2"
    )
    for began, ended in gaps:
        (row,) = await connection.fetch(query, began, ended)
        assert row["rows"] == row["estimated"] == (ended - began) / timedelta(minutes=15)
    listed = await connection.fetch("select began, ended from gap join point using (point_id) where code = 'GAPS'")
    long = {(began, ended) for began, ended in gaps if ended - began > timedelta(hours=2)}
    assert {(row["began"], row["ended"]) for row in listed} == long


def _gaps(stamps: Sequence[int], step_ms: int) -> list[tuple[datetime, datetime]]:
    """Missing slots, as far as readings stand further apart for it than twice their interval."""
    return [
        (EPOCH + timedelta(milliseconds=at + step_ms), EPOCH + timedelta(milliseconds=after))
        for at, after in pairwise(stamps)
        if after - at - step_ms > 2 * step_ms
    ]


def _local(hour: datetime) -> date:

    return hour.astimezone(ZoneInfo(ZONE)).date()


@pytest.mark.no_cover  # a year of readings runs the same lines over and over
@pytest.mark.parametrize("slots", [10_000, pytest.param(None, marks=pytest.mark.long)])
async def test_real_meters_come_out_as_they_were_measured(
    connection: Connection, database: StorageSettings, tmp_path: Path, slots: int | None
) -> None:
    """What was measured is as the files have it, nothing that flowed is lost, and what is estimated says so."""
    derived = await _derived(connection, database, slots)
    await _measured(derived, connection, tmp_path, slots)
    await _conserved(derived, connection)
    await _flagged(derived, connection, slots)
