"""What an entry may say, in both languages; each fault is named with its field and what was expected."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from energy.records import RecordError
from ingest.accounting.entries.checks import contradictions, entry_from
from ingest.accounting.entries.files import entries_in
from ingest.accounting.entries.model import Entry, EntryUnit, Given, Key, Kind, Product, Standing
from ingest.accounting.entries.products import ProductMeter, faults_of

TODAY = date(2026, 4, 1)
UNIT = EntryUnit(
    7,
    "U",
    "Asia/Shanghai",
    {"clinker": Product("clinker", "t"), "glass": Product("glass", "重箱"), "m": Product("m", "t", point="P-9")},
)
MARCH = {"first_day": "2026-03-01", "last_day": "2026-03-31"}


def entry(**said: str) -> Entry:
    """The entry."""
    return entry_from(Given(said, "Li Wei"), UNIT, TODAY)


def faults(**said: str) -> list[str]:
    """The faults as field and message."""
    with pytest.raises(RecordError) as error:
        entry(**said)
    return [f"{fault.path}: {fault.message}" for fault in error.value.faults]


@pytest.mark.parametrize(
    ("kind", "subject", "amount", "symbol", "expected"),
    [
        ("purchase", "raw_coal", "1234.5", "t", (Kind.PURCHASE, "raw_coal", "1234.5", "t")),
        ("购进", "原煤", "1234500", "千克", (Kind.PURCHASE, "raw_coal", "1234.5", "t")),
        ("外供", "热力", "2", "MWh", (Kind.SALE, "heat", "7.2", "GJ")),
        ("feedstock", "Natural gas", "1.5", "10^4 m3", (Kind.FEEDSTOCK, "natural_gas", "15000", "m3")),
        ("purchase", "natural_gas", "1", "Nm3", (Kind.PURCHASE, "natural_gas", "1.0732", "m3")),
        ("output", "clinker", "12", "kg", (Kind.OUTPUT, "clinker", "0.012", "t")),
        ("产量", "glass", "12", "重箱", (Kind.OUTPUT, "glass", "12", "重箱")),
        ("产值", "", "0.5", "亿元", (Kind.OUTPUT_VALUE, "", "5000", "10^4 yuan")),
        (
            "产值",
            "",
            "123456789012345678.123456789012",
            "元",
            (Kind.OUTPUT_VALUE, "", "12345678901234.5678123456789012", "10^4 yuan"),
        ),
        ("绿证", "", "20", "万千瓦时", (Kind.CERTIFICATE, "", "200", "MWh")),
    ],
)
def test_amounts_are_converted_exactly_to_the_base_unit(
    kind: str, subject: str, amount: str, symbol: str, expected: tuple[Kind, str, str, str]
) -> None:
    """Of the carrier, the product, or the kind; how it was filled in stays beside it."""
    about = {"subject": subject} if subject else {}
    found = entry(kind=kind, amount=amount, unit_of_measure=symbol, **about, **MARCH)
    assert (found.key.kind, found.key.subject, found.amount, found.unit) == (
        expected[0],
        expected[1],
        Decimal(expected[2]),
        expected[3],
    )
    if found.given is None:
        assert found.given_unit is None
    else:
        assert (found.given, found.given_unit is not None) == (Decimal(amount), True)
    assert found.key == Key(7, expected[0], expected[1], date(2026, 3, 1), date(2026, 3, 31))


def test_another_unit_of_measure_is_refused_with_what_was_expected() -> None:
    """Tonnes of gas, cubic metres of coal, pieces of what is measured in cases."""
    gas = faults(kind="purchase", subject="natural_gas", amount="1", unit_of_measure="t", **MARCH)
    assert gas == ["unit_of_measure: 't': m3, Nm3, l, 10^4 m3, 10^4 Nm3 expected"]
    pieces = faults(kind="output", subject="glass", amount="1", unit_of_measure="t", **MARCH)
    assert pieces == ["unit_of_measure: 't': 重箱 expected"]
    value = faults(kind="output_value", amount="1", unit_of_measure="t", **MARCH)
    assert value == ["unit_of_measure: 't': yuan, 10^4 yuan, 10^8 yuan expected"]
    nothing = faults(kind="purchase", subject="raw_coal", amount="1", unit_of_measure="lumps", **MARCH)
    assert nothing == ["unit_of_measure: 'lumps': kg, t expected"]


def test_days_are_days_that_have_been() -> None:
    """In three ways of writing; certificates are allotted for a year, and may be ahead."""
    coal = {"kind": "purchase", "subject": "raw_coal", "amount": "1", "unit_of_measure": "t"}
    for text in ("2026-03-05", "2026/3/5", "2026/03/05", "2026年3月5日"):
        assert (
            entry(**coal, first_day=text).key.first_day
            == entry(**coal, first_day=text).key.last_day
            == date(2026, 3, 5)
        )
    for text in ("2026-3-5", "2026-02-29", "3/5/2026", "20260305", "2026-03"):
        assert faults(**coal, first_day=text) == [
            f"first_day: {text!r}: a day such as 2026-03-31, 2026/3/31 or 2026年3月31日 expected"
        ]
    assert faults(**coal, first_day="2026-03-05", last_day="2026-03-04") == ["last_day: lies before first_day"]
    assert faults(**coal, first_day="2026-04-02") == ["first_day: lies in the future"]
    assert faults(**coal, first_day="2026-04-01", last_day="2026-04-02") == ["last_day: lies in the future"]
    assert faults(**coal, first_day="1926-03-05") == ["first_day: lies before 2000-01-01"]
    assert entry(**coal, first_day="2026-04-01").amount == 1
    year = {"first_day": "2026-01-01", "last_day": "2026-12-31", "amount": "1", "unit_of_measure": "MWh"}
    assert entry(kind="certificate", **year).key.last_day == date(2026, 12, 31)


def test_a_stock_is_that_at_the_end_of_one_day() -> None:
    """Zero is a stock too."""
    coal = {"kind": "库存", "subject": "原煤", "amount": "0", "unit_of_measure": "吨"}
    assert entry(**coal, first_day="2026-03-31").amount == 0
    assert faults(**coal, **MARCH) == ["last_day: a stock is that at the end of one day: leave last_day out"]
    today = ["first_day: a stock is that at the end of the day, and this one is not over"]
    assert faults(**coal, first_day="2026-04-01") == today


def test_subjects_are_known() -> None:
    """A carrier, a registered product that is not metered, or nothing."""
    rest = {"amount": "1", "unit_of_measure": "t", **MARCH}
    assert faults(kind="buy", subject="raw_coal", **rest)[0].startswith("kind: 'buy': one of 购进, ")
    assert faults(kind="purchase", subject="coal", **rest)[0].startswith("subject: 'coal': a carrier expected")
    assert faults(kind="purchase", **rest) == ["subject: must not be empty"]
    assert faults(kind="output", subject="cement", **rest) == [
        "subject: 'cement' is no product of U; registered: clinker, glass, m"
    ]
    assert faults(kind="output", subject="m", **rest) == ["subject: m is metered by P-9: its output is not filled in"]
    assert faults(kind="certificate", subject="x", **(rest | {"unit_of_measure": "MWh"})) == [
        "subject: certificate has none: leave it empty"
    ]


def test_every_fault_of_an_entry_is_listed() -> None:
    """Amount, document and author at once."""
    with pytest.raises(RecordError) as error:
        entry_from(
            Given(MARCH | {"kind": "sale", "subject": "heat", "amount": "-1", "document": "a\nb"}, " "), UNIT, TODAY
        )
    assert [(fault.path, fault.message) for fault in error.value.faults] == [
        ("amount", "-1: must not be below 0"),
        ("unit_of_measure", "must not be empty"),
        ("author", "must not be empty"),
        ("document", "a line break or another control character"),
    ]
    assert faults(kind="sale", subject="heat", amount="1,000", unit_of_measure="GJ", **MARCH)[0].startswith(
        "amount: '1,000': a number with a decimal point and no other separator expected"
    )


def test_overlapping_days_would_count_twice() -> None:
    """The other entry is named; the very same days are another statement of the same."""
    key = Key(7, Kind.PURCHASE, "raw_coal", date(2026, 3, 1), date(2026, 3, 31))
    other = Standing("entry 12", 12, key, Decimal(5), "", "")
    coal = {"kind": "purchase", "subject": "raw_coal", "amount": "1", "unit_of_measure": "t"}
    inside = entry(**coal, first_day="2026-03-31")
    told = "overlaps entry 12, for 2026-03-01 to 2026-03-31: it would count twice; undo that one, or give its days"
    assert list(contradictions(inside, [other])) == [("first_day", told)]
    assert not list(contradictions(entry(**coal, first_day="2026-04-01"), [other]))
    assert not list(contradictions(entry(**coal, first_day="2026-02-28"), [other]))
    assert not list(contradictions(entry(**coal, **MARCH), [other]))
    assert not list(contradictions(entry(**(coal | {"kind": "sale"}), first_day="2026-03-31"), [other]))
    twice = Standing("line 2", None, key, Decimal(5), "", "")
    assert list(contradictions(entry(**coal, **MARCH), [twice])) == [
        ("first_day", "line 2 has the same days: give the sum of both")
    ]


def test_a_file_in_either_language_says_the_same() -> None:
    """In UTF-8 or GB18030, with commas, semicolons or tabs, and the columns in any order."""
    header = "unit,kind,subject,first_day,last_day,amount,unit_of_measure,document"
    english = f"{header}\nU,purchase,raw_coal,2026-03-01,2026-03-31,5,t,d 1\n"
    chinese = (
        "数量;计量单位;用能单位;类别;品种;起始日期;截止日期;凭证\n5;t;U;purchase;raw_coal;2026-03-01;2026-03-31;d 1\n"
    )
    said = [
        entries_in(content, "f.csv", author="Li")[0].said
        for content in (
            english.encode(),
            chinese.encode("gb18030"),
            ("\ufeff" + chinese).encode(),
            english.replace(",", "\t").replace("\n", "\r\n").encode(),
        )
    ]
    assert all(one == said[0] for one in said)
    assert said[0]["document"] == "d 1"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "f.csv:1: empty: a header with unit, kind"),
        (b"unit,kind\n", "f.csv:1: the header has no first_day (起始日期)"),
        (b"unit,kind,first_day,amount,unit_of_measure,remark\n", "f.csv:1: remark: no such column: unit, kind"),
        (b"unit,kind,first_day,amount,unit_of_measure,unit\n", "f.csv:1: unit: the header has it twice"),
        (b'unit,kind,first_day,amount,unit_of_measure\nU,"sale,2026-03-01,1,t\n', "quotes that do not match"),
        (b"\xff\xfeu\x00", "f.csv:1: the file is UTF-16"),
        (b"unit\xff\xff\n", "f.csv: neither UTF-8 nor GB18030"),
        (b"x" * 5_000_000, "more than 4194304 bytes"),
    ],
)
def test_faults_of_a_files_form_name_their_line(content: bytes, expected: str) -> None:
    """Nothing of such a file is read."""
    with pytest.raises(RecordError) as error:
        entries_in(content, "f.csv", author="Li")
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"unit,kind,first_day,amount,unit_of_measure\n\nU,sale,2026-03-01\n", "f.csv:3: 3 fields: the header has 5"),
        (b"unit,kind,first_day,amount,unit_of_measure\nU,,2026-03-01,1,t\n", "f.csv:2: kind: must not be empty"),
        (b"unit,kind,first_day,amount,unit_of_measure\nU,a\x00b,2026-03-01,1,t\n", "control character"),
    ],
)
def test_faults_of_a_rows_form_come_with_the_row(content: bytes, expected: str) -> None:
    """So that whoever reads the other rows' cells can list theirs beside them."""
    (row,) = entries_in(content, "f.csv", author="Li")
    assert expected in "\n".join(map(str, row.faults))


def test_empty_columns_that_a_spreadsheet_leaves_are_passed_over() -> None:
    """At the right end, where nothing stands in them; a cell in one is a fault."""
    content = "unit,kind,first_day,amount,unit_of_measure,,\nU,sale,2026-03-01,1,t,,\n,,,,,,\n"
    assert len(entries_in(content.encode(), "f.csv", author="Li")) == 1
    (beyond,) = entries_in(content.replace("t,,", "t,,x").encode(), "f.csv", author="Li")
    assert list(map(str, beyond.faults)) == ["f.csv:2: 7 fields: the header has 5"]


def test_a_product_is_measured_in_one_unit_by_a_point_of_its_own() -> None:
    """One that counts in no balance; and a quota that is per its unit of measure."""
    meter = ProductMeter(1, "U", "kg", "internal")
    good = Product("clinker", "kg", quota_key="cement_clinker_energy", point="P-1")
    assert not list(faults_of("U", good, meter, "kg"))
    wrong = Product("no spaces", "m3", quota_key="cement_clinker_energy", point="P-1")
    found = dict(faults_of("U", wrong, ProductMeter(1, "U", "t", "purchased"), "t"))
    assert found["product"].startswith("'no spaces': letters, digits")
    assert found["unit_of_measure"] == "output was filled in in t: give the product another code"
    assert found["quota_key"].startswith("cement_clinker_energy is per t: m3 is gas volume")
    assert found["point"] == "P-1 counts in t, not in m3"
    assert dict(faults_of("V", good, meter, None)) == {
        "point": "'P-1' is no point of V from which an amount is derived"
    }
    assert (
        "one of cement_clinker_energy, "
        in dict(faults_of("U", Product("c", "t", quota_key="x"), None, None))["quota_key"]
    )
