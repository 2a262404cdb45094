"""Quotas: what is accepted, what is refused and how."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from alerts.quotas import profile
from alerts.quotas.bands import DEFAULT_BANDS, Band
from alerts.quotas.measures import is_cumulative, measures
from alerts.quotas.model import MIN_ELAPSED, Group, QuotaSpec
from alerts.verdicts import Colour, Mark, Severity
from energy.config import decode_toml
from energy.errors import ConfigError
from tests.support.quota_world import quota

CLINKER: dict[str, Any] = {"measure": "kgce_per_output", "product": "clinker", "limit_unit": "kgce/t"}
VALUE: dict[str, Any] = {"measure": "tce_per_value", "limit_unit": "tce/10^4 yuan"}


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, "100 tce"),
        ({"limit_unit": "kgce"}, "0.1 tce"),
        ({"measure": "tce_equal"}, "100 tce"),
        ({"measure": "tco2", "limit_unit": "kgCO2"}, "0.1 tCO2"),
        ({"measure": "assessed_tce"}, "100 tce"),
        ({"measure": "electricity", "limit_unit": "10^4 kWh"}, "1000000 kWh"),
        ({"measure": "natural_gas", "limit_unit": "m3"}, "100 m3"),
        ({"measure": "demand", "limit_unit": "MW"}, "100000 kW"),
        (CLINKER, "0.1 kgce/kg"),
        (CLINKER | {"measure": "kwh_per_output", "limit_unit": "MWh/t"}, "100 kWh/kg"),
        (VALUE | {"limit_unit": "kgce/10^4 yuan"}, "0.1 tce/10^4 yuan"),
        ({"area_m2": Decimal(250), "limit_unit": "kgce/m2"}, "25 tce"),
        ({"measure": "electricity", "area_m2": Decimal("0.5"), "limit_unit": "kWh/m2"}, "50 kWh"),
    ],
)
def test_a_limit_converts_into_the_unit_in_which_use_is_counted(fields: dict[str, Any], kept: str) -> None:
    """By hand: MWh are a thousand kWh, per t is a thousandth per kg, per m2 is times the area."""
    spec = quota("q", **fields)
    assert f"{spec.limit_in_base_unit('kg').normalize():f} {spec.base_unit('kg')}" == kept


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"measure": "electricity", "limit_unit": "tce"}, "has its limit in kWh, not in 'tce'"),
        ({"measure": "electricity", "limit_unit": "kWh/m2"}, "has its limit in kWh, not in 'kWh/m2'"),
        ({"area_m2": Decimal(2)}, r"the limit is per m2, such as tce/m2, not in 'tce'"),
        ({"area_m2": Decimal(0), "limit_unit": "tce/m2"}, "area_m2 must be a number above 0"),
        ({"area_m2": Decimal(2), "limit_unit": "kW/m2", "measure": "demand"}, "a limit per m2 is one of a carrier"),
        ({"measure": "power"}, r"unknown measure 'power'.*tce_equal.*demand.*electricity"),
        ({"limit": "0"}, "above 0"),
        ({"limit": "-1"}, "above 0"),
        ({"limit": "NaN"}, "above 0"),
        ({"limit": "Infinity"}, "above 0"),
        ({"limit": "1e15"}, "15 digits before"),
        ({"limit": "1e-13"}, "12 after"),
        ({"valid_to": date(2026, 3, 1)}, "valid_to must come after"),
        (CLINKER | {"product": ""}, "needs the code of its product"),
        (CLINKER | {"product": "a b"}, "product: 'a b'"),
        ({"product": "clinker"}, "has no product"),
        (CLINKER | {"period": "day"}, "known by month"),
        (VALUE | {"period": "day"}, "known by month"),
        ({"measure": "assessed_tce", "period": "day"}, "known by month"),
        (CLINKER | {"profile": profile.LastYear()}, "does not add up over a period"),
        ({"measure": "demand", "limit_unit": "kW", "min_elapsed": 0.5}, "does not add up over a period"),
        (CLINKER | {"standard": "cement_energy"}, "standard and level go together"),
        ({"standard": "cement_energy", "level": "limit"}, "the levels of standards are energy per product"),
        (CLINKER | {"subject": "industry", "key": "30"}, "those of a single unit"),
        ({"measure": "demand", "limit_unit": "kW", "subject": "city", "key": "6103"}, "those of a single unit"),
        ({"subject": "district", "key": "6103"}, "six digits"),
        ({"subject": "city", "key": "610300"}, "first four digits"),
        ({"subject": "industry", "key": "C30"}, "two digits"),
        ({"subject": "size_class", "key": "7"}, "a digit from 1 to 6"),
        ({"key": "a b"}, "the code of a unit"),
        ({"bands": (DEFAULT_BANDS[0], DEFAULT_BANDS[0])}, "bands must rise"),
    ],
)
def test_what_cannot_be_is_refused_in_words(fields: dict[str, Any], told: str) -> None:
    """The message says what was expected."""
    with pytest.raises(ValueError, match=told):
        quota("q", **fields)


COMPLETION = [
    (0.5, "warning", "orange"),
    (0.9, "attention", "yellow"),
    (0.95, "none", "green"),
]
"""Completion of a saving target, by a local rule: the fuller the better."""


@pytest.mark.parametrize(
    ("bands", "told"),
    [
        (COMPLETION, "warns of nothing: these look like the completion bands of a saving target"),
        (COMPLETION[:2], "is milder than that at 0.5 .*completion bands of a saving target, where 100 % is good"),
        ([(0.8, "notice", "red"), (0.9, "attention", "blue")], "is milder"),
        ([(0.8, "attention", "blue"), (0.9, "notice", "red")], "is milder"),
        ([(1.0, "critical", "red")], "the limit itself is a breach, and needs none"),
        ([(0.9, "unknown", "grey")], "warns of nothing"),
    ],
)
def test_completion_bands_are_refused_and_not_turned_upside_down(bands: list[tuple[Any, ...]], told: str) -> None:
    """Where 100 % is good, 90 % is milder than 50 %; of a limit it is graver, and whoever mixes them up is told."""
    with pytest.raises(ValueError, match=told):
        quota("q", bands=tuple(Band(share, Severity(how), Colour(colour)) for share, how, colour in bands))


def test_the_default_bands_are_those_of_consumption_quotas() -> None:
    """80 and 90 %, as words; 100 % is the breach."""
    assert [(band.share, band.mark) for band in quota("q").bands] == [
        (0.8, Mark(Severity.NOTICE, Colour.BLUE)),
        (0.9, Mark(Severity.ATTENTION, Colour.YELLOW)),
    ]


def test_the_least_elapsed_share_follows_the_period_unless_it_is_given() -> None:
    """A day needs a quarter, a month its first day; a quota may say otherwise."""
    assert {period: quota("q", period=period).judged_from for period in MIN_ELAPSED} == MIN_ELAPSED
    assert quota("q", min_elapsed=0.5).judged_from == 0.5


def test_levels_have_no_pace() -> None:
    """Totals and carriers add up over the period; demand and intensities do not."""
    assert {measure for measure in measures() if not is_cumulative(measure)} == {
        "demand", "kgce_per_output", "kgce_equal_per_output", "kwh_per_output", "tce_per_value", "tce_equal_per_value",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"2026-3": 1}, "not by '2026-3'"),
        ({"2026-02-30": 1}, "no calendar has a day 2026-02-30"),
        ({"2026-03": 0}, "says nothing of the course"),
        ({"2026-03": 10, "2026-03-02": 6, "2026-03-03": 6}, "the days of 2026-03 add up to 12, the month itself to 10"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(weights: dict[str, float], told: str) -> None:
    """Months and days by the calendar, days within their months."""
    with pytest.raises(ValueError, match=told):
        profile.Plan(weights)


def test_a_plan_tells_months_from_days() -> None:
    """Both in one table, as people plan."""
    plan = profile.Plan({"2026-03": 10.0, "2026-03-02": 6.0, "2026-04-01": 1.0})
    assert plan.months == {"2026-03": 10.0}
    assert plan.days == {date(2026, 3, 2): 6.0, date(2026, 4, 1): 1.0}


def test_a_group_names_each_unit_once() -> None:
    """A unit that counted twice would break the group's quota by itself."""
    with pytest.raises(ValueError, match="named twice: a"):
        Group("g", ("a", "b", "a"))


QUOTA = """
code = "weibin-tce"
measure = "tce"
period = "month"
limit = 812.5
limit_unit = "tce"
valid_from = 2026-01-01
source = "invented document"
bands = [{ share = 0.7, severity = "notice", colour = "blue" }]
"""


def test_a_quota_reads_from_toml_with_its_limit_exact() -> None:
    """The decimal that a person wrote is the limit, not the float nearest to it; whose it is may stand elsewhere."""
    spec = decode_toml(QUOTA.replace("812.5", "0.1"), QuotaSpec, "quota.toml")
    assert (spec.limit, spec.key) == (Decimal("0.1"), "")
    assert spec.bands == (Band(0.7, Severity.NOTICE, Colour.BLUE),)
    assert spec.of_unit("weibin").key == "weibin"


def test_a_faulty_quota_in_toml_is_a_fault_of_the_file() -> None:
    """A wrong unit is reported by the configuration, with the file's name; so is the rule of earlier versions."""
    with pytest.raises(ConfigError, match=r"quota\.toml.*has its limit in tce"):
        decode_toml(QUOTA.replace('limit_unit = "tce"', 'limit_unit = "kWh"'), QuotaSpec, "quota.toml")
    with pytest.raises(ConfigError, match="rule: unknown key"):
        decode_toml(QUOTA + "rule = { for_s = 900 }", QuotaSpec, "quota.toml")


def test_the_text_in_the_database_reads_back() -> None:
    """As JSON, in which a limit is text."""
    spec = quota("q", limit="0.1", profile=profile.WorkingDays(rest=0.1))
    text = msgspec.json.encode(spec)
    assert b'"limit":"0.1"' in text
    assert msgspec.json.decode(text, type=QuotaSpec) == spec
