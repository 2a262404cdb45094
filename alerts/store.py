"""What the alerts package reads and writes in the database; all SQL stands in `sql/alerts.sql`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from alerts.evidence import CarrierUse, Evidence, FactorUse, Previous, WatchedPeriod
from alerts.quotas import QuotaRule, QuotaSpec
from alerts.states import AlertState, Standing, Transition
from alerts.verdicts import Colour, Mark, Severity, Verdict
from energy.errors import RejectedError
from energy.periods import day_start, local_day, period_of
from energy.storage import Connection, load_queries, translating

LOCK = 0x71775F616C657274
"""The advisory lock ("qw_alert") of the one instance that evaluates."""
_SQL = load_queries("alerts", "alerts.sql")


class Watched(msgspec.Struct, frozen=True):
    """One quota in one period as the store knows it: what governs it, what was used, and where its alert stands."""

    quota_id: int
    quota: WatchedPeriod
    uses: tuple[CarrierUse, ...]
    standing: Standing | None
    previous: Previous | None
    ready: datetime | None


class Outcome(msgspec.Struct, frozen=True):
    """What one look at one quota came to."""

    quota_id: int
    evidence: Evidence
    standing: Standing
    transition: Transition | None


async def lead(connection: Connection) -> bool:
    """Try to become the one instance that evaluates, for as long as `connection` lasts."""
    with translating():
        return bool(await connection.fetchval(_SQL.lead, LOCK))


async def read_watched(connection: Connection, now: datetime, look_back_days: int) -> list[Watched]:
    """Every quota in each period that touches the last `look_back_days`, or whose alert has not ended."""
    with translating():
        zones = [row["time_zone"] for row in await connection.fetch(_SQL.zones)]
        days = [local_day(now, zone) for zone in zones]
        rows = await connection.fetch(_SQL.watched, zones, days, look_back_days)
    return [_watched(dict(row)) for row in rows]


async def with_factors(connection: Connection, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The `outcomes`, their evidence complete: with the factors behind every use that it rests on."""
    asked = [
        (number, one.evidence.quota.unit, use.carrier, one.evidence.quota.day, _last_border(one.evidence.quota))
        for number, one in enumerate(outcomes)
        for use in one.evidence.carriers
    ]
    found: dict[int, list[FactorUse]] = {number: [] for number in range(len(outcomes))}
    with translating():
        for row in await connection.fetch(_SQL.factors, *map(list, zip(*asked, strict=True))) if asked else ():
            found[row["number"]].append(msgspec.convert(dict(row), FactorUse))
    return [_proven(one, tuple(found[number])) for number, one in enumerate(outcomes)]


async def keep(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Write states and transitions; the same ones again change nothing."""
    if not outcomes:
        return
    with translating():
        await connection.execute(_SQL.keep_states, _json([_state_row(one) for one in outcomes]))
        moves = [_transition_row(one, one.transition) for one in outcomes if one.transition is not None]
        if moves:
            await connection.execute(_SQL.keep_transitions, _json(moves))


async def apply_quotas(connection: Connection, quotas: Sequence[tuple[str, QuotaSpec]]) -> None:
    """Write quotas, each with the code of its unit; a quota whose code is known is replaced.

    Raises:
        RejectedError: units that the registry does not have; nothing is written then.
    """
    rows = [_quota_row(unit, spec) for unit, spec in quotas]
    with translating():
        async with connection.transaction():
            written = {row["code"] for row in await connection.fetch(_SQL.apply_quotas, _json(rows))}
            if missing := [(unit, spec.code) for unit, spec in quotas if spec.code not in written]:
                names = ", ".join(f"{unit} (quota {code})" for unit, code in missing)
                raise RejectedError(f"no such units: {names}", advice="Apply the registry first.")


async def read_flagged(connection: Connection) -> list[dict[str, Any]]:
    """The rows of the view board.flagged, gravest first."""
    with translating():
        return [dict(row) for row in await connection.fetch(_SQL.flagged)]


def _proven(one: Outcome, factors: tuple[FactorUse, ...]) -> Outcome:
    return msgspec.structs.replace(one, evidence=msgspec.structs.replace(one.evidence, factors=factors))


def _last_border(quota: WatchedPeriod) -> date:
    """The local day that begins when the period ends."""
    return local_day(quota.end, quota.zone)


def _watched(row: Mapping[str, Any]) -> Watched:
    return Watched(
        quota_id=row["quota_id"],
        quota=_period(row, row["period_start"]),
        uses=msgspec.json.decode(row["uses"], type=tuple[CarrierUse, ...]),
        standing=_standing(row),
        previous=_previous(row),
        ready=row["ready"],
    )


def _period(row: Mapping[str, Any], day: date) -> WatchedPeriod:
    zone = row["time_zone"]
    period = period_of(day_start(day, zone), row["period"], zone)
    return WatchedPeriod(
        code=row["code"],
        source=row["source"],
        measure=row["measure"],
        period=row["period"],
        limit=row["limit_value"],
        limit_unit=row["limit_unit"],
        rule=msgspec.json.decode(row["rule"], type=QuotaRule),
        unit=row["unit"],
        zone=zone,
        day=day,
        start=period.start,
        end=period.end,
    )


def _standing(row: Mapping[str, Any]) -> Standing | None:
    if row["state"] is None:
        return None
    return Standing(
        state=AlertState(row["state"]),
        since=row["since"],
        cause=Verdict(row["cause"]) if row["cause"] else None,
        seen_from=row["seen_from"],
        verdict=Verdict(row["verdict"]),
        mark=Mark(Severity(row["severity"]), Colour(row["colour"])),
    )


def _previous(row: Mapping[str, Any]) -> Previous | None:
    if row["verdict"] is None:
        return None
    return Previous(Verdict(row["verdict"]), row["used"], row["stated_limit"], row["projected"])


def _state_row(one: Outcome) -> dict[str, Any]:
    judgement, standing = one.evidence.judgement, one.standing
    return _shared_columns(one) | {
        "state": standing.state,
        "cause": standing.cause,
        "since": standing.since,
        "seen_from": standing.seen_from,
        "used": one.evidence.used,
        "limit_value": one.evidence.quota.limit,
        "used_share": judgement.used_share,
        "elapsed_share": judgement.elapsed_share,
        "pace": judgement.pace,
        "projected": judgement.projected,
        "exhausted_at": judgement.exhausted_at,
        "ready": one.evidence.ready,
        "evaluated_at": one.evidence.now,
    }


def _transition_row(one: Outcome, move: Transition) -> dict[str, Any]:
    return _shared_columns(one) | {"from_state": move.from_state, "to_state": move.to_state, "at": move.at}


def _shared_columns(one: Outcome) -> dict[str, Any]:
    return {
        "quota_id": one.quota_id,
        "period_start": one.evidence.quota.day,
        "verdict": one.standing.verdict,
        "severity": one.standing.mark.severity,
        "colour": one.standing.mark.colour,
        "evidence": one.evidence,
    }


def _quota_row(unit: str, spec: QuotaSpec) -> dict[str, Any]:
    return {
        "code": spec.code,
        "unit": unit,
        "measure": spec.measure,
        "period": spec.period,
        "limit_value": spec.limit,
        "limit_unit": spec.limit_unit,
        "valid_from": spec.valid_from,
        "valid_to": spec.valid_to,
        "source": spec.source,
        "rule": spec.rule,
    }


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()
