"""Time-of-use tables of a deployment in the database."""

from __future__ import annotations

from datetime import date

import pytest

from alerts.series import loads
from alerts.time_of_use.files import example, read_tables
from alerts.time_of_use.store import read_supply, record, recorded, supply
from energy.records import RecordError
from energy.storage import Connection
from tests.support.totals_world import FIRST, START, Counted, Used, populate, registry, use

ROW = "61,{voltage},2026-01-01,1-12,all,00:00,24:00,{kind},,invented"


async def test_a_table_goes_by_the_voltage_of_the_unit(undone: Connection) -> None:
    """Its own voltage's table before that of none, from the day on that the unit is supplied so."""
    await populate(undone, registry({"E": Counted("electricity")}))
    lines = ["region,voltage,valid_from,months,days,from,to,kind,factor,source"]
    lines += [
        ROW.format(voltage=voltage, kind=kind) for voltage, kind in (("", "flat"), ("35kV", "peak"), ("1kV", "valley"))
    ]
    await record(undone, read_tables("\n".join(lines).encode(), "t"), author="tester", now=START)
    await supply(undone, read_supply(b"unit,valid_from,voltage\nU,2026-03-02,35kV\n", "s"), "s")
    await use(undone, Used("E", 0, (1000,) * 192))
    await loads.refresh(undone, START.replace(month=3, day=5), FIRST)
    rows = await undone.fetch("select day, flat_kwh, peak_kwh, valley_kwh from unit_load_day order by day")
    assert [tuple(row) for row in rows] == [(date(2026, 3, 1), 96, 0, 0), (date(2026, 3, 2), 0, 96, 0)]
    with pytest.raises(RecordError, match="s:3: unit: no unit 'V'"):
        await supply(undone, read_supply(b"unit,valid_from,voltage\nU,2026-03-02,1kV\nV,2026-03-02,1kV\n", "s"), "s")
    assert [row["voltage"] for row in await undone.fetch("select voltage from unit_voltage")] == ["35kV"]


async def test_a_table_loaded_again_takes_the_place_of_the_one_before(undone: Connection) -> None:
    """The same changes nothing; another one replaces it, and what was said before stays on record."""
    for text, new in ((example(), 1), (example(), 0), (example().replace(b"1.92", b"2.1"), 1)):
        assert await record(undone, read_tables(text, "t"), author="tester", now=START) == new
    (kept,) = await recorded(undone)
    before, same = await recorded(undone, replaced=True)
    assert same == kept
    assert before.replaced_at == START
    assert [one["factor"] for one in before.periods if one["kind"] == "sharp_peak"] == [1.92]
    assert (
        await undone.fetchval("select count(*) from time_of_use_slot where table_id = $1", kept.table_id) == 12 * 3 * 96
    )
