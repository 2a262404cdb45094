"""Figures of reports: exact for programs, rounded to even for people, and no word missing in either language."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.life.model import AlertState
from alerts.quotas.measures import measures
from alerts.quotas.model import MIN_ELAPSED
from alerts.verdicts import Verdict as QuotaVerdict
from energy.balance import Flow
from energy.carriers import carriers
from energy.consumption import IntervalQuality, Method
from energy.product_quotas import Level
from ingest.accounting.edits.model import Kind as EditKind
from ingest.accounting.entries.model import Kind as EntryKind
from ingest.accounting.entries.model import Source
from ingest.accounting.quality.evaluation import Criterion, Fault, Verdict
from ingest.accounting.reports.figures import fixed, from_float, percent, plain, rounded, share_of, total, unit_sign
from ingest.accounting.reports.words import Language, Words
from ingest.accounting.validation.parameters import CHECKS, Severity

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=9)


@given(DECIMALS)
def test_plain_figures_are_exact(value: Decimal) -> None:
    """Every digit, no exponent, no trailing zeros, no negative zero."""
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert text == "0" or not text.startswith(("-0", "0")) or text.lstrip("-").startswith("0.")
    assert "." not in text or not text.endswith(("0", "."))


@given(DECIMALS, st.integers(0, 6))
def test_rounded_figures_are_the_nearest(value: Decimal, places: int) -> None:
    """At most half a last digit away, with at most so many decimals."""
    for shown in (rounded(value, places), fixed(value, places)):
        read = Decimal(shown.replace(",", "").replace("−", "-"))
        assert abs(read - value) <= Decimal(5).scaleb(-places - 1)
        assert len(shown.partition(".")[2]) <= places


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        ("0.0005", 3, "0"),
        ("0.0015", 3, "0.002"),
        ("2.5", 0, "2"),
        ("1234567.8912", 3, "1,234,567.891"),
        ("-815.995", 3, "−815.995"),
        ("-0.0001", 3, "0"),
        ("1E+3", 3, "1,000"),
        ("90", 3, "90"),
    ],
)
def test_ties_go_to_even_and_thousands_stand_apart(value: str, places: int, shown: str) -> None:
    """As GB/T 8170 rounds; what rounds to nothing has no sign."""
    assert rounded(Decimal(value), places) == shown


def test_what_is_not_known_is_a_dash() -> None:
    """In every shape of a figure, and the sum of nothing is not known."""
    assert {rounded(None, 3), fixed(None, 3), percent(None)} == {"—"}
    assert total([None, None]) is None
    assert total([None, Decimal(2)]) == 2
    assert (share_of(0, 0), share_of(1, 3)) == (None, Decimal("0.3333"))
    assert from_float(0.1) == Decimal("0.1")


def test_a_fixed_figure_of_nothing_has_no_sign() -> None:
    """No minus before zeros."""
    assert (fixed(Decimal("-0.0001"), 3), fixed(Decimal(-1), 1)) == ("0.000", "−1.0")


def test_units_of_measure_are_printed_as_they_are_written() -> None:
    """Superscripts, and ten thousands as either language has them."""
    assert [unit_sign(one) for one in ("m3", "10^4 kWh", "kgce/t", "tCO2")] == ["m³", "10⁴ kWh", "kgce/t", "tCO₂"]
    assert [unit_sign(one, chinese=True) for one in ("10^4 yuan", "10^4 m3")] == ["万元", "万m³"]


KNOWN: dict[str, Iterable[str]] = {
    "quality": [one.name.lower() for one in IntervalQuality],
    "flow": Flow,
    "method": [one.name.lower() for one in Method],
    "entry": EntryKind,
    "source": Source,
    "edit": EditKind,
    "check": CHECKS,
    "severity": Severity,
    "criterion": Criterion,
    "verdict": Verdict,
    "quota_verdict": QuotaVerdict,
    "quota_state": AlertState,
    "level": Level,
    "size_class": "123456",
    "period": MIN_ELAPSED,
    "measure": set(measures()) - set(carriers()),
    "convention": ["equal", "calorific"],
    "fault": [Fault.SILENT, Fault.RECORDED_LATE],
}


@pytest.mark.parametrize("section", KNOWN)
def test_every_word_of_the_platform_has_its_word_in_both_languages(section: str) -> None:
    """A new check, kind or verdict gets its words; none is left of one that is gone."""
    tables = tomllib.loads(files("ingest.accounting.reports").joinpath("words.toml").read_text(encoding="utf-8"))
    assert set(tables[section]) == {str(one) for one in KNOWN[section]}
    assert set(tables) == {*KNOWN, "page"}
    for pair in tables[section].values():
        assert len(pair) == 2
        assert all(pair)


def test_words_are_of_the_language_that_is_asked_for() -> None:
    """A value without a word stands for itself, a name that is missing is replaced by the other one."""
    zh, en = Words(Language.ZH), Words(Language.EN)
    assert (zh.of("quality", "measured"), en.of("quality", "measured")) == ("实测", "measured")
    assert (en.of("quality", None), en.of("quality", "odd")) == ("—", "odd")
    assert (zh.either("名", "name", "X"), en.either("名", "", "X"), en.either("", "", "X")) == ("名", "名", "X")
    assert (zh["total"], en["total"]) == ("合计", "Total")


def test_no_word_of_the_page_is_left_over() -> None:
    """Each is used by a template, the page or the terminal; that each used one is there the pages themselves show."""
    root = Path(__file__).parents[2]
    folder = root / "ingest" / "accounting" / "reports"
    sources = [
        *folder.glob("templates/*.j2"),
        folder / "page.py",
        folder / "model.py",
        root / "deploy/cli/report_text.py",
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    words = tomllib.loads((folder / "words.toml").read_text(encoding="utf-8"))["page"]
    composed = {"no_entries", "no_edits", "no_findings"}
    assert [
        word for word in words if word not in composed and not re.search(rf"\bw\.{word}\b|[\"']{word}[\"']", text)
    ] == []
