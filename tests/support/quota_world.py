"""A small world for tests of quotas: units with gate meters, and what they used, written straight into the tables."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from alerts.quotas.model import QuotaSpec
from energy.periods import day_start
from energy.storage import Connection, load_queries

ZONE = "Asia/Shanghai"
_TOTALS = load_queries("ingest.accounting.totals", "totals.sql")
FIRST_DAY = date(2026, 3, 1)
TURN = date(2026, 3, 2)
"""The day on which other factors, of the same figures, begin."""
FACTORS = {"electricity": Decimal("0.1229"), "natural_gas": Decimal("1.2143")}
"""kgce per base unit; the test world's CO2 is twice that in kg, its equal value three times."""


def at(hours: float, day: date = FIRST_DAY) -> datetime:
    """The instant `hours` after the start of a local day."""
    return day_start(day, ZONE) + timedelta(hours=hours)


def quota(code: str, *, limit: str = "100", **fields: object) -> QuotaSpec:
    """A quota of standard coal per month, unless `fields` say otherwise; valid from the first day on."""
    plain: dict[str, object] = {
        "code": code,
        "measure": "tce",
        "period": "month",
        "limit": Decimal(limit),
        "limit_unit": "tce",
        "valid_from": FIRST_DAY,
        "source": "invented document",
    }
    return QuotaSpec(**(plain | fields))  # type: ignore[arg-type]  # a table of mixed values stands for keywords


def day_quota(code: str, limit: str, measure: str = "tce", unit: str = "tce", **fields: object) -> QuotaSpec:
    """Likewise per day."""
    return quota(code, limit=limit, measure=measure, limit_unit=unit, period="day", **fields)


async def add_units(connection: Connection, codes: Sequence[str], carriers: Sequence[str] = ("electricity",)) -> None:
    """Units with one gate meter per carrier, one sub-meter that must not count, and the factors."""
    for carrier, (since, until) in itertools.product(FACTORS, itertools.pairwise([date(2021, 4, 1), TURN, date.max])):
        kgce = FACTORS[carrier]
        row = (carrier, since, until, "kWh", kgce, kgce * 3, kgce * 2, False, f"table of {since}")
        await connection.execute(_FACTOR, *row)
    for code in codes:
        unit_id = await connection.fetchval(
            "insert into unit (code, name_zh, name_en, district, industry) values ($1, $2, $3, '610302', '32')"
            " returning unit_id",
            code,
            f"虚构{code}",
            f"Fictional {code}",
        )
        for carrier, level in [*((carrier, 1) for carrier in carriers), ("heat", 2)]:
            await connection.execute(
                "insert into meter (code, unit_id, carrier, level, profile) values ($1, $2, $3, $4, 'any')",
                f"{code}-{carrier}",
                unit_id,
                carrier,
                level,
            )


_FACTOR = """
insert into carrier_factor (carrier, valid_from, valid_to, unit, kgce, kgce_equal, kgco2, provisional, source)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing
"""


async def _insert(connection: Connection, table: str, row: tuple[object, ...]) -> None:
    """A whole row, unless its key is there."""
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(f"insert into {table} values ({places}) on conflict do nothing", *row)  # noqa: S608 - ours


async def use(  # noqa: PLR0913 - the columns of one row
    connection: Connection,
    unit: str,
    tce: str,
    ready: datetime,
    *,
    day: date = FIRST_DAY,
    carrier: str = "electricity",
) -> None:
    """Say that `unit` has used `tce` by one carrier on one day, as accounting would after a recomputation."""
    kgce = Decimal(tce) * 1000
    unit_id = await connection.fetchval("select unit_id from unit where code = $1", unit)
    await connection.execute("delete from unit_day where (unit_id, day, carrier) = ($1, $2, $3)", unit_id, day, carrier)
    row = (unit_id, day, carrier, kgce / FACTORS[carrier], kgce, kgce * 3, kgce * 2, 0, False, ready.astimezone(UTC))
    await _insert(connection, "unit_day", row)
    await connection.execute(
        "update unit_day set metered_quality = quality where (unit_id, day, carrier) = ($1, $2, $3)",
        unit_id,
        day,
        carrier,
    )
    await connection.execute(_TOTALS.write_months, [unit_id], [carrier], [day])
