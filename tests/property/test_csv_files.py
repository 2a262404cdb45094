"""What is written in any dialect is read as it was meant, and nothing that has two meanings is read at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import WireError
from energy.readings import Quality, Reading
from energy.wire import RefusalCode
from ingest.receiving.csv.decoder import CsvDecoder
from ingest.receiving.csv.fields import number, quality
from ingest.receiving.csv.layout import Dialect, layout_of
from ingest.receiving.csv.times import instant_ms
from tests.support.csv_files import records_of

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NAMES = {"point": "测点", "time": "时间", "value": "数值", "quality": "质量"}
WORDS = {
    Quality.MEASURED: ["0", "measured", "实测", "Measured"],
    Quality.UNCERTAIN: ["1", "uncertain", "存疑"],
    Quality.MANUAL: ["2", "manual", "人工", ""],
    Quality.NOT_AVAILABLE: ["3", "not available", "not_available", "无数据", ""],
}

codes = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
moments = st.integers(0, 4_000_000_000_000)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
values = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """A reading as somebody might back-fill it."""
    value = draw(st.none() | values)
    if value is None:
        return Reading(draw(codes), draw(moments), None, Quality.NOT_AVAILABLE)
    return Reading(draw(codes), draw(moments), value, draw(st.sampled_from(list(Quality)[:3])))


@st.composite
def written(draw: st.DrawFn) -> tuple[list[Reading], bytes, Dialect]:
    """Readings, a file that has them, and what its sender says of it."""
    lines = draw(st.lists(readings(), min_size=1, max_size=8))
    charset = draw(st.sampled_from(["utf-8", "gb18030"]))
    delimiter = draw(st.sampled_from([",", ";", "\t"]))
    decimal = "point" if delimiter == "," else draw(st.sampled_from(["point", "comma"]))
    chinese = draw(st.booleans())
    order = draw(st.permutations(["point", "time", "value", "quality", "remark"]))
    out = io.StringIO()
    quoted = draw(st.booleans())
    end = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(
        out, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator=end
    )
    writer.writerow([NAMES.get(name, "备注") if chinese else name for name in order])
    for one in lines:
        cells = {
            "point": one.point,
            "time": draw(st.sampled_from([_iso(one.at, draw(offsets)), str(one.at)])),
            "value": "" if one.value is None else repr(one.value).replace(".", "," if decimal == "comma" else "."),
            "quality": draw(st.sampled_from(WORDS[Quality(one.quality)])),
            "remark": draw(st.sampled_from(["", "抄表", 'said "so"', "a,b;c\td"])),
        }
        writer.writerow([cells[name] for name in order])
    text = out.getvalue()
    if draw(st.booleans()):
        text = text.removesuffix(end)
    mark = "\ufeff" if draw(st.booleans()) else ""
    return lines, (mark + text).encode(charset), Dialect(charset, None, decimal)


def _iso(at: int, zone: timezone) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(zone).isoformat()


@given(written())
def test_what_was_written_is_read(case: tuple[list[Reading], bytes, Dialect]) -> None:
    """In every delimiter, charset, order of columns, way of quoting, of writing times, values and qualities."""
    lines, content, dialect = case
    assert [record.reading for record in records_of(content, dialect=dialect)] == lines


@given(st.integers(1_000_000_000_000, 2_000_000_000_000), st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("Asia/Tehran")]))
def test_a_local_time_is_its_instant_or_is_refused(at: int, zone: ZoneInfo) -> None:
    """Refused exactly when a second instant shows the same wall-clock time."""
    wall = datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None, microsecond=0)
    shown = {
        instant
        for minutes in range(-180, 181, 30)
        if (instant := at // 1000 * 1000 + minutes * 60_000)
        and datetime.fromtimestamp(instant / 1000, zone).replace(tzinfo=None, microsecond=0) == wall
    }
    if len(shown) == 1:
        assert {instant_ms(wall.isoformat(sep=" "), zone)} == shown
    else:
        with pytest.raises(WireError, match="twice"):
            instant_ms(wall.isoformat(sep=" "), zone)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-03-29 01:59:59.999", BERLIN, "2026-03-29T00:59:59.999+00:00"),
        ("2026-03-29 03:00", BERLIN, "2026-03-29T01:00:00+00:00"),
        ("2026-10-25 01:59:59", BERLIN, "2026-10-24T23:59:59+00:00"),
        ("2026-10-25 03:00", BERLIN, "2026-10-25T02:00:00+00:00"),
        ("2026-10-25T02:30+02:00", BERLIN, "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T02:30+01:00", None, "2026-10-25T01:30:00+00:00"),
        ("2026/3/1 8:15", SHANGHAI, "2026-03-01T00:15:00+00:00"),
        ("2026-03-01T08:15:00.1239 +0800", None, "2026-03-01T00:15:00.123+00:00"),
        ("2026-03-01T08:15:00.5+08", None, "2026-03-01T00:15:00.500+00:00"),
        ("2026-03-01 00:15Z", SHANGHAI, "2026-03-01T00:15:00+00:00"),
        ("1969-12-31T23:59:59.999Z", None, "1969-12-31T23:59:59.999+00:00"),
    ],
)
def test_times_near_a_change_of_the_clock(text: str, zone: ZoneInfo | None, expected: str) -> None:
    """An offset decides where there is one; without it the zone, as long as it leaves no choice."""
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant_ms(text, zone)) == datetime.fromisoformat(
        expected
    )


@pytest.mark.parametrize(
    ("text", "zone", "says"),
    [
        ("2026-03-29 02:00", BERLIN, "skip this time, it never was"),
        ("2026-03-29 02:59:59", BERLIN, "skip this time, it never was"),
        ("2026-10-25 02:00", BERLIN, "show this time twice; give it with its offset"),
        ("2026-10-25 02:59:59", BERLIN, "show this time twice; give it with its offset"),
        ("1991-09-15 01:30", SHANGHAI, "show this time twice"),  # the last night of summer time in China
        ("2026-03-01 08:15", None, "an offset such as"),
        ("2026-02-29 08:15", SHANGHAI, "no such date"),
        ("2026-03-01 24:00", SHANGHAI, "no such date or time of day"),
        ("2026-03-01 08:15:60Z", None, "no such date or time of day"),
        ("2026-03-01 08:15+24:00", None, "no such offset"),
        ("2026-03-01", SHANGHAI, "such as 2026-03-01T08:15:00"),
        ("01.03.2026 08:15", BERLIN, "such as 2026-03-01T08:15:00"),
        ("3/1/2026 8:15", SHANGHAI, "such as 2026-03-01T08:15:00"),
        ("2026-03/01 8:15", SHANGHAI, "such as 2026-03-01T08:15:00"),
        ("46082.34375", SHANGHAI, "or ms since 1970"),
        ("1.77E+12", None, "or ms since 1970"),
        ("٢٠٢٦-03-01 08:15Z", None, "such as 2026-03-01T08:15:00"),
        ("", SHANGHAI, "such as 2026-03-01T08:15:00"),
    ],
)
def test_a_time_that_is_none_or_two_is_refused(text: str, zone: ZoneInfo | None, says: str) -> None:
    """With the field, what stood there, and what was expected."""
    with pytest.raises(WireError) as caught:
        instant_ms(text, zone)
    assert caught.value.code == RefusalCode.MALFORMED
    assert caught.value.detail.startswith(f"time {text!r}: ")
    assert says in caught.value.detail


@pytest.mark.parametrize(
    ("text", "decimal", "code"),
    [
        ("1,5", "point", "malformed"),
        ("1.5", "comma", "malformed"),
        ("1.234,5", "comma", "malformed"),
        ("1 234.5", "point", "malformed"),
        ("nan", "point", "malformed"),
        ("inf", "point", "malformed"),
        ("0x10", "point", "malformed"),
        ("1_000", "point", "malformed"),
        ("１", "point", "malformed"),
        ("-", "point", "malformed"),
        ("1e", "point", "malformed"),
        ("1e999", "point", "not_finite"),
        ("-9" + "9" * 400, "point", "not_finite"),
    ],
)
def test_what_is_no_number_is_refused(text: str, decimal: str, code: str) -> None:
    """A separator of thousands would make it a thousand times too small or too large."""
    with pytest.raises(WireError) as caught:
        number(text, decimal)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["4", "-1", "02", "good", "2.0", "?"])
def test_an_unknown_quality_is_refused(text: str) -> None:
    """It is none of the list."""
    with pytest.raises(WireError) as caught:
        quality(text, 1.0)
    assert caught.value.code == RefusalCode.UNKNOWN_QUALITY


@pytest.mark.parametrize(
    ("header", "delimiter", "positions", "others"),
    [
        ("point,time,value", ",", {"point": 0, "time": 1, "value": 2}, ()),
        (" Point ; TIME;Value;数据;质量 ", ";", {"point": 0, "time": 1, "value": 2, "quality": 4}, ("数据",)),
        ("数值\t时间\t测点", "\t", {"value": 0, "time": 1, "point": 2}, ()),
        ("point,time,value,,", ",", {"point": 0, "time": 1, "value": 2}, ()),
        ('"a;b",point,time,value', ",", {"point": 1, "time": 2, "value": 3}, ("a;b",)),
    ],
)
def test_the_header_shows_the_layout(
    header: str, delimiter: str, positions: Mapping[str, int], others: tuple[str, ...]
) -> None:
    """Delimiter, columns, and what nothing is done with."""
    layout = layout_of(header.encode(), Dialect())
    assert (layout.delimiter, layout.positions, layout.passed_over) == (delimiter, positions, others)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b"point,time", "no value"),
        ("point,time,value,测点".encode(), "names point 2 times"),
        ("测点,时间,数值".encode("gb18030"), "gb18030"),
        ("point,time,value".encode("utf-16"), "UTF-16"),
        (b"point|time|value", "no point, time, value"),
        (b"x" * 5000, "more than 4096 bytes"),
        (b",".join([b"point", b"time", b"value", *[b"c%d" % i for i in range(30)]]), "33 fields: at most 32"),
        (b"point,time,value," + b"x" * 300, "a field of more than 256"),
        (b'point,time,value,"', "quotes"),
    ],
)
def test_a_header_that_cannot_be_used_says_why(header: bytes, says: str) -> None:
    """Then nothing of the file is read."""
    with pytest.raises(WireError) as caught:
        records_of(header + b"\nA,1,2\n")
    assert says in caught.value.detail


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("A,1,2", "3 fields where the header has 4"),
        ("A,1,1,5,2", "5 fields where the header has 4"),
        ("A,1,1,2,", "5 fields where the header has 4"),
        (",1,2,", "point: the code of a measuring point expected"),
        ('A,1,"2,', "quotes that do not match"),
        ('A,1,"2"x,', "quotes that do not match"),
        ("A,1," + "x" * 257 + ",", "a field of more than 256"),
    ],
)
def test_a_line_whose_fields_are_in_doubt_is_refused_alone(line: str, says: str) -> None:
    """The one behind it is read."""
    first, second = records_of(f"point,time,value,quality\n{line}\nA,1,2,\n".encode())
    assert first.refused is not None
    assert says in first.refused.detail
    assert second.reading == Reading("A", 1, 2.0, Quality.MANUAL)


def test_lines_without_content_are_passed_over_and_counted() -> None:
    """Before the header, too, and rows of nothing but delimiters, as a spreadsheet leaves them."""
    decoder = CsvDecoder(Dialect())
    records = list(decoder.feed(b"\r\n\npoint,time,value\n\n,,\n \nA,1,2\n,,"))
    assert list(decoder.finish()) == []
    assert [record.line for record in records] == [7]


def test_a_line_in_another_charset_is_refused_with_a_hint() -> None:
    """The others of the file are read."""
    content = b"point,time,value\n" + "测点一,1,2\n".encode("gb18030") + b"A,1,2\n"
    first, second = records_of(content)
    assert first.refused is not None
    assert first.refused.detail == (
        "byte 1 of the line is not utf-8: is the charset gb18030 (as Excel in China writes)?"
    )
    assert second.reading is not None


def test_only_the_end_is_taken_from_a_line() -> None:
    """What is kept of a refused line is the line: one CR belongs to its end, a second one to its content."""
    first, second = records_of(b"point,time,value\r\nA,1,x\r\r\nA,1,y\r")
    assert (first.content, second.content) == (b"A,1,x\r", b"A,1,y")
