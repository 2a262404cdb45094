"""What every kind of quota reads, in every kind of period and of every kind of group, worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import pytest

from alerts.evaluation.step import Engine, Wanted
from alerts.quotas.given import given_by_hand
from alerts.quotas.model import Group
from alerts.quotas.store import take
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from energy.storage import Connection
from tests.support.quota_world import FIRST_DAY, TURN, add_units, at, quota, use

_ENTRY = """
insert into entry (unit_id, kind, subject, first_day, last_day, amount, unit, source, author, recorded_at)
select unit_id, $2, $3, $4, $5, $6, 'any', 'hand', 'someone', '2026-03-02' from unit where code = $1
"""
_DEMAND = """
insert into unit_load_day (unit_id, day, day_class, basis, due, known, sound, demand_kw, demand_at)
select unit_id, $1, 'working', 0, 96, 96, 96, $2, $3 from unit where code = 'u1'
"""
DAYS = {date(2026, 2, 25): "5", date(2026, 2, 27): "4", FIRST_DAY: "2", TURN: "1"}
"""tce that u1 used by electricity: 12 in the quarter, 3 in March, 7 from the 26th of February on. Unit u2 used 10.5."""
NOON = at(12, TURN)
Fields: TypeAlias = dict[str, Any]
U1: Fields = {"key": "u1"}
EQUAL: Fields
KWH: Fields
PER_T: Fields
PER_YUAN: Fields
EQUAL, KWH = {"measure": "tce_equal"}, {"measure": "electricity", "limit_unit": "kWh"}
PER_T, PER_YUAN = {"product": "p", "limit_unit": "kgce/t"}, {"limit_unit": "tce/10^4 yuan"}
_KWH = 3000 / 0.1229
CASES: dict[str, tuple[Fields, float, date]] = {
    "day": (U1 | {"period": "day"}, 1, TURN),
    "month": (U1, 3, FIRST_DAY),
    "statistics-month": (U1 | {"period": "statistics_month"}, 7, date(2026, 2, 26)),
    "quarter": (U1 | {"period": "quarter"}, 12, date(2026, 1, 1)),
    "year": (U1 | {"period": "year"}, 12, date(2026, 1, 1)),
    "budget": (U1 | {"kind": "budget", "period": "quarter"}, 12, date(2026, 1, 1)),
    "equal": (U1 | EQUAL, 9, FIRST_DAY),
    "co2": (U1 | {"measure": "tco2", "limit_unit": "tCO2"}, 6, FIRST_DAY),
    "carrier": (U1 | KWH | {"period": "year"}, 4 * _KWH, date(2026, 1, 1)),
    "building": (U1 | KWH | {"area_m2": Decimal(2000), "limit_unit": "kWh/m2"}, _KWH, FIRST_DAY),
    # 0.5 tce are feedstock; of 4 MWh of certificates 1 is the base, and they count by equal value, 0.3687 kgce a kWh.
    "assessed": (U1 | {"measure": "assessed_tce"}, 3 - 0.5 - 3 * 0.3687, FIRST_DAY),
    "assessed-equal": (U1 | {"measure": "assessed_tce_equal"}, 9 - 1.5 - 3 * 0.3687, FIRST_DAY),
    # 100 t and 10 x 10^4 yuan of March's first two days.
    "product": (U1 | PER_T | {"measure": "kgce_per_output"}, 30, FIRST_DAY),
    "product-equal": (U1 | PER_T | {"measure": "kgce_equal_per_output"}, 90, FIRST_DAY),
    "product-kwh": (U1 | PER_T | {"measure": "kwh_per_output", "limit_unit": "kWh/t"}, _KWH / 100, FIRST_DAY),
    "value": (U1 | PER_YUAN | {"measure": "tce_per_value"}, 0.3, FIRST_DAY),
    "value-equal": (U1 | PER_YUAN | {"measure": "tce_equal_per_value"}, 0.9, FIRST_DAY),
    # 900 kW in February, 480 and 500 since.
    "demand": (U1 | {"measure": "demand", "limit_unit": "kW"}, 500, FIRST_DAY),
    "demand-statistics": (
        U1 | {"measure": "demand", "limit_unit": "kW", "period": "statistics_month"}, 900, date(2026, 2, 26)
    ),
    "group": ({"subject": "group", "key": "both"}, 13.5, FIRST_DAY),
    "district": ({"subject": "district", "key": "610302"}, 13.5, FIRST_DAY),
    "city": ({"subject": "city", "key": "6103", "period": "day"}, 1.5, TURN),
    "industry": ({"subject": "industry", "key": "32", "period": "quarter"}, 22.5, date(2026, 1, 1)),
    "size": ({"subject": "size_class", "key": "4"}, 3, FIRST_DAY),
    # (3 + 10.5) tce / (10 + 30) x 10^4 yuan
    "group-value": ({"subject": "city", "key": "6103", "measure": "tce_per_value"} | PER_YUAN, 0.3375, FIRST_DAY),
    "group-assessed": (
        {"subject": "group", "key": "both", "measure": "assessed_tce"}, 13.5 - 0.5 - 3 * 0.3687, FIRST_DAY
    ),
}  # fmt: skip


async def live(connection: Connection) -> None:
    """Two units, what they used and what was filled in."""
    await add_units(connection, ["u1", "u2"])
    await connection.execute("update unit set statistics_day = 26, size_class = 4 where code = 'u1'")
    await connection.execute(
        "insert into product (unit_id, code, unit) select unit_id, 'p', 't' from unit where code = 'u1'"
    )
    await connection.execute("alter table unit_day alter due_s set default 86400")
    await connection.execute("alter table unit_day alter covered_s set default 86400")
    for day, tce in DAYS.items():
        await use(connection, "u1", tce, NOON if day == TURN else at(24, day), day=day)
    await connection.execute(
        "update unit_day set feedstock_kgce = 500, feedstock_kgce_equal = 1500 where day = $1", FIRST_DAY
    )
    await use(connection, "u1", "1", NOON, day=TURN)
    await use(connection, "u2", "10", at(24))
    await use(connection, "u2", "0.5", NOON, day=TURN)
    for unit, kind, subject, last, amount in (
        ("u1", "output", "p", TURN, 100),
        ("u1", "output_value", "", TURN, 10),
        ("u2", "output_value", "", TURN, 30),
        ("u1", "certificate", "", date(2026, 3, 31), 4),
        ("u1", "certificate_base", "", date(2026, 3, 31), 1),
    ):
        await connection.execute(_ENTRY, unit, kind, subject, FIRST_DAY, last, amount)
    for day, kw in ((FIRST_DAY - timedelta(days=1), 900.0), (FIRST_DAY, 480.0), (TURN, 500.0)):
        await connection.execute(_DEMAND, day, kw, at(10, day))


async def test_every_measure_period_and_group_by_hand(undone: Connection) -> None:
    """Through the real step: what stands in the figures, and of which period."""
    await live(undone)
    plain: Fields = {"valid_from": date(2025, 1, 1), "limit": "50"}
    specs = [quota(code, **plain | fields) for code, (fields, _, _) in CASES.items()]
    await take(undone, given_by_hand(specs, [Group("both", ("u1", "u2"))]), author="Li", now=NOON)
    rules = [rule for rule in load_rules([], catalogue()) if rule.subject == "quota"]
    await Engine(rules, catalogue(), stale_s=6 * 3600).evaluate(undone, NOON, Wanted(0))
    rows = await undone.fetch(
        "select code, used, period_start, f.limit_value, ready from quota_figure f join quota using (quota_id)"
    )
    found = {row["code"]: row for row in rows}
    assert {code: row["used"] for code, row in found.items()} == pytest.approx(
        {code: used for code, (_, used, _) in CASES.items()}, abs=1e-6
    )
    assert {code: row["period_start"] for code, row in found.items()} == {
        code: start for code, (_, _, start) in CASES.items()
    }
    assert {code: row["limit_value"] for code, row in found.items() if row["limit_value"] != 50} == {
        "building": 100_000
    }
    assert {row["ready"] for row in rows} == {NOON}
    # Of what is above its limit, levels and totals alike.
    fired = await undone.fetch(
        "select rule, code from alert join quota on quota_id = subject_id"
        " where rule in ('breach', 'intensity', 'demand') and alert.state = 'firing' order by 1, 2"
    )
    assert [tuple(row) for row in fired] == [
        ("breach", "carrier"),
        ("demand", "demand"),
        ("demand", "demand-statistics"),
        ("intensity", "product-equal"),
        ("intensity", "product-kwh"),
    ]
