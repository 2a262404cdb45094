"""Units' own factors in the database: they go before the common ones, for their unit and days alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from energy.carriers import carriers
from energy.errors import RejectedError
from energy.factors import shipped_factors
from energy.records import RecordError
from energy.storage import Connection
from ingest.accounting.factors.measured import read_measured
from ingest.accounting.factors.measured_store import record, recorded, undo
from ingest.accounting.factors.sync import sync_factors
from tests.support.factor_world import FIRST, changed, in_force, marks, populated

HEADER = "unit,carrier,valid_from,valid_to,ncv,ncv_unit,carbon_tc_per_gj,oxidation,source\n"
NOW = datetime(2026, 3, 5, tzinfo=UTC)
DEFAULT = (Decimal("714.3"), Decimal("2071.5"), False)
LAST = FIRST + timedelta(days=2)


async def say(connection: Connection, *lines: str) -> int:
    """Record what a file of these lines says."""
    found = read_measured((HEADER + "\n".join(lines)).encode(), "ncv.csv", carriers())
    return await record(connection, found, author="Li", reason="month's analysis", now=NOW, place="ncv.csv")


async def coal(connection: Connection, *units: str, day: date = FIRST) -> list[object]:
    """The factors of raw coal of units on a day."""
    return [await in_force(connection, unit, "raw_coal", day) for unit in units]


async def test_a_measured_calorific_value_goes_before_the_common_one(undone: Connection) -> None:
    """For its unit from its day on; what was not measured, the carbon per GJ, is the common one."""
    await populated(undone)
    assert await say(undone, f"BAOJI,raw_coal,{FIRST + timedelta(days=1)},,22.5,GJ/t,,,report 7") == 1
    assert await coal(undone, "BAOJI", "XIAN") == [DEFAULT, DEFAULT]
    later = await coal(undone, "BAOJI", "XIAN", day=LAST)
    # 22.5 GJ/t x 0.02618 tC/GJ x 0.93 x 44/12, as tonnes; kgce as 22.5 GJ over 29.3076 MJ
    assert later == [(Decimal("767.718953446"), Decimal("2008.6605"), False), DEFAULT]
    assert await marks(undone) == {("BAOJI", FIRST + timedelta(days=1), LAST)}
    source = await undone.fetchval(
        "select source from factor_in_force join unit using (unit_id)"
        " where code = 'BAOJI' and carrier = 'raw_coal' and valid_to = 'infinity'"
    )
    assert source.startswith("measured by the unit: report 7; what it did not measure: kgce: GB/T 2589-2020")


async def test_a_measured_carbon_content_decides_the_co2(undone: Connection) -> None:
    """Also of a carrier for which no factor is published: its result is not provisional any more."""
    await populated(undone)
    await say(
        undone, f"BAOJI,coal_gangue,{FIRST},,9,GJ/t,0.027,0.9,report", f"XIAN,coal_gangue,{FIRST},,9,GJ/t,,,report"
    )
    kgce = Decimal("307.087581378")
    assert await in_force(undone, "BAOJI", "coal_gangue", FIRST) == (kgce, Decimal("801.9"), False)
    assert await in_force(undone, "XIAN", "coal_gangue", FIRST) == (kgce, 0, True)
    assert await in_force(undone, "CHENGDU", "coal_gangue", FIRST) == (Decimal("285.7"), 0, True)


async def test_a_record_holds_until_its_end_or_the_next_one(undone: Connection) -> None:
    """Then the common factor holds again."""
    await populated(undone)
    second, third = FIRST + timedelta(days=1), LAST
    await say(
        undone,
        f"BAOJI,raw_coal,{FIRST},,20,GJ/t,,,first",
        f"BAOJI,raw_coal,{second},{third},24,GJ/t,,,second",
    )
    kgce = [(await in_force(undone, "BAOJI", "raw_coal", day))[0] for day in (FIRST, second, third)]
    assert kgce == [Decimal("682.416847507"), Decimal("818.900217009"), Decimal("714.3")]


async def test_the_same_again_changes_nothing_and_another_figure_replaces(undone: Connection) -> None:
    """What was replaced stays on record, undone, and holds again when what replaced it is undone."""
    await populated(undone)
    line = f"BAOJI,raw_coal,{FIRST},,22.5,GJ/t,,,report 7"
    await say(undone, line)
    await marks(undone)
    assert await say(undone, line) == 0
    assert await marks(undone) == set()
    assert await say(undone, line.replace("22.5", "21")) == 1
    assert await marks(undone) == {("BAOJI", FIRST, LAST)}
    new, old = await recorded(undone, "BAOJI", 10)
    assert (new.ncv_gj, new.undone_at, new.valid_to) == (Decimal(21), None, None)
    assert (old.ncv_gj, old.undone_by, old.undone_why) == (Decimal("22.5"), "Li", "replaced: month's analysis")
    assert await undo(undone, new.unit_factor_id, author="Wu", reason="slip", now=NOW) == old.unit_factor_id
    assert await marks(undone) == {("BAOJI", FIRST, LAST)}
    new, old = await recorded(undone, "BAOJI", 10)
    assert (new.undone_by, old.undone_at) == ("Wu", None)
    assert await in_force(undone, "BAOJI", "raw_coal", FIRST) == (Decimal("767.718953446"), Decimal("2008.6605"), False)
    assert await undo(undone, old.unit_factor_id, author="Wu", reason="slip", now=NOW) is None


async def test_an_undone_record_is_as_if_it_had_never_been(undone: Connection) -> None:
    """Its days are marked, the common factor is back, the record stays; once only."""
    await populated(undone)
    before = await undone.fetch("select * from factor_in_force order by unit_id, carrier, valid_from")
    await say(undone, f"BAOJI,raw_coal,{FIRST},,22.5,GJ/t,,,report 7")
    await marks(undone)
    (one,) = await recorded(undone, None, 10)
    await undo(undone, one.unit_factor_id, author="Wang", reason="wrong sample", now=NOW)
    assert await marks(undone) == {("BAOJI", FIRST, LAST)}
    assert await undone.fetch("select * from factor_in_force order by unit_id, carrier, valid_from") == before
    assert [one.undone_why for one in await recorded(undone, "BAOJI", 10)] == ["wrong sample"]
    with pytest.raises(RejectedError, match="undone already, by Wang: wrong sample"):
        await undo(undone, one.unit_factor_id, author="Wang", reason="again", now=NOW)
    with pytest.raises(RejectedError, match="no record 0"):
        await undo(undone, 0, author="Wang", reason="again", now=NOW)
    with pytest.raises(RejectedError, match="both are needed"):
        await undo(undone, one.unit_factor_id, author="Wang", reason=" ", now=NOW)


async def test_a_new_common_factor_touches_what_a_unit_did_not_measure(undone: Connection) -> None:
    """The common CO2 per GJ moves the CO2 of a unit that measured its calorific value alone."""
    await populated(undone)
    await say(undone, f"BAOJI,raw_coal,{FIRST},,20,GJ/t,,,report", f"XIAN,raw_coal,{FIRST},,20,GJ/t,0.025,1,report")
    await sync_factors(undone, changed(shipped_factors(), "raw_coal", kgco2_per_gj=Decimal(90)))
    found = [(await in_force(undone, unit, "raw_coal", FIRST))[1] for unit in ("BAOJI", "XIAN")]
    assert found == [1800, Decimal("1833.333333333")]


async def test_a_unit_that_is_not_registered_keeps_the_whole_file_out(undone: Connection) -> None:
    """With its line."""
    await populated(undone)
    with pytest.raises(RecordError, match=r"ncv\.csv:3: unit: 'NOBODY' is not registered"):
        await say(undone, f"BAOJI,raw_coal,{FIRST},,20,GJ/t,,,r", f"NOBODY,raw_coal,{FIRST},,20,GJ/t,,,r")
    assert await recorded(undone, None, 10) == []
