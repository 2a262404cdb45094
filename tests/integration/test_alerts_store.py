"""Quotas against totals in a real database: what is read, judged and kept."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from alerts import store
from alerts.evaluation import evaluate
from alerts.evidence import Evidence, rejudge
from alerts.store import apply_quotas
from energy.errors import RejectedError
from energy.storage import Connection, Pool
from tests.support.quota_world import FIRST_DAY, TURN, add_units, at, day_quota, use

LOOK_BACK = 2
NEXT_DAY = FIRST_DAY + timedelta(days=1)


async def states(connection: Connection) -> dict[tuple[str, date], tuple[str, str, str]]:
    """State, verdict and colour by quota and period."""
    rows = await connection.fetch(
        "select code, period_start, state, verdict, colour from quota_state join quota using (quota_id)"
    )
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows}


async def moves(connection: Connection) -> list[tuple[str, str, str]]:
    """All transitions in their order, as boards see them."""
    rows = await connection.fetch("select quota, to_state, verdict from board.quota_history order by transition_id")
    return [(row[0], row[1], row[2]) for row in rows]


async def test_a_unit_goes_from_inactive_to_flagged_with_its_evidence(pool: Pool) -> None:
    """The pace lasts for half an hour of data; the view then shows the unit with figures that recompute."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1", "u2"], ["electricity", "natural_gas"])
        await apply_quotas(connection, [("u1", day_quota("q1", "24")), ("u2", day_quota("q2", "24"))])
        for hours in (8.0, 8.25, 8.5):
            for unit, share in (("u1", "0.75"), ("u2", "0.25")):
                for carrier in ("electricity", "natural_gas"):
                    await use(connection, unit, str(Decimal(share) * Decimal(hours)), at(hours), carrier=carrier)
            await evaluate(connection, at(hours) + timedelta(minutes=1), LOOK_BACK)
        assert await moves(connection) == [("q1", "pending", "on_course"), ("q1", "firing", "on_course")]
        (flagged,) = await store.read_flagged(connection)
        evidence = msgspec.json.decode(flagged["evidence"], type=Evidence)
        assert (flagged["unit"], flagged["quota"], flagged["reason"]) == ("u1", "q1", "on_course")
        assert (flagged["severity"], flagged["colour"]) == ("warning", "orange")
        assert (flagged["used"], flagged["limit"], flagged["projected"]) == (Decimal("12.75"), 24, 36)
        assert (flagged["pace"], flagged["ready"]) == (Decimal("1.5"), at(8.5))
        assert rejudge(evidence) == evidence.judgement
        assert [use.carrier for use in evidence.carriers] == ["electricity", "natural_gas"]
        assert {factor.source for factor in evidence.factors} == {"table of 2021-04-01"}


async def test_factors_are_those_in_force_on_some_day_of_the_period(pool: Pool) -> None:
    """The last one before a month and those that begin within it, in their order; none that comes later."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"], ["electricity", "natural_gas"])
        quotas = [
            day_quota("day", "1", "electricity", "kWh"),
            msgspec.structs.replace(day_quota("m", "1"), period="month"),
        ]
        await apply_quotas(connection, [("u1", quota) for quota in quotas])
        for carrier in ("electricity", "natural_gas"):
            await use(connection, "u1", "1", at(8), carrier=carrier)
        found = await evaluate(connection, at(8), LOOK_BACK)
        factors = {one.evidence.quota.code: one.evidence.factors for one in found.written}
        dated = {code: [(one.carrier, one.valid_from) for one in of] for code, of in factors.items()}
        early = date(2021, 4, 1)
        assert dated == {
            "day": [("electricity", early)],
            "m": [(carrier, day) for carrier in ("electricity", "natural_gas") for day in (early, TURN)],
        }


async def test_a_factor_that_ended_before_the_period_is_no_evidence(pool: Pool) -> None:
    """On the day on which another one begins, that one alone governs."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        await apply_quotas(connection, [("u1", day_quota("q1", "1"))])
        await use(connection, "u1", "2", at(8, TURN), day=TURN)
        found = await evaluate(connection, at(8, TURN), 0)
        (today,) = [one for one in found.written if one.evidence.quota.day == TURN]
        assert [one.valid_from for one in today.evidence.factors] == [TURN]


async def test_evaluating_the_same_data_again_writes_nothing(pool: Pool) -> None:
    """Neither a repeated evaluation nor a restarted engine says anything twice."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        await apply_quotas(connection, [("u1", day_quota("q1", "10"))])
        await use(connection, "u1", "11", at(8))
        first = await evaluate(connection, at(8.1), LOOK_BACK)
    async with pool.acquire() as connection:
        again = await evaluate(connection, at(8.2), LOOK_BACK)
        assert (len(first.written), len(again.written)) == (1, 0)
        assert await moves(connection) == [("q1", "firing", "exceeded")]


async def test_every_measure_is_read_in_its_own_unit(pool: Pool) -> None:
    """Standard coal and CO2 are thousandths of the stored kilograms, a carrier its amount."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"], ["electricity", "natural_gas"])
        quotas = [
            day_quota("a", "100"),
            day_quota("b", "100", "tce_equal"),
            day_quota("c", "100", "tco2", "tCO2"),
            day_quota("d", "100", "natural_gas", "m3"),
        ]
        await apply_quotas(connection, [("u1", quota) for quota in quotas])
        await use(connection, "u1", "1", at(1))
        await use(connection, "u1", "2", at(1), carrier="natural_gas")
        await evaluate(connection, at(1), LOOK_BACK)
        rows = await connection.fetch("select quota, used from board.quota_status order by quota")
        gas = Decimal(2000) / Decimal("1.2143")
        assert [(row[0], float(row[1])) for row in rows] == [
            ("a", 3),
            ("b", 9),
            ("c", 6),
            ("d", pytest.approx(float(gas))),
        ]


async def test_a_carrier_without_data_is_not_all_clear(pool: Pool) -> None:
    """A unit whose gas meter never spoke has no verdict; one whose meters all fell silent is stale."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1", "u2"], ["electricity", "natural_gas"])
        await apply_quotas(connection, [("u1", day_quota("q1", "10")), ("u2", day_quota("q2", "10"))])
        await use(connection, "u1", "1", at(8))
        await use(connection, "u2", "1", at(8))
        await use(connection, "u2", "1", at(8), carrier="natural_gas")
        await evaluate(connection, at(15), LOOK_BACK)
        assert await states(connection) == {
            ("q1", FIRST_DAY): ("inactive", "no_data", "grey"),
            ("q2", FIRST_DAY): ("inactive", "stale", "grey"),
        }


async def test_a_missing_day_is_not_made_up_for_by_one_after_the_last_complete(pool: Pool) -> None:
    """A meter that is ahead of the others has its next day already: that one does not count for the month's first."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        month = msgspec.structs.replace(day_quota("q1", "1000"), period="month")
        await apply_quotas(connection, [("u1", month)])
        lagging = at(23, NEXT_DAY)
        for day in (1, 2):
            await use(connection, "u1", "1", lagging, day=FIRST_DAY + timedelta(days=day))
        await evaluate(connection, lagging + timedelta(hours=3), LOOK_BACK)
        assert await states(connection) == {("q1", FIRST_DAY): ("inactive", "incomplete", "grey")}


async def test_a_day_closes_and_late_data_corrects_it_openly(pool: Pool) -> None:
    """The breach fires into the next morning, then closes; a smaller total later is a correction with both figures."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        await apply_quotas(connection, [("u1", day_quota("q1", "10"))])
        await use(connection, "u1", "11", at(24))
        await use(connection, "u1", "0.1", at(25), day=NEXT_DAY)
        await evaluate(connection, at(25), LOOK_BACK)
        await evaluate(connection, at(32.5), LOOK_BACK)
        await evaluate(connection, at(33), LOOK_BACK)
        await use(connection, "u1", "9", at(33))
        await evaluate(connection, at(33.1), LOOK_BACK)
        assert [move for move in await moves(connection) if move[1] != "pending"] == [
            ("q1", "firing", "exceeded"),
            ("q1", "resolved", "exceeded"),
            ("q1", "corrected", "ok"),
        ]
        last = await connection.fetchrow("select * from board.quota_history order by transition_id desc limit 1")
        assert last is not None
        assert (last["used"], last["previous_used"], last["previous_verdict"]) == (9, 11, "exceeded")


async def test_missed_days_are_judged_when_the_engine_is_back(pool: Pool) -> None:
    """Looking back far enough judges every period that went by, and those alone that the quota governs."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        await apply_quotas(connection, [("u1", day_quota("q1", "10"))])
        for number in range(4):
            day = FIRST_DAY + timedelta(days=number)
            await use(connection, "u1", str(8 + number), at(24 * (number + 1)), day=day)
        await evaluate(connection, at(24 * 4 + 1), 30)
        found = await states(connection)
        verdicts = [found["q1", FIRST_DAY + timedelta(days=number)][1] for number in range(4)]
        assert verdicts == ["ok", "ok", "ok", "exceeded"]
        assert len(found) == 5


async def test_a_changed_limit_is_judged_at_once(pool: Pool) -> None:
    """Applying quotas again replaces them by code."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        await use(connection, "u1", "5", at(20))
        for limit in ("10", "4"):
            await apply_quotas(connection, [("u1", day_quota("q1", limit))])
            await evaluate(connection, at(20), LOOK_BACK)
        assert await states(connection) == {("q1", FIRST_DAY): ("firing", "exceeded", "red")}


async def test_a_quota_of_an_unknown_unit_is_refused_whole(pool: Pool) -> None:
    """Nothing is written when one of several does not fit."""
    async with pool.acquire() as connection:
        await add_units(connection, ["u1"])
        with pytest.raises(RejectedError, match=r"no such units: nobody \(quota q2\)"):
            await apply_quotas(connection, [("u1", day_quota("q1", "10")), ("nobody", day_quota("q2", "10"))])
        assert await connection.fetchval("select count(*) from quota") == 0


async def test_only_one_instance_leads(pool: Pool) -> None:
    """The second takes over when the first connection ends."""
    async with pool.acquire() as first, pool.acquire() as second:
        assert await store.lead(first)
        assert not await store.lead(second)
        await first.close()
        assert await store.lead(second)
