"""Whatever bytes are uploaded, cut anyhow: the decoder gives every line an outcome, and keeps little in memory.

The number of cases follows the hypothesis profile; the loop marked long makes a million by mutation.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import WireError
from energy.wire import RefusalCode
from ingest.receiving.carrier import Settled
from ingest.receiving.csv.decoder import CsvDecoder, Record
from ingest.receiving.csv.fields import DECIMALS
from ingest.receiving.csv.layout import Dialect
from ingest.receiving.csv.lines import MOST_LINE_BYTES
from ingest.receiving.csv.outcomes import outcomes
from ingest.receiving.csv.pieces import CsvCarrier, Piece
from ingest.receiving.csv.report import Totals, encode_entries
from tests.support.csv_files import entries_of, records_of
from tests.support.ingest_world import GATEWAY

BERLIN = ZoneInfo("Europe/Berlin")
HEADERS = (
    "point,time,value",
    "point;time;value;quality",
    "point\ttime\tvalue\tremark",
    "测点,时间,数值,质量",
    '"value","point","time"',
    "point,point,time,value",
    "nothing of this",
    "",
)
FIELDS = (
    "610303-0001-E1",
    "",
    "1234.5",
    "1,5",
    "-1e999",
    "nan",
    "١٢",
    "2026-03-01T08:15:00+08:00",
    "2026-03-29 02:30",
    "2026-10-25 02:30:00.5",
    "2026/3/1 8:15",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "1772294400000",
    "-9" * 9,
    "9" * 400,
    "manual",
    "质量",
    '"',
    '"a"',
    "\0",
    "\r",
    "\x1a",
    "\ufeff",
)

dialects = st.builds(
    Dialect,
    charset=st.sampled_from(["utf-8", "gb18030"]),
    zone=st.sampled_from([None, BERLIN, ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Sao_Paulo")]),
    decimal=st.sampled_from(DECIMALS),
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Something like a CSV file, or just bytes."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=300))
    delimiter = draw(st.sampled_from([",", ";", "\t"]))
    fields = st.one_of(st.sampled_from(FIELDS), st.text(max_size=20))
    rows = draw(st.lists(st.lists(fields, max_size=6), max_size=6))
    text = draw(st.sampled_from(["\n", "\r\n"])).join([draw(st.sampled_from(HEADERS)), *map(delimiter.join, rows)])
    content = text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"])), "replace")
    place = draw(st.integers(0, len(content)))
    return content[:place] + draw(st.binary(max_size=4)) + content[place:]


def cut(content: bytes, places: list[int]) -> Iterator[bytes]:
    """The content in pieces."""
    ends = sorted({place % (len(content) + 1) for place in places})
    for start, end in zip([0, *ends], [*ends, len(content)], strict=True):
        yield content[start:end]


def decoded(chunks: Iterator[bytes] | list[bytes], dialect: Dialect) -> tuple[list[Record], str | None]:
    """The records, and with which code the file was refused whole."""
    decoder = CsvDecoder(dialect)
    records: list[Record] = []
    try:
        for chunk in chunks:
            records += decoder.feed(chunk)
        records += decoder.finish()
    except WireError as error:
        return records, RefusalCode(error.code)
    return records, None


def check(content: bytes, records: list[Record]) -> None:
    """Every record is either a reading or refused with a code, and can be kept and told of."""
    lines = content.split(b"\n")
    for record in records:
        assert (record.reading is None) != (record.refused is None)
        assert record.content == lines[record.line - 1].removesuffix(b"\r")[:MOST_LINE_BYTES]
    piece, carrier, totals = Piece(records), CsvCarrier(), Totals()
    deliveries = piece.deliveries(carrier, "csv", GATEWAY)
    carrier.settle([Settled(one, [one.refusal] if one.refusal else []) for one in deliveries])
    report = encode_entries([*outcomes(records, piece.refusals, {}, {}, totals), totals.summary()])
    assert len(entries_of(report)) == sum(record.refused is not None for record in records) + 1
    assert totals.lines == len(records)


@given(files(), st.lists(st.integers(0, 1 << 16), max_size=8), dialects)
def test_any_bytes_in_any_pieces_give_the_same_records(content: bytes, places: list[int], dialect: Dialect) -> None:
    """Never an error that is none of ours, and never a line without an outcome."""
    whole = decoded([content], dialect)
    assert decoded(cut(content, places), dialect) == whole
    assert decoded([content[i : i + 1] for i in range(len(content))], dialect) == whole
    check(content, whole[0])


@given(
    st.integers(MOST_LINE_BYTES - 3, MOST_LINE_BYTES + 3), st.sampled_from([b"\n", b"\r\n", b""]), st.integers(1, 9000)
)
def test_the_longest_line_is_the_same_in_any_pieces(length: int, end: bytes, size: int) -> None:
    """Of the allowed length it is read, beyond it is refused, and the line behind it is read."""
    line = b"A,1," + b"1" * (length - 4)
    content = b"point,time,value\n" + line + end + (b"B,2,3\n" if end else b"")
    records = records_of(*(content[start : start + size] for start in range(0, len(content), size)))
    code = RefusalCode.TOO_LARGE
    assert [(one.line, one.refused and one.refused.code) for one in records] == [(2, code), (3, None)][: 1 + bool(end)]
    assert records[0].content == line[:MOST_LINE_BYTES]
    assert records[0].refused is not None
    assert ("the line has more" in records[0].refused.detail) == (length > MOST_LINE_BYTES)


@pytest.mark.parametrize("filler", [b"x", b",", b'"', b"\r", b"\0"])
def test_a_line_without_end_takes_no_memory(filler: bytes) -> None:
    """Sixteen megabytes of one line: what is kept of it is its beginning."""
    decoder, chunk = CsvDecoder(Dialect()), filler * (1 << 16)
    records = list(decoder.feed(b"point,time,value\n"))
    tracemalloc.start()
    try:
        for _ in range(256):
            records += decoder.feed(chunk)
        records += decoder.feed(b"\nA,1,2\n")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20
    assert [(one.line, one.refused is None) for one in records] == [(2, False), (3, True)]
    assert len(records[0].content) == MOST_LINE_BYTES


_SEEDS = [f"{header}\n".encode() for header in HEADERS]


def mutant(chance: random.Random) -> bytes:
    """Some lines of the fields that hurt most, with some bytes changed."""
    delimiter = chance.choice((",", ";", "\t"))
    rows = [delimiter.join(chance.choices(FIELDS, k=chance.randint(1, 5))) for _ in range(chance.randint(1, 3))]
    content = bytearray(chance.choice(_SEEDS) + "\n".join(rows).encode())
    for _ in range(chance.randint(0, 4)):
        place = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content[place] = chance.randrange(256)
            case 1:
                del content[place : place + chance.randint(1, 8)]
            case 2:
                content[place:place] = chance.randbytes(chance.randint(1, 4))
            case _:
                content[place:place] = content[place : place + chance.randint(1, 16)]
        if not content:
            break
    return bytes(content)


def mutations(seed: int, count: int) -> None:
    """Decode so many mutants, whole and in two pieces."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated
    zones = (None, BERLIN)
    for _ in range(count):
        content = mutant(chance)
        dialect = Dialect(chance.choice(("utf-8", "gb18030")), chance.choice(zones), chance.choice(DECIMALS))
        place = chance.randint(0, len(content))
        whole = decoded([content], dialect)
        assert decoded([content[:place], content[place:]], dialect) == whole, content
        check(content, whole[0])


def test_some_mutants_are_decoded() -> None:
    """A sample of the loop below."""
    mutations(seed=1, count=3_000)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.timeout(600)
def test_a_million_mutants_are_decoded(seed: int) -> None:
    """A hundred thousand for each of ten seeds."""
    mutations(seed=100 + seed, count=100_000)
