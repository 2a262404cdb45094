"""What policies attach to a breach is kept with its evidence, and shown."""

from __future__ import annotations

import msgspec

from alerts.consequences.attaching import attaching
from alerts.consequences.model import ConsequencesSettings, RegionSettings
from alerts.evaluation.step import Engine, Wanted
from alerts.life.evidence import Evidence
from alerts.quotas.store import apply_quotas
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from deploy.cli.alerts_evidence import evidence_lines
from energy.storage import Connection
from tests.support.quota_world import ZONE, add_units, at, day_quota, use


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
        "select rule, to_state, t.evidence from alert_transition t join alert using (alert_id) order by transition_id"
    )
    proofs = {(row["rule"], row["to_state"]): msgspec.json.decode(row["evidence"], type=Evidence) for row in rows}
    assert proofs["pace", "firing"].consequences == ()
    (estimate,) = proofs["breach", "firing"].consequences
    assert estimate.most_yuan == round(12_000 / 0.1229 * 0.10, 2)
    told = "\n".join(evidence_lines(proofs["breach", "firing"], ZONE, "zh", None, None))
    assert "差别电价" in told
    assert "9,764.04  发改价格〔2010〕978号；钢铁：发改价格〔2016〕2803号" in told
    assert "high" in told
