"""`quotawatt whatif` on a month of steady use: what a cut makes of each quota, worked out by hand."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from alerts.projecting.courses import refresh
from alerts.trying.whatif import Change
from alerts.trying.whatif_store import what_if
from deploy.cli import root
from deploy.cli.whatif_text import lines
from energy.errors import RejectedError
from energy.storage import Connection
from tests.support.totals_world import START, Counted, Used, populate, registry, use

DAYS = 20
NOW = START + timedelta(days=DAYS)
DAY_KWH, DAY_M3 = 96_000.0, 960.0
LIMITS = {"Q-el": ("electricity", "kWh", 30 * DAY_KWH), "Q-gas": ("natural_gas", "m3", 32 * DAY_M3)}
POINTS = {"E": Counted("electricity"), "G": Counted("natural_gas")}
SINCE = date(2026, 3, 26)
CUT_DAYS = 6
"""From the 26th to the 31st."""


async def steady(connection: Connection) -> float:
    """Twenty days of a March in which every quarter hour is alike; tce of a kWh."""
    await populate(connection, registry(POINTS))
    await use(connection, Used("E", 0, (1_000_000,) * 96 * DAYS), Used("G", 0, (10_000,) * 96 * DAYS))
    per_kwh = await connection.fetchval(
        "select sum(kgce) / sum(amount) / 1000 from unit_day where carrier = 'electricity'"
    )
    day_tce = await connection.fetchval("select sum(kgce) / 1000 / $1::int4 from unit_day", DAYS)
    quotas = LIMITS | {"Q-tce": ("tce", "tce", 31 * float(day_tce) - CUT_DAYS * DAY_KWH * float(per_kwh) / 4)}
    for code, (measure, unit, limit) in quotas.items():
        await connection.execute(_QUOTA, code, measure, limit, unit)
    await refresh(connection, NOW)
    return float(per_kwh)


_QUOTA = """
insert into quota
    (code, subject, key, unit_id, measure, period, limit_value, limit_unit, valid_from, source, min_elapsed)
select $1, 'unit', 'U', unit_id, $2, 'month', $3::float8, $4, '2026-01-01', 'an invented document', 0 from unit
"""


async def test_what_ends_at_its_limit_does_not_exhaust_it(undone: Connection) -> None:
    """But for the last digits of sums, which the share that is told is rounded beyond."""
    await steady(undone)
    for below, exhausted in (("0.000001", None), ("1", date(2026, 3, 31))):
        limit = 31 * Decimal(DAY_KWH) - Decimal(below)
        await undone.execute("update quota set limit_value = $1 where code = 'Q-el'", limit)
        found = {one.quota: one for one in await what_if(undone, "U", NOW, Change(SINCE, 0.1, 0.0, "electricity"))}
        assert found["Q-el"].before.exhausted_on == exhausted


async def test_a_cut_is_worth_what_its_days_and_carrier_are(undone: Connection) -> None:
    """A tenth less electricity from the 26th on: of its own quota, of the total, and nothing of gas."""
    per_kwh = await steady(undone)
    saved = 0.1 * CUT_DAYS * DAY_KWH
    found = {one.quota: one for one in await what_if(undone, "U", NOW, Change(SINCE, 0.1, 0.0, "electricity"))}
    electricity, gas, total = found["Q-el"], found["Q-gas"], found["Q-tce"]
    assert electricity.method == "like_days", "there was no year before"
    assert electricity.before.projected == pytest.approx(31 * DAY_KWH)
    assert electricity.after.projected == pytest.approx(31 * DAY_KWH - saved)
    assert electricity.before.exhausted_on == date(2026, 3, 31)
    assert electricity.needed_cut == pytest.approx(1 / CUT_DAYS)
    assert (gas.before, gas.needed_cut) == (gas.after, 0.0)
    assert gas.before.exhausted_on is None
    assert total.before.projected is not None
    assert total.after.projected == pytest.approx(total.before.projected - saved * per_kwh)
    assert total.needed_cut == pytest.approx(0.25), "a quarter of the electricity of six days"
    enough = {one.quota: one for one in await what_if(undone, "U", NOW, Change(SINCE, 0.25, 0.0, "electricity"))}
    assert enough["Q-tce"].after.share == pytest.approx(1)
    other = await what_if(undone, "U", NOW, Change(SINCE, 0.1, 0.0, "natural_gas"))
    assert other[0].needed_cut is None, "no gas can be saved that would help electricity"
    fixed = await what_if(undone, "U", NOW, Change(date.min, 0.0, 1_000.0, "electricity"))
    assert fixed[0].after.projected == pytest.approx(31 * DAY_KWH - 11 * 1_000)
    stopped = await what_if(undone, "U", NOW, Change(date.min, 0.0, 1e9, "electricity"))
    assert stopped[0].after.projected == pytest.approx(DAYS * DAY_KWH), "nobody uses less than nothing"
    with pytest.raises(RejectedError, match="of U there are none of raw_coal, there are of electricity, natural_gas"):
        await what_if(undone, "U", NOW, Change(SINCE, 0.1, 0.0, "raw_coal"))
    later = await what_if(undone, "U", NOW + timedelta(days=60), Change(SINCE, 0.1))
    assert (later[0].used, later[0].before.projected) == (None, None)
    told = "\n".join(lines([other[0], later[0]], NOW, "en"))
    assert "needed cut: no such use is still to come in this period" in told
    assert "Q-el, until 2026-05-31: used not known of 2,880,000.0 kWh; projection: not known" in told
    assert told.endswith("  needed cut: not known")


async def test_what_cannot_be_answered_says_why(undone: Connection) -> None:
    """No such unit, none of that carrier, no quota."""
    await populate(undone, registry(POINTS))
    with pytest.raises(RejectedError, match=r"no such unit: 'UV', did you mean 'U'\?"):
        await what_if(undone, "UV", NOW, Change(SINCE, 0.1))
    with pytest.raises(RejectedError, match=r"no such unit: 'zz'\Z"):
        await what_if(undone, "zz", NOW, Change(SINCE, 0.1))
    with pytest.raises(RejectedError, match=r"whole, settled days .*: of U there are none yet\Z"):
        await what_if(undone, "U", NOW, Change(SINCE, 0.1, 0.0, "raw_coal"))
    with pytest.raises(RejectedError, match="U has no quota in force"):
        await what_if(undone, "U", NOW, Change(SINCE, 0.1))


async def test_the_command_shows_both_ends(connection: Connection, dsn: str, tmp_path: Path) -> None:
    """As text and as JSON, by the data time of the deployment."""
    await steady(connection)
    real = datetime.now(UTC).timestamp()
    settings = tmp_path / "ingest.toml"
    clock = f"[clock]\norigin = {NOW.isoformat()}\nreal_origin = {real}\nscale = 0.001\n"
    settings.write_text(f'[database]\ndsn = "{dsn}"\n[mqtt]\nhost = "localhost"\n{clock}')

    def call(*options: str) -> str:
        result = CliRunner().invoke(root, ("whatif", "U", "--config", str(settings), *options))
        assert result.exit_code == 0, result.output + str(result.exception)
        return result.stdout

    text = await asyncio.to_thread(call, "--cut", "10%", "--from", "2026-03-26", "--carrier", "electricity")
    time, blank, standing, heading, first, second, cut, *_ = text.splitlines()
    assert (time, blank) == ("At 2026-03-21 00:00 of data time", "")
    assert standing == "Q-el, until 2026-03-31: used 1,920,000.0 of 2,880,000.0 kWh; projection: like days"
    assert heading.split()[:1] == ["EXPECTED"]
    assert first.split()[:4] == ["as", "it", "is", "2,976,000.0"]
    assert second.split()[:4] == ["with", "the", "change", "2,918,400.0"]
    assert cut == "  needed cut: 16.7%"
    rows = json.loads(await asyncio.to_thread(call, "--less", "1000", "--json"))
    assert [row["quota"] for row in rows] == ["Q-el", "Q-gas", "Q-tce"]
    assert rows[0]["after"]["projected"] == pytest.approx(2_976_000 - 11_000, rel=1e-6)


def test_a_change_must_be_one() -> None:
    """A share above 0 and at most 100 %, or an amount, of a carrier that exists."""
    for options, message in (
        ((), "give either --cut or --less"),
        (("--cut", "5%", "--less", "3"), "give either --cut or --less"),
        (("--cut", "0"), "is no share"),
        (("--cut", "110%"), "is no share"),
        (("--cut", "ten"), "is no share"),
        (("--cut", "5%", "--carrier", "raw_caol"), "no carrier 'raw_caol', did you mean 'raw_coal'?"),
    ):
        result = CliRunner().invoke(root, ("whatif", "U", "--dsn", "postgresql://nobody@localhost:1/x", *options))
        assert result.exit_code == 2
        assert message in result.output
