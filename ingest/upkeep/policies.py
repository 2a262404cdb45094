"""Lets TimescaleDB's own policies do what they can, where its edition has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from energy.queries import load_queries
from energy.storage import Connection
from ingest.upkeep.done import Done
from ingest.upkeep.edition import Edition
from ingest.upkeep.settings import UpkeepSettings

_SQL = load_queries("ingest.upkeep", "policies.sql")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which policies there shall be on `readings`: ages from which on they act, None for no policy."""

    retention: timedelta | None
    compression: timedelta | None


def wanted(edition: Edition, settings: UpkeepSettings, *, real_time: bool) -> Wanted:
    """What the edition can do itself; its policies go by the server's clock, and are of no use in another time."""
    if not (settings.policies and edition.has_policies and real_time):
        return Wanted(None, None)
    compressed = timedelta(days=settings.columnstore_days) if edition.passes_conflicts else None
    return Wanted(timedelta(days=settings.readings_days), compressed)


async def arrange(connection: Connection, plan: Wanted, *, paused: bool) -> list[Done]:
    """Make the policies on `readings` those of `plan`; what is compressed already stays so.

    Args:
        connection: within a transaction.
        plan: which policies there shall be.
        paused: whether dropping has to wait.
    """
    jobs = {row["proc_name"]: row for row in await connection.fetch(_SQL.jobs)}
    done = []
    retention, compression = jobs.get("policy_retention"), jobs.get("policy_compression")
    before = retention["age"] if retention else None
    if before != plan.retention:
        statements = _SQL.remove_retention, _SQL.add_retention
        done += await _replace(connection, "retention", before, plan.retention, statements)
        retention = None
    if plan.compression is not None and not await connection.fetchval(_SQL.is_columnar):
        await connection.execute(_SQL.make_columnar)
        done.append(Done("readings", "columnstore_set", detail="by point, in the order of time"))
    before = compression["age"] if compression else None
    if before != plan.compression:
        statements = _SQL.remove_compression, _SQL.add_compression
        done += await _replace(connection, "compression", before, plan.compression, statements)
    if plan.retention is not None:
        scheduled = retention["scheduled"] if retention else True
        if scheduled is paused:
            job = await connection.fetchval(_SQL.retention_job)
            await connection.execute(_SQL.schedule, job, not paused)
            done.append(Done("readings", "policy_paused" if paused else "policy_resumed"))
    return done


async def _replace(
    connection: Connection, kind: str, before: timedelta | None, age: timedelta | None, statements: tuple[str, str]
) -> list[Done]:
    """Remove the policy of age `before` and make one of `age`; None is no policy."""
    remove, add = statements
    done = []
    if before is not None:
        await connection.execute(remove)
        done.append(Done("readings", "policy_removed", detail=f"{kind} from {before.days} days on"))
    if age is not None:
        await connection.execute(add, age)
        done.append(Done("readings", "policy_set", detail=f"{kind} from {age.days} days on"))
    return done
