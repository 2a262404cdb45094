"""A small world for tests of factors: units of several grids with totals on some days, straight in the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from energy.data import shipped
from energy.factors import Factor, FactorSet, load_factors, shipped_factors
from energy.storage import Connection
from ingest.accounting.factors.sync import sync_factors

FIRST = date(2026, 3, 1)
UNITS = {"XIAN": "610100", "BAOJI": "610302", "CHENGDU": "510100", "CHIFENG": "150402", "HONGKONG": "810000"}
"""Of the grids northwest, southwest and, by the city, northeast; and of none."""


async def populated(connection: Connection, days: int = 3) -> None:
    """Units of several grids, with totals of electricity and coal on some days."""
    await sync_factors(connection, shipped_factors())
    for code, district in UNITS.items():
        await connection.execute(
            "insert into unit (code, name_zh, name_en, district, industry) values ($1, '虚构', 'Fictional', $2, '32')",
            code,
            district,
        )
    await connection.execute(
        "insert into unit_day (unit_id, day, carrier, amount, kgce, kgce_equal, kgco2, quality, provisional)"
        " select unit_id, $1::date + n, carrier, 1, 0, 0, 0, 0, false"
        " from unit, generate_series(0, $2 - 1) n, unnest(array['electricity', 'raw_coal']) carrier",
        FIRST,
        days,
    )


async def marks(connection: Connection) -> set[tuple[str, date, date]]:
    """What is marked to be totalled again; takes the marks away."""
    rows = await connection.fetch(
        "with taken as (delete from unit_dirty returning *)"
        " select code, since, until from taken join unit using (unit_id)"
    )
    assert len({tuple(row) for row in rows}) == len(rows)
    return {(row[0], row[1], row[2]) for row in rows}


def with_grid(*lines: str) -> FactorSet:
    """The shipped factors, with further years of grids."""
    grid = shipped().texts["co2_grid.csv"] + "".join(f"{line},\n" for line in lines)
    return load_factors(shipped().replaced({"co2_grid.csv": grid}))


def changed(factors: FactorSet, carrier: str, **figures: object) -> FactorSet:
    """`factors`, those of a carrier with other figures."""

    def one(factor: Factor) -> Factor:
        return replace(factor, **figures) if factor.carrier == carrier else factor  # type: ignore[arg-type]  # by keyword

    return replace(factors, factors=tuple(map(one, factors.factors)))


async def in_force(connection: Connection, unit: str, carrier: str, day: date) -> Sequence[object]:
    """Coal and CO2 of one base unit, and whether that is provisional; exactly one row holds."""
    (row,) = await connection.fetch(
        "select kgce, kgco2, provisional from factor_in_force join unit using (unit_id)"
        " where code = $1 and carrier = $2 and $3 >= valid_from and $3 < valid_to",
        unit,
        carrier,
        day,
    )
    return tuple(row)
