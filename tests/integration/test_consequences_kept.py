"""What policies attach to a breach is kept with its evidence, and shown."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from alerts.consequences.attaching import attaching
from alerts.consequences.model import ConsequencesSettings, RegionSettings
from alerts.evaluation.step import Engine, Wanted
from alerts.life import people
from alerts.life.evidence import Evidence
from alerts.quotas.store import apply_quotas
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from deploy.cli.alerts_evidence import evidence_lines
from energy.storage import Connection
from tests.support.quota_world import FACTORS, FIRST_DAY, add_units, at, day_quota, quota, use


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """What a test does on it is undone."""
    return undone


async def test_the_evidence_of_a_breach_names_its_price(connection: Connection) -> None:
    """A restricted unit, 12 tce of electricity: 12 000 / 0.1229 kWh at 0.10; a warning before the breach names none."""
    await add_units(connection, ["u1"])
    await apply_quotas(connection, [("u1", day_quota("q1", "10"))])
    settings = ConsequencesSettings(region=(RegionSettings("61", ("differential",)),), classes={"u1": "restricted"})
    engine = Engine(load_rules((), catalogue()), catalogue(), stale_s=6 * 3600, attached=attaching(settings))
    for tce, hour in (("9", 12), ("9", 13), ("12", 14)):
        await use(connection, "u1", tce, at(hour))
        await engine.evaluate(connection, at(hour), Wanted(2))
    rows = await connection.fetch(
        "select alert_id, rule, to_state, t.evidence"
        " from alert_transition t join alert using (alert_id) order by transition_id"
    )
    proofs = {(row["rule"], row["to_state"]): msgspec.json.decode(row["evidence"], type=Evidence) for row in rows}
    assert proofs["pace", "firing"].consequences == ()
    (estimate,) = proofs["breach", "firing"].consequences
    assert estimate.most_yuan == round(12_000 / 0.1229 * 0.10, 2)
    breach = await people.one(connection, next(row["alert_id"] for row in rows if row["rule"] == "breach"))
    told = "\n".join(evidence_lines(proofs["breach", "firing"], breach, "zh", None, None))
    assert "差别电价" in told
    assert "9,764.04  发改价格〔2010〕978号；钢铁：发改价格〔2016〕2803号" in told
    assert "high" in told


_PRODUCT = """
insert into product (unit_id, code, unit, quota_key)
select unit_id, 'al-99', 't', 'aluminium_liquid_electricity' from unit
"""
_OUTPUT = """
insert into entry (unit_id, kind, subject, first_day, last_day, amount, unit, source, author, recorded_at)
select unit_id, 'output', 'al-99', $1::date, $1::date, 2, 't', 'hand', 'tester', $2 from unit
"""


@pytest.mark.parametrize(
    ("given", "prices"),
    [
        ({}, {"aluminium": 0.04, "punitive": 0.10}),
        ({"standard": "aluminium_liquid_electricity", "level": "advanced"}, {"aluminium": 0.04}),
        ({"standard": "cement_electricity", "level": "limit"}, {"punitive": 0.10}),
    ],
    ids=["by its product", "of a stricter level", "of another row"],
)
async def test_a_product_that_uses_too_much_is_priced_by_its_standard(
    connection: Connection, given: dict[str, str], prices: dict[str, float]
) -> None:
    """13 361 kWh/t of 2 t: 61 above 13 300 is four steps; within once the limit value 0.10, which is level 3 alone.

    The row of the standards is the quota's own, or else its product's, whatever the unit calls that.
    """
    await add_units(connection, ["u1"])
    await connection.execute(_PRODUCT)
    await connection.execute(_OUTPUT, FIRST_DAY, at(0))
    said: dict[str, object] = {"limit": "13350", "limit_unit": "kWh/t", "product": "al-99", **given}
    await apply_quotas(connection, [("u1", quota("q1", measure="kwh_per_output", **said))])  # type: ignore[arg-type]  # a table of mixed values stands for keywords
    await use(connection, "u1", str(2 * 13_361 * FACTORS["electricity"] / 1000), at(24))
    settings = ConsequencesSettings(region=(RegionSettings("61", ("aluminium", "punitive")),))
    engine = Engine(load_rules((), catalogue()), catalogue(), stale_s=6 * 3600, attached=attaching(settings))
    found = await engine.evaluate(connection, at(25), Wanted(2))
    (proof,) = [
        one.evidence for one in found.written if one.key.rule == "intensity" and isinstance(one.evidence, Evidence)
    ]
    assert {one.policy: one.most_yuan for one in proof.consequences} == {
        policy: round(float(Decimal(2 * 13_361) * Decimal(str(price))), 2) for policy, price in prices.items()
    }
