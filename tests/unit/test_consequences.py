"""Consequences of a breach in yuan, each worked out by hand; and that nothing is said where nothing is switched on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from alerts.consequences.attaching import consequences
from alerts.consequences.estimates import estimates
from alerts.consequences.files import policies_of, shipped_policies
from alerts.consequences.model import Breach, ConsequencesSettings, Estimate, RegionSettings
from alerts.life.evidence import CarrierPart, Evidence, Judged, QuotaUse
from alerts.life.model import Condition
from alerts.rules.model import Message, Rule, Timing
from alerts.verdicts import EXCEEDED, Colour, Severity
from energy.errors import ConfigError

NOW = datetime(2026, 3, 20, tzinfo=UTC)
RULE = Rule(
    "breach", "v1", "quota", "used > limit", "", Timing(), Severity.CRITICAL, Colour.RED, True, 0, {}, {},
    Message("", ""),
)  # fmt: skip

CLINKER = Breach(
    unit="qishan-cement",
    district="610323",
    industry="30",
    day=date(2026, 3, 1),
    measure="intensity",
    used=140.4,
    limit=117,
    limit_unit="kgce/t",
    product="cement_clinker_energy",
    per_product=True,
    electricity_kwh=1_200_000,
)
ALUMINIUM = msgspec.structs.replace(
    CLINKER, industry="32", product="aluminium_liquid_electricity", used=13_361, limit=13_350, limit_unit="kWh/t"
)
DEMAND = msgspec.structs.replace(
    CLINKER, measure="demand", used=11_200, limit=10_000, limit_unit="kW", product="", per_product=False
)


def shaanxi(*codes: str, classes: dict[str, str] | None = None) -> ConsequencesSettings:
    """These policies switched on for the province."""
    return ConsequencesSettings(region=(RegionSettings("61", codes),), classes=classes or {})


def of(breach: Breach, settings: ConsequencesSettings) -> list[Estimate]:
    """What is estimated."""
    return estimates(breach, policies_of(settings), settings)


@pytest.mark.parametrize(
    ("code", "breach", "least", "most", "formula"),
    [
        # (140.4 - 117) / 117 = 20 %, within once the quota: 0.10
        ("punitive", CLINKER, 120_000, 120_000, "(140.4 - 117) / 117 = +20.00%: 1,200,000 kWh × 0.1 元/kWh"),
        # exactly twice the quota is not more than once above it; a hair beyond is
        ("punitive", msgspec.structs.replace(CLINKER, used=234), 120_000, 120_000, "+100.00%"),
        ("punitive", msgspec.structs.replace(CLINKER, used=234.1), 360_000, 360_000, "0.3 元/kWh = 360,000.00 元"),
        # 61 above 13 300, each started 20: 4 steps
        ("aluminium", ALUMINIUM, 48_000, 48_000, "⌈(13,361 - 13,300) / 20⌉ = 4: 1,200,000 kWh × 0.04"),
        # 13 360 is the third step's end, not the fourth's beginning
        ("aluminium", msgspec.structs.replace(ALUMINIUM, used=13_360), 36_000, 36_000, "= 3: "),
        # from 2022 the threshold was 13 650, before there were two steps
        ("aluminium", msgspec.structs.replace(ALUMINIUM, day=date(2022, 12, 1), used=13_651), 12_000, 12_000, "= 1: "),
        ("aluminium", msgspec.structs.replace(ALUMINIUM, day=date(2021, 12, 1), used=13_800), 24_000, 24_000, "0.02"),
        ("aluminium", msgspec.structs.replace(ALUMINIUM, day=date(2021, 12, 1), used=13_801), 96_000, 96_000, "0.08"),
        ("cement", CLINKER, 60_000, 300_000, "1,200,000 kWh × 0.05…0.25 元/kWh = 60,000.00…300,000.00 元"),
        ("punitive", msgspec.structs.replace(CLINKER, electricity_kwh=None), None, None, "用电量未知 × 0.1 元/kWh"),
        ("over-demand", DEMAND, None, None, "(11,200 - 1.05 × 10,000) kW × 需量电价未知"),
        ("load-control", DEMAND, None, None, "须压减 11,200 - 10,000 = 1,200 kW"),
    ],
)
def test_each_policy_by_hand(code: str, breach: Breach, least: float, most: float, formula: str) -> None:
    """The figure, the formula with its figures, and the document."""
    (found,) = of(breach, shaanxi(code))
    assert (found.policy, found.least_yuan, found.most_yuan) == (code, least, most)
    assert formula in found.formula_zh
    assert found.source.startswith(("发改", "电力负荷"))


def test_a_class_costs_by_its_industry() -> None:
    """Restricted 0.10, eliminated 0.30, of steel 0.50 since 2017; a unit of no class nothing."""
    settings = shaanxi("differential", classes={"a": "restricted", "b": "eliminated"})
    prices = {
        ("a", "30", 2026): 120_000,
        ("b", "30", 2026): 360_000,
        ("b", "31", 2026): 600_000,
        ("b", "31", 2016): 360_000,
    }
    for (unit, industry, year), yuan in prices.items():
        breach = msgspec.structs.replace(CLINKER, unit=unit, industry=industry, day=date(year, 3, 1))
        assert [one.least_yuan for one in of(breach, settings)] == [yuan]
    assert of(CLINKER, settings) == []


def test_demand_costs_what_a_deployment_says(tmp_path: Path) -> None:
    """Its own file takes the place of the shipped policy: (11 200 - 10 500) kW x 2 x 38 yuan; and its order's level."""
    file = tmp_path / "own.toml"
    file.write_text(
        '[[policy]]\nkind = "over-demand"\ncode = "over-demand"\nname_zh = "超需量"\nname_en = "over demand"\n'
        'source = "invented"\nconfidence = "low"\nvalid_from = 2020-01-01\ntolerance = 0.05\ntimes = 2\n'
        'yuan_per_kw = 38\nregion = "6103"\nvalid_to = 2027-01-01\n',
        encoding="utf-8",
    )
    settings = ConsequencesSettings(file, (RegionSettings("61", ("over-demand", "load-control"), gap=0.12),))
    charge, order = of(DEMAND, settings)
    assert (charge.least_yuan, charge.source) == (53_200, "invented")
    assert order.formula_en == "gap 12%, level IV: to come down by 11,200 - 10,000 = 1,200 kW"
    for other in ({"day": date(2019, 12, 31)}, {"day": date(2027, 1, 1)}, {"district": "610102"}):
        elsewhere = of(msgspec.structs.replace(DEMAND, **other), settings)
        assert "over-demand" not in [one.policy for one in elsewhere], other


def test_nothing_is_said_where_nothing_is_switched_on() -> None:
    """By default, elsewhere, of other measures, within the limit, and before the policy's day."""
    everything = tuple(policy.code for policy in shipped_policies())
    on = shaanxi(*dict.fromkeys(everything))
    assert of(CLINKER, ConsequencesSettings()) == []
    assert of(msgspec.structs.replace(CLINKER, district="110105"), on) == []
    assert of(msgspec.structs.replace(CLINKER, measure="tce", product="", per_product=False), on) == []
    assert of(msgspec.structs.replace(CLINKER, used=117), on) == []
    assert of(msgspec.structs.replace(CLINKER, day=date(2010, 5, 31)), on) == []
    assert of(msgspec.structs.replace(DEMAND, used=10_000), on) == []
    assert of(msgspec.structs.replace(ALUMINIUM, used=13_300), shaanxi("aluminium")) == []
    assert of(msgspec.structs.replace(ALUMINIUM, used=13_000), shaanxi("aluminium")) == []
    # a ladder in kWh/t does not judge kgce/t
    assert [one.policy for one in of(msgspec.structs.replace(ALUMINIUM, limit_unit="kgce/t"), on)] == ["punitive"]
    # prices go by the limit value (level 3): above an access value nothing is said
    assert of(msgspec.structs.replace(CLINKER, level="access", limit=107, used=110), on) == []
    closest = ConsequencesSettings(region=(RegionSettings("61", ("cement",)), RegionSettings("610323", ())))
    assert of(CLINKER, closest) == []


def test_every_fault_of_a_file_is_listed(tmp_path: Path) -> None:
    """Steps that fall, editions that overlap, a price beyond reason, a code that there is not."""
    file = tmp_path / "own.toml"
    head = 'code = "own"\nname_zh = "甲"\nname_en = "A"\nsource = "s"\nconfidence = "high"\nvalid_from = 2020-01-01\n'
    steps = "steps = [{ above = 1, yuan_per_kwh = 0.1 }, { above = 1, yuan_per_kwh = 11 }]\n"
    file.write_text(f'[[policy]]\nkind = "over-quota"\n{head}{steps}' * 2, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        policies_of(ConsequencesSettings(file))
    said = str(refused.value)
    assert said.count("steps must rise") == 2
    assert said.count("<= 10") == 2
    assert "own is in force already by s" in said
    with pytest.raises(ConfigError, match="no policy 'punitve'"):
        policies_of(shaanxi("punitve"))


def test_a_breach_is_read_from_evidence() -> None:
    """Electricity is all of the unit's, whatever the quota limits; within the limit, and of the unknown, is none."""
    evidence = Evidence(
        rule=RULE,
        subject=Judged("quota", 7, "q", unit="a", district="610323", industry="30"),
        now=NOW,
        at=NOW,
        condition=Condition.RAISED,
        mark=EXCEEDED,
        figures={"used": 312.0, "limit": 310.0},
        period_start=date(2026, 3, 1),
        quota=QuotaUse("q", 1, "invented", "natural_gas", "m3", "month"),
        parts=(CarrierPart("natural_gas", None, "m3", 312.0),),
        electricity_kwh=1_200_000.0,
    )
    settings = shaanxi("differential", "punitive", classes={"a": "restricted"})
    (found,) = consequences(evidence, policies_of(settings), settings)
    assert (found.policy, found.most_yuan) == ("differential", 120_000)
    for figures in ({"used": 310.0, "limit": 310.0}, {"used": None, "limit": 310.0}):
        assert consequences(msgspec.structs.replace(evidence, figures=figures), policies_of(settings), settings) == ()
