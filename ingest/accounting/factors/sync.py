"""The dated factors in the database, where totals pick the one of their day."""

from __future__ import annotations

from collections.abc import Sequence

from energy.factors import Factor
from energy.storage import Connection, load_queries, translating

_SQL = load_queries("ingest.accounting.factors", "factors.sql")


async def sync_factors(connection: Connection, factors: Sequence[Factor]) -> None:
    """Make `carrier_factor` say what `factors` say, and state the days anew that this touches; idempotent.

    One transaction. Carriers that `factors` do not name stay as they are. Raises as `energy.storage.translating` says.
    """
    carriers, days = [one.carrier for one in factors], [one.valid_from for one in factors]
    rest = [
        [getattr(one, field) for one in factors]
        for field in ("unit", "kgce", "kgce_equal", "kgco2", "provisional", "source")
    ]
    with translating():
        async with connection.transaction():
            await connection.execute(_SQL.write, carriers, days, *rest)
            await connection.execute(_SQL.drop, carriers, days)
            await connection.execute(_SQL.restate)
