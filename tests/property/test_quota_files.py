"""Files of quotas: whatever a quota says comes back as it was, and no garbage does more than to be refused."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alerts.quotas import profile
from alerts.quotas.bands import Band
from alerts.quotas.checks import faults_in
from alerts.quotas.csv_files import COLUMNS
from alerts.quotas.files import read_quotas, written_quotas
from alerts.quotas.measures import AREA, DEMAND, MONTHLY, PER_OUTPUT, TOTALS, base_unit, is_cumulative, measures
from alerts.quotas.model import MOST_TEXT, Group, Quotas, QuotaSpec
from alerts.verdicts import Colour, Severity
from energy.carriers import carriers
from energy.errors import RejectedError

CODES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
WEIGHTS = st.floats(0, 1e6)
TEXTS = (
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff"), max_size=40)
    .map(str.strip)
    .filter(bool)
) | st.sampled_from(['"', "'''", "\\", ",;\t".strip(), "= 1 #", "80% a b", "a" * MOST_TEXT, "虚构：文件", "none"])
LIMITS = (
    st.decimals(Decimal("0.000000000001"), Decimal(999_999_999_999_999), places=12).filter(
        lambda limit: len(limit.as_tuple().digits) <= 27
    )
    | st.sampled_from([Decimal("123456789012345.123456789012"), Decimal("0.1"), Decimal("1234567.123456789")])
    | st.integers(1, 10**15 - 1).map(Decimal)
)
KEYS = {
    "group": st.sampled_from(["g1", "g2"]),
    "district": st.from_regex(r"[0-9]{6}", fullmatch=True),
    "city": st.from_regex(r"[0-9]{4}", fullmatch=True),
    "industry": st.from_regex(r"[0-9]{2}", fullmatch=True),
    "size_class": st.from_regex(r"[1-6]", fullmatch=True),
}
MARKS = list(
    zip(
        (Severity.NOTICE, Severity.ATTENTION, Severity.WARNING, Severity.CRITICAL),
        (Colour.BLUE, Colour.YELLOW, Colour.ORANGE, Colour.RED),
        strict=True,
    )
)


@st.composite
def bands(draw: st.DrawFn) -> tuple[Band, ...]:
    """None to five bands that rise."""
    shares = sorted(draw(st.sets(st.floats(0.001, 0.999), max_size=5)))
    marks = sorted(draw(st.lists(st.integers(0, 3), min_size=len(shares), max_size=len(shares))))
    return tuple(Band(share, *MARKS[mark]) for share, mark in zip(shares, marks, strict=True))


@st.composite
def profiles(draw: st.DrawFn) -> profile.Profile:
    """Each of them, with any figures."""
    quarters = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
    names = st.sampled_from(["working", "made_up", "rest", "holiday"])
    shifts = st.builds(
        profile.Shift,
        quarters,
        quarters,
        st.lists(names, min_size=1, max_size=4).map(tuple),
        st.floats(0.001, 1e6),
    )
    months = st.dictionaries(DAYS.map(lambda day: f"{day:%Y-%m}"), st.floats(1, 1e6), min_size=1, max_size=3)
    plans = months.map(lambda weights: weights | {f"{next(iter(weights))}-07": 0.5})
    return draw(
        st.just(profile.Even())
        | st.just(profile.LastYear())
        | st.builds(profile.WorkingDays, WEIGHTS, WEIGHTS)
        | st.builds(profile.Shifts, st.lists(shifts, min_size=1, max_size=3).map(tuple), WEIGHTS)
        | st.builds(profile.Plan, plans)
    )


@st.composite
def specs(draw: st.DrawFn) -> QuotaSpec:
    """Any quota that there can be."""
    measure = draw(st.sampled_from(measures()))
    single = measure in PER_OUTPUT or measure == DEMAND
    area = not single and (measure in TOTALS or measure in carriers()) and draw(st.booleans())
    subject = "unit" if single or area else draw(st.sampled_from(["unit", *KEYS]))
    product_unit = draw(st.sampled_from(["t", "kg", "10^4 m3", "重箱"])) if measure in PER_OUTPUT else ""
    since = draw(DAYS)
    fields: dict[str, Any] = {
        "code": draw(CODES),
        "subject": subject,
        "key": draw(KEYS.get(subject, CODES)),
        "kind": draw(st.sampled_from(["quota", "budget"])),
        "measure": measure,
        "product": draw(CODES) if measure in PER_OUTPUT else "",
        "period": draw(
            st.sampled_from(["statistics_month", "month", "quarter", "year"] + ([] if measure in MONTHLY else ["day"]))
        ),
        "limit": draw(LIMITS),
        "limit_unit": base_unit(measure, product_unit) + (f"/{AREA}" if area else ""),
        "area_m2": draw(LIMITS) if area else None,
        "valid_from": since,
        "valid_to": draw(st.none() | st.integers(1, 9_999).map(lambda days: since + timedelta(days=days))),
        "source": draw(TEXTS),
        "bands": draw(bands()),
    }
    if is_cumulative(measure):
        fields |= {"profile": draw(profiles()), "min_elapsed": draw(st.none() | st.floats(0.0001, 1))}
    return QuotaSpec(**fields)


@st.composite
def contents(draw: st.DrawFn) -> Quotas:
    """What a file can hold: groups in the order in which their quotas name them."""
    quotas = tuple(draw(st.lists(specs(), max_size=4)))
    named = dict.fromkeys(spec.key for spec in quotas if spec.subject == "group")
    members = st.lists(CODES, min_size=1, max_size=3, unique=True).map(tuple)
    return Quotas(tuple(Group(code, draw(members)) for code in named), quotas)


@given(content=contents(), name=st.sampled_from(["q.toml", "q.csv", "Q.CSV"]), chinese=st.booleans())
def test_a_file_gives_back_what_was_written(content: Quotas, name: str, *, chinese: bool) -> None:
    """Every kind of quota, limit, band and profile, in both sorts of file and both languages, to the last digit."""
    read = read_quotas(written_quotas(content, name, chinese=chinese), name)
    assert list(map(str, read.faults)) == []
    assert read.content == content


@given(content=contents(), data=st.data())
def test_a_spoilt_cell_is_a_fault_on_its_line_and_hides_no_other_row(content: Quotas, data: st.DataObject) -> None:
    """The other rows are read; what is told names the file, the line and the column."""
    assume(len({spec.code for spec in content.quota}) == len(content.quota) > 0)
    assume(not content.group)
    lines = written_quotas(content, "q.csv").decode("utf-8-sig").splitlines(keepends=True)
    at = data.draw(st.integers(1, len(content.quota)))
    column = data.draw(
        st.sampled_from(["measure", "period", "limit", "limit_unit", "valid_from", "valid_to", "min_elapsed"])
    )
    cells = next(csv.reader([lines[at]]))
    cells[[one.names[0] for one in COLUMNS].index(column)] = "§"
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    lines[at] = out.getvalue()
    read = read_quotas("".join(lines).encode(), "q.csv")
    assert {fault.line for fault in read.faults} == {at + 1}
    assert all(fault.source == "q.csv" for fault in read.faults)
    assert [spec for spec, _ in read.quotas] == [spec for n, spec in enumerate(content.quota, 1) if n != at]


@given(
    name=st.sampled_from(["q.toml", "q.csv"]), content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode)
)
def test_garbage_is_refused_in_words(name: str, content: bytes) -> None:
    """Whatever the bytes: faults, or nothing; never another error."""
    read = read_quotas(content, name)
    assert not read.quotas
    assert all(fault.source == name for fault in faults_in(read))


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        ["tce", "month", "2026-01-01", '"unit"', "1979-05-27T07:32:00Z", "07:32:00", "inf", "nan", "-1", "true"]
    )
    | st.integers().map(str)
    | st.floats(allow_nan=False).map(repr),
    lambda inner: st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=3,
)
PLAIN = {
    "code": '"q"',
    "key": '"u"',
    "measure": '"kgce_per_output"',
    "product": '"clinker"',
    "period": '"month"',
    "standard": '"cement_clinker_energy"',
    "level": '"limit"',
    "valid_from": "2026-01-01",
}


@given(name=st.sampled_from([*PLAIN, "limit", "limit_unit", "valid_to", "bands", "profile", "area_m2"]), value=VALUES)
def test_any_value_in_any_field_is_read_or_refused_in_words(name: str, value: str) -> None:
    """Types that nobody expects, also where a standard is to give the limit."""
    text = "[[quota]]\n" + "".join(f"{key} = {one}\n" for key, one in (PLAIN | {name: value}).items())
    read = read_quotas(text.encode(), "q.toml")
    assert bool(read.faults) != bool(read.quotas)


def test_a_file_of_another_name_is_refused() -> None:
    """Before anything is guessed from its content."""
    with pytest.raises(RejectedError, match=r"\.csv or \.toml"):
        read_quotas(b"", "quotas.xlsx")
