"""Factors in the database: written once, marked exactly where they changed, safe with workers beside each other."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal

from energy.data import shipped
from energy.factors import load_factors, shipped_factors
from energy.storage import Connection, Pool, StorageSettings, connect
from ingest.accounting.factors.sync import Synced, for_every_region, sync_factors
from tests.support.eventually import eventually
from tests.support.factor_world import FIRST, UNITS, changed, in_force, marks, populated, with_grid


async def test_each_unit_has_the_factors_of_its_own_grid(undone: Connection) -> None:
    """What the database says of a unit and day is what the data files say of its district."""
    await populated(undone)
    factors = shipped_factors()
    for unit, district in UNITS.items():
        for carrier in factors.carriers:
            for day in (date(1999, 1, 1), date(2021, 3, 31), date(2021, 4, 1), date(2022, 12, 31), FIRST):
                one = factors.on(carrier, day, district)
                found = await in_force(undone, unit, carrier, day)
                assert found == (one.kgce, one.kgco2, one.provisional), (unit, carrier, day)


async def test_writing_the_factors_twice_is_the_same_as_once_and_dropped_ones_go(undone: Connection) -> None:
    """`carrier_factor` says exactly what the data files say; the second time not a row is touched."""
    await sync_factors(undone, with_grid("2025,northwest,0.5"))
    await sync_factors(undone, shipped_factors())
    rows = "select *, xmin::text from carrier_factor order by carrier, region, valid_from"
    first = await undone.fetch(rows)
    assert await sync_factors(undone, shipped_factors()) == Synced(0)
    assert await undone.fetch(rows) == first
    assert len(first) == len(for_every_region(shipped_factors()))


async def test_a_set_that_takes_the_place_of_another_names_it(undone: Connection) -> None:
    """One worker without the directory of the others changes everybody's totals: nobody must have to guess who did."""
    await undone.execute("truncate carrier_factor, grid_region")
    own = with_grid("2025,northwest,0.5")
    assert (await sync_factors(undone, own)).replaced == ()
    synced = await sync_factors(undone, shipped_factors())
    assert (synced.replaced, synced.changes > 0) == ((own.version,), True)
    assert (await sync_factors(undone, own)).replaced == (shipped_factors().version,)
    assert (await sync_factors(undone, own)).replaced == ()


async def test_a_factor_of_one_grid_marks_its_units_from_its_day_on(undone: Connection) -> None:
    """Published for a year that was provisional: that year's days of the units on that grid, nothing else."""
    await populated(undone)
    last = FIRST + timedelta(days=2)
    await sync_factors(undone, with_grid("2026,northwest,0.5"))
    assert await marks(undone) == {("XIAN", FIRST, last), ("BAOJI", FIRST, last)}
    await sync_factors(undone, with_grid("2026,northwest,0.5", "2024,southwest,0.3"))
    assert await marks(undone) == {("CHENGDU", FIRST, last)}
    await sync_factors(undone, with_grid("2026,northwest,0.5", "2024,southwest,0.3", "2027,north,0.3"))
    assert await marks(undone) == set()


async def test_a_factor_that_begins_within_what_is_stored_leaves_the_days_before(undone: Connection) -> None:
    """From the second day on."""
    await populated(undone)
    second = FIRST + timedelta(days=1)
    coal = shipped().texts["standard_coal.csv"] + f"raw_coal,原煤,raw coal,kg,0.7,,{second},later edition,high,\n"
    await sync_factors(undone, load_factors(shipped().replaced({"standard_coal.csv": coal})))
    assert await marks(undone) == {(unit, second, FIRST + timedelta(days=2)) for unit in UNITS}


async def test_what_is_final_now_is_marked_though_its_figure_is_the_same(undone: Connection) -> None:
    """The result is not provisional any more; another source alone changes none."""
    await populated(undone)
    await sync_factors(undone, changed(shipped_factors(), "electricity", source="read again"))
    assert await marks(undone) == set()
    await sync_factors(undone, changed(shipped_factors(), "raw_coal", provisional=True))
    assert {unit for unit, _, _ in await marks(undone)} == set(UNITS)


async def test_a_province_that_changes_grids_marks_the_days_of_its_units(undone: Connection) -> None:
    """Once, and at once with the new factors; the units of others stay."""
    await populated(undone)
    regions = shipped().texts["grid_regions.csv"].replace("51,southwest", "51,central")
    moved = load_factors(shipped().replaced({"grid_regions.csv": regions}))
    await sync_factors(undone, moved)
    assert await marks(undone) == {("CHENGDU", FIRST, FIRST + timedelta(days=2))}
    assert (await in_force(undone, "CHENGDU", "electricity", FIRST))[1] == Decimal("0.5271")
    await sync_factors(undone, moved)
    assert await marks(undone) == set()


async def test_a_unit_that_moves_to_another_district_is_marked(undone: Connection) -> None:
    """All its days: they were totalled by the factors of the grid that it was on, or just now are."""
    await populated(undone)
    await undone.execute("update unit set district = '510100' where code = 'XIAN'")
    assert await marks(undone) == {("XIAN", date.min, date.max)}
    assert (await in_force(undone, "XIAN", "electricity", FIRST))[1] == Decimal("0.2472")
    await undone.execute("update unit set name_en = 'Other' where code = 'XIAN'")
    assert await marks(undone) == set()


async def test_workers_that_start_together_mark_once(pool: Pool) -> None:
    """Each brings the same new factors; one writes them, the others find them there."""
    async with pool.acquire() as connection:
        await populated(connection)
    new = with_grid("2026,northwest,0.5")

    async def sync() -> Synced:
        """One worker."""
        async with pool.acquire() as connection:
            return await sync_factors(connection, new)

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(sync()) for _ in range(4)]
    assert sorted(worker.result().changes for worker in workers) == [0, 0, 0, 1]
    async with pool.acquire() as connection:
        assert {unit for unit, _, _ in await marks(connection)} == {"XIAN", "BAOJI"}


async def test_a_total_that_is_being_computed_by_the_old_factor_is_marked_too(
    database: StorageSettings, connection: Connection
) -> None:
    """Its transaction began before the new factor came, and its day is not to be seen until it ends."""
    await populated(connection)
    later = FIRST + timedelta(days=9)
    async with connect(database) as deriving, connect(database) as watching, asyncio.TaskGroup() as group:
        began = deriving.transaction()
        await began.start()
        await deriving.execute(
            "insert into unit_day (unit_id, day, carrier, amount, kgce, kgce_equal, kgco2, quality, provisional)"
            " select unit_id, $1, carrier, 1, kgce, 0, 0, 0, false from factor_in_force join unit using (unit_id)"
            " where code = 'BAOJI' and carrier = 'electricity' and $1 >= valid_from and $1 < valid_to",
            later,
        )
        syncing = group.create_task(sync_factors(connection, with_grid("2026,northwest,0.5")))

        async def waits() -> bool:
            """Whether the new factors wait for the total."""
            return bool(await watching.fetchval("select exists (select from pg_locks where not granted)"))

        await eventually(waits)
        assert not syncing.done()
        await began.commit()
    assert ("BAOJI", FIRST, later) in await marks(connection)
