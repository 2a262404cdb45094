"""Quotas against totals in a real database: what is read, judged and kept."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from alerts.evaluation.step import Engine, Evaluated, Wanted
from alerts.life.evidence import Evidence, rejudge
from alerts.quotas.store import apply_quotas, end
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from energy.storage import Connection
from tests.support.quota_world import FIRST_DAY, TURN, add_units, at, day_quota, quota, use

LOOK_BACK = 2
NEXT_DAY = FIRST_DAY + timedelta(days=1)


def engine() -> Engine:
    """By the shipped rules of quotas."""
    rules = [rule for rule in load_rules([], catalogue()) if rule.subject == "quota"]
    return Engine(rules, catalogue(), stale_s=6 * 3600)


async def evaluate(connection: Connection, now: datetime, look_back: int = LOOK_BACK) -> Evaluated:
    """A new engine each time: whatever is remembered between evaluations must not matter."""
    return await engine().evaluate(connection, now, Wanted(look_back))


async def figures(connection: Connection) -> dict[tuple[str, date], tuple[str, str]]:
    """Verdict and colour by quota and period."""
    rows = await connection.fetch(
        "select code, period_start, verdict, colour from quota_figure join quota using (quota_id)"
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


async def moves(connection: Connection, rule: str) -> list[tuple[str, str]]:
    """All changes of state of a rule in their order: quota and state; an escalation is none."""
    rows = await connection.fetch(
        "select q.code, t.to_state from alert_transition t join alert a using (alert_id)"
        " join quota q on q.quota_id = a.subject_id where a.rule = $1 and t.from_state <> t.to_state"
        " order by transition_id",
        rule,
    )
    return [(row[0], row[1]) for row in rows]


async def proofs(connection: Connection, rule: str) -> list[Evidence]:
    """The evidence of all transitions of a rule."""
    rows = await connection.fetch(
        "select t.evidence::text from alert_transition t join alert a using (alert_id) where rule = $1 order by 1", rule
    )
    return [msgspec.json.decode(row[0], type=Evidence) for row in rows]


async def test_a_unit_goes_from_inactive_to_firing_with_its_evidence(undone: Connection) -> None:
    """The pace lasts for half an hour of data; what is stored then recomputes, and names what it rests on."""
    await add_units(undone, ["u1", "u2"], ["electricity", "natural_gas"])
    await apply_quotas(undone, [("u1", day_quota("q1", "24")), ("u2", day_quota("q2", "24"))])
    for hours in (8.0, 8.25, 8.5):
        for unit, share in (("u1", "0.75"), ("u2", "0.25")):
            for carrier in ("electricity", "natural_gas"):
                await use(undone, unit, str(Decimal(share) * Decimal(hours)), at(hours), carrier=carrier)
        await evaluate(undone, at(hours) + timedelta(minutes=1))
    assert await moves(undone, "pace") == [("q1", "pending"), ("q1", "firing")]
    (first, last) = sorted(await proofs(undone, "pace"), key=lambda proof: proof.now)
    assert rejudge(last) == last.condition == "raised"
    assert (last.figures["used"], last.figures["limit"], last.figures["pace"]) == (12.75, 24, 1.5)
    assert (last.at, last.start, last.end) == (at(8.5), at(0), at(24))
    assert [(part.carrier, part.value) for part in last.parts] == [("electricity", 6.375), ("natural_gas", 6.375)]
    assert {factor.source for factor in last.factors} == {"table of 2021-04-01"}
    assert last.quota is not None
    assert (last.quota.code, last.quota.version, last.subject.unit) == ("q1", 1, "u1")
    assert last.previous is not None
    assert last.previous.figures == first.figures
    status = await undone.fetchrow("select * from board.quota_status where quota = 'q1'")
    assert status is not None
    assert (status["verdict"], status["severity"], status["colour"], status["state"]) == (
        *("on_course", "warning", "orange", "firing"),
    )
    assert (status["used"], status["limit"], status["pace"], status["ready"]) == (12.75, 24, 1.5, at(8.5))


async def test_factors_are_those_in_force_on_some_day_of_the_period(undone: Connection) -> None:
    """The last one before a month and those that begin within it, in their order; none that comes later."""
    await add_units(undone, ["u1"], ["electricity", "natural_gas"])
    quotas = [day_quota("day", "1", "electricity", "kWh"), quota("m", limit="1")]
    await apply_quotas(undone, [("u1", one) for one in quotas])
    for carrier in ("electricity", "natural_gas"):
        await use(undone, "u1", "1", at(8), carrier=carrier)
    await evaluate(undone, at(8))
    found = {proof.quota.code: proof.factors for proof in await proofs(undone, "breach") if proof.quota}
    early = date(2021, 4, 1)
    assert {code: [(one.carrier, one.valid_from) for one in of] for code, of in found.items()} == {
        "day": [("electricity", early)],
        "m": [(carrier, day) for carrier in ("electricity", "natural_gas") for day in (early, TURN)],
    }


async def test_a_factor_that_ended_before_the_period_is_no_evidence(undone: Connection) -> None:
    """On the day on which another one begins, that one alone governs."""
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "1"))])
    await use(undone, "u1", "2", at(8, TURN), day=TURN)
    await evaluate(undone, at(8, TURN), 0)
    (today,) = await proofs(undone, "breach")
    assert [one.valid_from for one in today.factors] == [TURN]


async def test_evaluating_the_same_data_again_writes_nothing(undone: Connection) -> None:
    """Neither a repeated evaluation nor a restarted engine says anything twice."""
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "10"))])
    await use(undone, "u1", "11", at(8))
    first = await evaluate(undone, at(8.1))
    again = await evaluate(undone, at(8.2))
    assert sorted(one.key.rule for one in first.written) == ["breach", "pace", "projection", "share"]
    assert again.written == ()
    assert await moves(undone, "breach") == [("q1", "firing")]


async def test_every_measure_is_read_in_its_own_unit(undone: Connection) -> None:
    """Standard coal and CO2 are thousandths of the stored kilograms, a carrier its amount."""
    await add_units(undone, ["u1"], ["electricity", "natural_gas"])
    quotas = [
        day_quota("a", "100"),
        day_quota("b", "100", "tce_equal"),
        day_quota("c", "100", "tco2", "tCO2"),
        day_quota("d", "100", "natural_gas", "m3"),
        quota("e", period="quarter", valid_from=date(2026, 1, 1)),
        quota("f", period="year", valid_from=date(2026, 1, 1)),
        quota("g"),
    ]
    await apply_quotas(undone, [("u1", one) for one in quotas])
    await use(undone, "u1", "1", at(1))
    await use(undone, "u1", "2", at(1), carrier="natural_gas")
    await evaluate(undone, at(1))
    rows = await undone.fetch("select quota, used from board.quota_status order by quota")
    gas = float(Decimal(2000) / Decimal("1.2143"))
    assert dict(map(tuple, rows)) == pytest.approx({"a": 3, "b": 9, "c": 6, "d": gas, "e": 3, "f": 3, "g": 3})


async def test_exactly_the_limit_is_not_over_it(undone: Connection) -> None:
    """A tenth and a fifth of a kilogram, whose floats add up to more than three tenths."""
    await add_units(undone, ["u1"], ["electricity", "natural_gas"])
    await apply_quotas(undone, [("u1", day_quota("q1", "0.0003"))])
    await use(undone, "u1", "0.0001", at(24))
    await use(undone, "u1", "0.0002", at(24), carrier="natural_gas")
    await evaluate(undone, at(25))
    assert (await figures(undone))["q1", FIRST_DAY] == ("ok", "green")


async def test_a_carrier_without_data_is_not_all_clear(undone: Connection) -> None:
    """A unit whose gas meter never spoke has no verdict; one whose meters all fell silent is stale."""
    await add_units(undone, ["u1", "u2"], ["electricity", "natural_gas"])
    await apply_quotas(undone, [("u1", day_quota("q1", "10")), ("u2", day_quota("q2", "10"))])
    await use(undone, "u1", "1", at(8))
    await use(undone, "u2", "1", at(8))
    await use(undone, "u2", "1", at(8), carrier="natural_gas")
    await evaluate(undone, at(15))
    assert await figures(undone) == {("q1", FIRST_DAY): ("no_data", "grey"), ("q2", FIRST_DAY): ("stale", "grey")}


async def test_absence_neither_clears_nor_confirms(undone: Connection) -> None:
    """A breach whose data is gone again, all or in part, goes on firing; no pace fires while data stands still."""
    await add_units(undone, ["u1", "u2"])
    await add_units(undone, ["u3"], ["electricity", "natural_gas"])
    quotas = [(unit, day_quota(f"q{unit[1]}", "10")) for unit in ("u1", "u2", "u3")]
    await apply_quotas(undone, quotas)
    await use(undone, "u1", "11", at(8))
    await use(undone, "u2", "5", at(8))
    await use(undone, "u3", "3", at(8))
    await use(undone, "u3", "8", at(8), carrier="natural_gas")
    await evaluate(undone, at(8.1))
    await undone.execute("delete from unit_month where carrier = 'natural_gas'")
    await undone.execute("delete from unit_day where carrier = 'natural_gas'")
    await undone.execute("delete from unit_month where unit_id = (select unit_id from unit where code = 'u1')")
    await undone.execute("delete from unit_day where unit_id = (select unit_id from unit where code = 'u1')")
    for hours in (9, 12, 16):
        await evaluate(undone, at(hours))
    assert sorted(await moves(undone, "breach")) == [("q1", "firing"), ("q3", "firing")]
    assert ("q2", "firing") not in await moves(undone, "pace")


async def test_a_missing_day_is_not_made_up_for_by_one_after_the_last_complete(undone: Connection) -> None:
    """A meter that is ahead of the others has its next day already: that one does not count for the month's first."""
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", quota("q1", limit="1000"))])
    lagging = at(23, NEXT_DAY)
    for day in (1, 2):
        await use(undone, "u1", "1", lagging, day=FIRST_DAY + timedelta(days=day))
    await evaluate(undone, lagging + timedelta(hours=3))
    assert await figures(undone) == {("q1", FIRST_DAY): ("incomplete", "grey")}


async def test_a_production_meter_and_a_hand_filled_carrier_hold_nothing_back(undone: Connection) -> None:
    """Neither counts as a gate meter that must deliver; what is filled in counts where it has days."""
    await add_units(undone, ["u1"])
    unit_id = await undone.fetchval("select unit_id from unit")
    await undone.execute(
        "insert into meter (code, unit_id, carrier, level, profile) values ('made', $1, 'production', 1, 'any')",
        unit_id,
    )
    await apply_quotas(undone, [("u1", day_quota("q1", "10"))])
    await use(undone, "u1", "1", at(8))
    await use(undone, "u1", "2", at(3), carrier="natural_gas")
    await undone.execute("update unit_day set metered_quality = null, method = 3 where carrier = 'natural_gas'")
    await evaluate(undone, at(8.1))
    row = await undone.fetchrow("select used, verdict, ready from board.quota_status")
    assert row is not None
    assert tuple(row) == (3, "ok", at(8))


async def test_a_day_closes_and_late_data_corrects_it_openly(undone: Connection) -> None:
    """The breach fires into the next morning, then closes; a smaller total later is a correction with both figures.

    Before it stands what was said last, which is more than the alert fired with.
    """
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "10"))])
    await use(undone, "u1", "11", at(24))
    await use(undone, "u1", "0.1", at(25), day=NEXT_DAY)
    for hours in (25.0, 33.0, 42.0):
        await evaluate(undone, at(hours))
    for used, hours in (("12", 42.1), ("9", 42.2), ("9", 42.3)):
        await use(undone, "u1", used, at(42))
        await evaluate(undone, at(hours))
    assert await moves(undone, "breach") == [("q1", "firing"), ("q1", "resolved"), ("q1", "corrected")]
    last = max(await proofs(undone, "breach"), key=lambda proof: proof.now)
    assert last.previous is not None
    assert (last.figures["used"], last.previous.figures["used"]) == (9, 12)
    assert (last.previous.condition, last.previous.now) == ("raised", at(42.1))
    assert last.message.zh == (
        "虚构u1，q1（2026-03-01起）：更正：并未发生；此前：用量 12 tce，限额 10 tce；现为：用量 9 tce，限额 10 tce"
    )
    assert last.message.en == (
        "Fictional u1, q1 (from 2026-03-01): Correction: it did not happen after all; said before: used 12 tce, limit "
        "10 tce; now: used 9 tce, limit 10 tce"
    )


async def test_missed_days_are_judged_when_the_engine_is_back(undone: Connection) -> None:
    """Looking back far enough judges every period that went by, and those alone that the quota governs."""
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "10"))])
    for number in range(4):
        day = FIRST_DAY + timedelta(days=number)
        await use(undone, "u1", str(8 + number), at(24 * (number + 1)), day=day)
    await evaluate(undone, at(24 * 4 + 1), 30)
    found = await figures(undone)
    verdicts = [found["q1", FIRST_DAY + timedelta(days=number)][0] for number in range(4)]
    assert verdicts == ["ok", "ok", "ok", "exceeded"]
    assert len(found) == 5


async def test_a_changed_limit_is_judged_at_once(undone: Connection) -> None:
    """By the engine that had the old one in memory."""
    await add_units(undone, ["u1"])
    await use(undone, "u1", "5", at(20))
    one = engine()
    for limit in ("10", "4"):
        await apply_quotas(undone, [("u1", day_quota("q1", limit))])
        await one.evaluate(undone, at(20), Wanted(LOOK_BACK))
    assert await figures(undone) == {("q1", FIRST_DAY): ("exceeded", "red")}
    assert await moves(undone, "breach") == [("q1", "firing")]


async def test_a_quota_of_a_group_sums_its_units(undone: Connection) -> None:
    """A district's units together, of which the slowest decides how far it can be judged."""
    await add_units(undone, ["u1", "u2"])
    await apply_quotas(undone, [("u1", day_quota("q1", "100"))])
    await undone.execute(
        "insert into quota (code, subject, key, measure, period, limit_value, limit_unit, valid_from, source,"
        " min_elapsed) values ('d', 'district', '610302', 'tce', 'day', 10, 'tce', '2026-01-01', 'doc', 0.25)"
    )
    await use(undone, "u1", "6", at(8))
    await use(undone, "u2", "5", at(7))
    await evaluate(undone, at(8.1))
    row = await undone.fetchrow("select unit, subject, used, verdict, ready from board.quota_status where quota = 'd'")
    assert row is not None
    assert tuple(row) == ("610302", "district", 11, "exceeded", at(7))
    (proof,) = [proof for proof in await proofs(undone, "breach") if proof.quota and proof.quota.code == "d"]
    assert [(part.carrier, part.value) for part in proof.parts] == [("electricity", 11)]


async def test_a_silent_member_does_not_blind_its_group(undone: Connection) -> None:
    """Of a district's units one never delivered and one fell silent: the others say how far it is judged.

    The district is then incomplete, its pace at least what it says: it fires, and is not ended by figures that shrink.
    """
    await add_units(undone, ["u1", "u2", "silent", "never"])
    await undone.execute(
        "insert into quota (code, subject, key, measure, period, limit_value, limit_unit, valid_from, source,"
        " min_elapsed) values ('d', 'district', '610302', 'tce', 'day', 24, 'tce', '2026-01-01', 'doc', 0.25)"
    )
    await use(undone, "silent", "1", at(2))
    columns = "select used, pace, verdict, ready from board.quota_status where quota = 'd'"
    seen = []
    for hours, used in ((9, 5), (9.5, 6), (9.75, 3)):
        await use(undone, "u1", str(used), at(hours))
        await use(undone, "u2", str(used), at(hours + 0.1))
        await evaluate(undone, at(hours + 0.2))
        row = await undone.fetchrow(columns)
        assert row is not None
        seen.append((row["used"], round(row["pace"], 3), row["verdict"], row["ready"]))
    assert seen == [
        (11, 1.222, "on_course", at(9)),
        (13, 1.368, "on_course", at(9.5)),
        (7, 0.718, "incomplete", at(9.75)),
    ]
    assert await moves(undone, "pace") == [("d", "pending"), ("d", "firing")]
    # The day is over, and all but two say so; it is final when these do.
    for unit in ("u1", "u2"):
        await use(undone, unit, "3", at(24))
        await use(undone, unit, "1", at(26), day=NEXT_DAY)
    await evaluate(undone, at(26))
    assert (await figures(undone))["d", FIRST_DAY] == ("incomplete", "grey")
    for unit in ("silent", "never"):
        await use(undone, unit, "1", at(24))
        await use(undone, unit, "1", at(26), day=NEXT_DAY)
    await evaluate(undone, at(26.1))
    assert (await figures(undone))["d", FIRST_DAY] == ("ok", "green")


async def test_an_alert_whose_rule_is_gone_does_not_fire_for_ever(undone: Connection) -> None:
    """A rule that was switched off is withdrawn, openly."""
    await add_units(undone, ["u1"])
    await apply_quotas(undone, [("u1", day_quota("q1", "10"))])
    await use(undone, "u1", "11", at(8))
    await evaluate(undone, at(8.1))
    without = [rule for rule in load_rules([], catalogue()) if rule.code != "breach"]
    await Engine(without, catalogue(), stale_s=21600).evaluate(undone, at(8.2), Wanted(LOOK_BACK))
    assert await moves(undone, "breach") == [("q1", "firing"), ("q1", "resolved")]


async def test_an_alert_of_a_period_that_its_quota_does_not_govern_any_more_is_withdrawn(undone: Connection) -> None:
    """Quota q1 was ended before that day, q2 is one of months now; q3 fires on."""
    units = ["u1", "u2", "u3"]
    await add_units(undone, units)
    since = FIRST_DAY - timedelta(days=9)
    await apply_quotas(undone, [(unit, day_quota(f"q{unit[1]}", "10", valid_from=since)) for unit in units])
    for unit in units:
        await use(undone, unit, "11", at(8, NEXT_DAY), day=NEXT_DAY)
    await evaluate(undone, at(8.1, NEXT_DAY))
    await end(undone, "q1", NEXT_DAY, author="Wu", now=at(8.1, NEXT_DAY))
    await apply_quotas(undone, [("u2", quota("q2", limit="1000", valid_from=since))])
    await evaluate(undone, at(8.2, NEXT_DAY))
    said = sorted(await moves(undone, "breach"))
    assert said == [("q1", "firing"), ("q1", "resolved"), ("q2", "firing"), ("q2", "resolved"), ("q3", "firing")]
    reasons = await undone.fetch("select distinct reason from alert_transition where to_state = 'resolved'")
    assert [row[0] for row in reasons] == ["withdrawn"]
