"""A registry of any size, made by the database itself: a million points in seconds."""

from __future__ import annotations

from energy.storage import StorageSettings, connect

REGION = "610303"

_FILL = """
insert into unit (code, name_zh, name_en, district, industry)
select 'U-' || g, '单位' || g, 'Unit ' || g, '{region}', '32' from generate_series(0, {gateways} - 1) g;

insert into gateway (code, region, unit_id)
select 'gw-' || lpad(g::text, 5, '0'), '{region}', unit_id
from generate_series(0, {gateways} - 1) g join unit on code = 'U-' || g;

insert into meter (code, unit_id, carrier, level, profile)
select 'M-' || substr(unit.code, 3) || '-' || i, unit_id, 'electricity', 3, 'none'
from unit, generate_series(0, {points} - 1) i;

insert into point (point_id, code, meter_id, gateway_id, unit)
select
    1 + split_part(meter.code, '-', 2)::int * {points} + split_part(meter.code, '-', 3)::int,
    'P-' || lpad(split_part(meter.code, '-', 2), 5, '0') || '-' || lpad(split_part(meter.code, '-', 3), 4, '0'),
    meter_id, gateway_id, 'kWh'
from meter join gateway using (unit_id);

select setval(pg_get_serial_sequence('point', 'point_id'), max(point_id)) from point;
analyze;
"""


async def fill(dsn: str, gateways: int, points: int) -> None:
    """Register so many gateways with so many points each; ids, from 1, go in the order of the points."""
    async with connect(StorageSettings(dsn)) as connection:
        await connection.execute(_FILL.format(region=REGION, gateways=gateways, points=points))


def gateway_code(number: int) -> str:
    """The code of a gateway that `fill` made."""
    return f"gw-{number:05d}"


def point_code(gateway: int, index: int) -> str:
    """The code of its point."""
    return f"P-{gateway:05d}-{index:04d}"
