"""A time-of-use table gives each instant exactly one kind of hour, or is refused with the line at fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.time_of_use.files import example, read_tables
from alerts.time_of_use.model import QUARTERS, Kind, clock, days_of
from energy.periods import local_day
from energy.records import RecordError

HEADER = "region,voltage,valid_from,months,days,from,to,kind,factor,source"
ZONES = ("Asia/Shanghai", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu")
CLASSES = ("working", "rest", "holiday")
CHANGES = st.sampled_from([datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
INSTANTS = st.one_of(
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - zone beside it
    st.builds(lambda at, minutes: at + timedelta(minutes=minutes), CHANGES, st.integers(-1500, 1500)),
)

Span = tuple[int, int, Kind]


@st.composite
def days(draw: st.DrawFn) -> list[Span]:
    """Borders around the clock, each stretch with a kind; the last one goes over midnight."""
    borders = sorted(draw(st.sets(st.integers(0, QUARTERS - 1), min_size=2, max_size=8)))
    ends = [*borders[1:], borders[0]]
    return [(since, until, draw(st.sampled_from(Kind))) for since, until in zip(borders, ends, strict=True)]


def _file(tables: dict[tuple[str, str], list[Span]]) -> list[str]:
    """Lines: by months and class of days the stretches that cover them."""
    return [HEADER] + [
        f"61,,2020-01-01,{months},{of},{clock(since)},{clock(until)},{kind},,invented"
        for (months, of), spans in tables.items()
        for since, until, kind in spans
    ]


def _read(lines: list[str]) -> object:
    return read_tables("\n".join(lines).encode(), "table.csv")


TABLES = st.fixed_dictionaries({(months, of): days() for months in ("11-3", "4-6 7-10") for of in CLASSES})


@given(tables=TABLES, instant=INSTANTS, zone=st.sampled_from(ZONES))
def test_every_instant_has_exactly_one_kind(
    tables: dict[tuple[str, str], list[Span]], instant: datetime, zone: str
) -> None:
    """By the wall clock of the zone, across midnight and where the clock changes: the one stretch that holds it."""
    (table,) = read_tables("\n".join(_file(tables)).encode(), "table.csv")
    wall = instant.astimezone(ZoneInfo(zone))
    months = "11-3" if wall.month in {11, 12, 1, 2, 3} else "4-6 7-10"
    quarter = wall.hour * 4 + wall.minute // 15
    expected = [
        kind
        for since, until, kind in tables[months, str(days_of(local_day(instant, zone), zone))]
        if (since <= quarter < until if since < until else quarter >= since or quarter < until)
    ]
    assert [table.at(instant, zone).kind] == expected


@given(tables=TABLES, data=st.data())
def test_holes_and_overlaps_are_refused_with_their_line(
    tables: dict[tuple[str, str], list[Span]], data: st.DataObject
) -> None:
    """Without any one row something is not covered; with any one twice something is covered twice."""
    lines = _file(tables)
    at = data.draw(st.integers(1, len(lines) - 1))
    with pytest.raises(RecordError) as hole:
        _read(lines[:at] + lines[at + 1 :])
    assert {fault.message.split(" covers")[0] for fault in hole.value.faults} == {"no row"}
    with pytest.raises(RecordError) as overlap:
        _read([*lines, lines[at]])
    assert [(fault.line, f"line {at + 1} too" in fault.message) for fault in overlap.value.faults] == [
        (len(lines) + 1, True)
    ]


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("region", "6", "digits of districts"),
        ("months", "0-3", "months such as"),
        ("days", "sunday", "one of"),
        ("from", "8:10", "a quarter hour"),
        ("to", "24:15", "a quarter hour"),
        ("to", "00:00", "a whole day is 00:00 to 24:00"),
        ("kind", "high", "one of"),
        ("factor", "-1", "at least 0"),
        ("valid_from", "2026-02-30", "a day such as"),
        ("source", "", "must not be empty"),
    ],
)
def test_a_wrong_cell_is_named(column: str, cell: str, said: str) -> None:
    """File, line, column, and what was expected."""
    row = ["61", "", "2026-01-01", "1-12", "all", "00:00", "24:00", "flat", "1", "invented"]
    cells = dict(zip(HEADER.split(","), row, strict=True))
    assert _read([HEADER, ",".join(cells.values())])
    with pytest.raises(RecordError) as error:
        _read([HEADER, ",".join((cells | {column: cell}).values())])
    (fault,) = error.value.faults
    assert (fault.line, fault.path) == (2, column)
    assert said in fault.message


def test_what_is_shipped_says_that_it_is_an_example() -> None:
    """Provincial tables are not established: the one file that is shipped is of no province, and invented."""
    tables = read_tables(example(), "example.csv")
    assert {table.region for table in tables} == {"00"}
    assert all("EXAMPLE: invented" in table.source for table in tables)
