"""Quotas: what is accepted, what is refused and how."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from alerts.quotas import Band, QuotaRule, QuotaSpec, limit_unit_of
from alerts.verdicts import Colour, Severity
from energy.config import decode_toml
from energy.errors import ConfigError


def spec(**changes: object) -> QuotaSpec:
    """A plain monthly quota with some fields changed."""
    fields: dict[str, object] = {
        "code": "q-1",
        "measure": "tce",
        "period": "month",
        "limit": Decimal(100),
        "limit_unit": "tce",
        "valid_from": date(2026, 1, 1),
        "source": "invented document",
    }
    return QuotaSpec(**(fields | changes))  # type: ignore[arg-type]  # a table of mixed values stands for keywords


@pytest.mark.parametrize(
    ("measure", "unit"),
    [("tce", "tce"), ("tce_equal", "tce"), ("tco2", "tCO2"), ("electricity", "kWh"), ("natural_gas", "m3")],
)
def test_a_limit_is_in_the_unit_of_its_measure(measure: str, unit: str) -> None:
    """Aggregates have units of their own, a carrier has its base unit."""
    assert limit_unit_of(measure) == unit
    assert spec(measure=measure, limit_unit=unit).limit_unit == unit


def test_another_unit_of_measure_is_refused() -> None:
    """A limit in MWh on a carrier counted in kWh would be wrong by a thousand."""
    with pytest.raises(ValueError, match="has its limit in kWh, not in 'MWh'"):
        spec(measure="electricity", limit_unit="MWh")


def test_an_unknown_measure_names_the_known_ones() -> None:
    """The message lists what can be written instead."""
    with pytest.raises(ValueError, match=r"unknown measure 'power'.*tce_equal.*electricity"):
        spec(measure="power")


@pytest.mark.parametrize("limit", ["0", "-1", "NaN", "Infinity"])
def test_a_limit_is_a_number_above_zero(limit: str) -> None:
    """Nothing can be divided by the other ones."""
    with pytest.raises(ValueError, match="above 0"):
        spec(limit=Decimal(limit))


def test_validity_ends_after_it_begins() -> None:
    """A quota that ends on its first day governs nothing."""
    with pytest.raises(ValueError, match="valid_to must come after"):
        spec(valid_to=date(2026, 1, 1))


def test_bands_rise() -> None:
    """Two bands at one share would contradict each other."""
    band = Band(0.9, Severity.NOTICE, Colour.BLUE)
    with pytest.raises(ValueError, match="bands must rise"):
        QuotaRule(bands=(band, band))


def test_the_least_elapsed_share_follows_the_period_unless_it_is_given() -> None:
    """A day needs a quarter, a month its first day; a rule may say otherwise."""
    assert QuotaRule().min_elapsed_of("day") == 0.25
    assert QuotaRule().min_elapsed_of("month") == 0.03
    assert QuotaRule(min_elapsed=0.5).min_elapsed_of("day") == 0.5


class _Unit(msgspec.Struct):
    quota: list[QuotaSpec]


class _City(msgspec.Struct):
    unit: _Unit


def test_the_documented_quota_is_one_with_every_default_spelt_out() -> None:
    """What docs/rules.md shows can be copied, and its defaults are the real ones."""
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    (quota,) = decode_toml(text.split("```toml\n")[1].split("```")[0], _City, "docs/rules.md").unit.quota
    assert quota.rule == QuotaRule(min_elapsed=QuotaRule().min_elapsed_of(quota.period))


QUOTA = """
code = "weibin-tce"
measure = "tce"
period = "month"
limit = 812.5
limit_unit = "tce"
valid_from = 2026-01-01
source = "invented document"
rule = { for_s = 900, bands = [{ share = 0.7, severity = "notice", colour = "blue" }] }
"""


def test_a_quota_reads_from_toml_with_its_limit_exact() -> None:
    """The decimal that a person wrote is the limit, not the float nearest to it."""
    quota = decode_toml(QUOTA, QuotaSpec, "quota.toml")
    assert quota.limit == Decimal("812.5")
    assert quota.rule == QuotaRule(for_s=900, bands=(Band(0.7, Severity.NOTICE, Colour.BLUE),))


def test_a_faulty_quota_in_toml_is_a_fault_of_the_file() -> None:
    """A wrong unit is reported by the configuration, with the file's name."""
    with pytest.raises(ConfigError, match=r"quota\.toml.*has its limit in tce"):
        decode_toml(QUOTA.replace('limit_unit = "tce"', 'limit_unit = "kgce"'), QuotaSpec, "quota.toml")
