"""Alerts in the database: kept once, read back whole, and people's words safe against evaluations."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerts.life import people
from alerts.life.model import AlertState, Condition, Reason
from alerts.life.store import AlertKey, Outcome, keep, read_said, read_standings
from alerts.life.windows import Window
from alerts.verdicts import Colour, Mark, Severity
from deploy.cli import alerts_text
from energy.errors import RejectedError
from energy.storage import Connection, Notifications, Pool, StorageSettings
from tests.support.alert_rows import DAY, KEY, as_said, at, evidence, known, look, outcome, populate
from tests.support.eventually import eventually

ORANGE = Mark(Severity.WARNING, Colour.ORANGE)
MOVES = "select from_state || ' ' || to_state || ' ' || reason from alert_transition order by transition_id"
_WAITS = "select exists (select from pg_locks where pid = $1 and not granted)"


async def moves(connection: Connection) -> list[str]:
    """All transitions, in their order."""
    return [row[0] for row in await connection.fetch(MOVES)]


async def test_a_life_is_kept_and_read_back_whole(undone: Connection) -> None:
    """From the first firing to a correction with both figures; a restart at any point changes nothing."""
    await populate(undone)
    assert await look(undone, None, 1) is None
    fired = await look(undone, 103.0, 2)
    assert fired is not None
    assert (fired.state, fired.fired_at, fired.firings) == (AlertState.FIRING, at(2), 1)
    assert await look(undone, 103.5, 2) == await look(undone, None, 3) == fired
    corrected = await look(undone, 99.0, 4)
    assert corrected is not None
    assert corrected.state is AlertState.CORRECTED
    assert await moves(undone) == ["inactive firing raised", "firing corrected corrected"]
    (row,) = await undone.fetch("select * from board.quota_history order by transition_id desc limit 1")
    assert (row["used"], row["previous_used"], row["limit"], row["unit"]) == (99.0, 103.0, 100.0, "u-1")
    assert row["rule"] == "quota_breach"
    listed = await undone.fetch("select message_en, reason, period_start, data_until from board.alert_history a"
                                " join (select transition_id as t, (evidence ->> 'at')::timestamptz as data_until"
                                " from alert_transition) e on e.t = a.transition_id order by t")  # fmt: skip
    assert [tuple(row) for row in listed] == [
        ("u-1 used 103.0 of 100", "raised", DAY, at(2)),
        ("u-1 used 99.0 of 100", "corrected", DAY, at(4)),
    ]
    assert await undone.fetch("select * from board.alert") == []


async def test_the_same_outcomes_again_change_nothing(undone: Connection) -> None:
    """Nor do those of another instance that looked at the same."""
    await populate(undone)
    first = await outcome(undone, 103.0, 2)
    assert first is not None
    assert await keep(undone, [first]) == []
    assert await keep(undone, [first]) == [first]
    assert await moves(undone) == ["inactive firing raised"]
    assert await undone.fetchval("select revision from alert") == 1
    assert await keep(undone, []) == []


async def test_what_is_only_remembered_leaves_evidence_and_history_alone(undone: Connection) -> None:
    """Such as from when on a firing alert has been clear."""
    await populate(undone)
    await look(undone, 103.0, 2)
    before = await known(undone)
    assert before is not None
    remembered = replace(before.standing, clear_from=at(3))
    assert await keep(undone, [Outcome(KEY, 1, before.revision, remembered)]) == []
    after = await known(undone)
    assert after is not None
    assert (after.standing, after.revision) == (remembered, 2)
    found = await read_said(undone, [after.alert_id])
    assert found == {after.alert_id: as_said(evidence(103.0, at(2), Condition.RAISED))}
    assert [(one.quota_version, one.rule_version) for one in found.values()] == [(2, "1a2b3c")]
    assert await moves(undone) == ["inactive firing raised"]


async def test_many_at_once_are_each_kept_for_itself(undone: Connection) -> None:
    """In whatever order they come: each transition with its own evidence, and who was written meanwhile handed back."""
    await populate(undone)
    keys = [replace(KEY, period_start=DAY - timedelta(days=days)) for days in (0, 62, 31, 93)]
    for key in (keys[2], keys[3]):
        await look(undone, 102.0, 1, key)
    going_on = await known(undone, keys[3])
    assert going_on is not None
    remembered = Outcome(keys[3], 1, going_on.revision, replace(going_on.standing, clear_from=at(2)))
    found = [
        await outcome(undone, used, 2, key=key) for used, key in ((99.0, keys[2]), (105.0, keys[0]), (107.0, keys[1]))
    ]
    given = [remembered, *(one for one in found if one is not None)]
    await look(undone, 99.0, 2, keys[2])
    assert await keep(undone, given) == [found[0]]
    rows = await undone.fetch(
        "select a.period_start, t.from_state, t.to_state, (t.evidence #>> '{figures,used}')::float8 as used,"
        " a.evidence = t.evidence as is_last, t.alert_id = a.alert_id and t.unit_id = 1 as is_whole"
        " from alert_transition t join alert a using (alert_id) order by a.period_start, t.transition_id"
    )
    assert [tuple(row) for row in rows] == [
        (keys[3].period_start, "inactive", "firing", 102, True, True),
        (keys[1].period_start, "inactive", "firing", 107, True, True),
        (keys[2].period_start, "inactive", "firing", 102, False, True),
        (keys[2].period_start, "firing", "corrected", 99, True, True),
        (keys[0].period_start, "inactive", "firing", 105, True, True),
    ]
    assert await undone.fetchval("select count(distinct pg_column_compression(evidence)) from alert_transition") <= 1


async def test_boards_see_each_quota_once_and_each_alert(undone: Connection) -> None:
    """Flagged is the quota with its gravest alert and the figures of now; open alerts have names and message."""
    await populate(undone)
    pace = replace(KEY, rule="quota_pace")
    found = await outcome(undone, 101.0, 1, key=pace, mark=ORANGE)
    assert found is not None
    await keep(undone, [found])
    await look(undone, 103.0, 2)
    (flagged,) = await undone.fetch("select * from board.flagged")
    assert (flagged["reason"], flagged["used"], flagged["share"], flagged["severity"]) == (
        "quota_breach", 104.5, 1.045, "critical",
    )  # fmt: skip
    rows = await undone.fetch("select * from board.alert order by rule")
    assert [(row["rule"], row["message_zh"], row["unit_name_zh"], row["code"], row["district"]) for row in rows] == [
        ("quota_breach", "u-1已用 103.0，限额 100", "虚构钛业", "u-1.month", "610303"),
        ("quota_pace", "u-1已用 101.0，限额 100", "虚构钛业", "u-1.month", "610303"),
    ]


async def test_the_list_says_since_when_it_fires_whatever_became_of_it_since(undone: Connection) -> None:
    """Escalated or taken on, it stands before what fired later; once it is over, with the time at which it ended."""
    await populate(undone)
    later = replace(KEY, period_start=DAY - timedelta(days=31))
    await look(undone, 103.0, 2)
    await look(undone, 103.0, 3, later)
    before = await known(undone)
    assert before is not None
    escalated = replace(before.standing, since=at(6), escalated_at=at(6))
    assert await keep(undone, [Outcome(KEY, 1, before.revision, escalated)]) == []

    async def told(states: tuple[AlertState, ...] = people.OPEN) -> list[str]:
        found = await people.listed(undone, people.Chosen(states), 9)
        return list(alerts_text.list_lines(found, "en", None))[1:]

    first, second = await told()
    assert "firing!" in first
    (shown,) = await people.listed(undone, people.Chosen(alert_id=before.alert_id), 1)
    assert any("firing since 2026-03-01T02:00" in line for line in alerts_text.head_lines(shown, "en"))
    assert f"{DAY}  2026-03-01 02:00" in first
    assert f"{later.period_start}  2026-03-01 03:00" in second
    await people.acknowledge(undone, before.alert_id, "Li Wei", "", at(7))
    assert "2026-03-01 02:00" in (await told())[0]
    await look(undone, 99.0, 8)
    assert "2026-03-01 08:00" in (await told((AlertState.CORRECTED,)))[0]


async def test_what_a_look_concerns_is_read(undone: Connection) -> None:
    """Open alerts of any time, ended ones of periods that are looked at, those without a period; no others."""
    await populate(undone)
    keys = [replace(KEY, period_start=DAY - timedelta(days=days)) for days in (0, 31, 62)]
    for key in keys:
        await look(undone, 103.0, 2, key)
    await look(undone, 99.0, 3, keys[1])
    await undone.execute(
        "insert into alert (rule, subject, subject_id, state, since, severity, colour, standing, evidence)"
        " select 'silent', 'unit', 1, state, since, severity, colour, standing, '{}' from alert limit 1"
    )
    found = [one.key.period_start for one in await read_standings(undone, "quota", since=DAY)]
    assert sorted(day for day in found if day) == [keys[2].period_start, keys[0].period_start]
    assert len(await read_standings(undone, "quota", since=DAY - timedelta(days=31), ids=[1])) == 3
    assert await read_standings(undone, "quota", since=DAY, ids=[2]) == []
    (bare,) = await read_standings(undone, "unit", since=DAY)
    assert bare.key == AlertKey("silent", "unit", 1)
    assert await read_said(undone, [bare.alert_id]) == {}


async def test_delivery_is_woken_by_what_it_must_know(pool: Pool, database: StorageSettings) -> None:
    """By a firing, an acknowledgement and a window, and by nothing that changes nothing."""
    async with pool.acquire() as connection, Notifications(database, "alerts") as heard:
        await populate(connection)
        await look(connection, 103.0, 2)
        assert await heard.wait(9)
        alert = await known(connection)
        assert alert is not None
        await people.acknowledge(connection, alert.alert_id, "Li Wei", "", at(4))
        assert await heard.wait(9)
        await people.add_window(connection, Window("unit", "u-1", at(0), at(9), "Wu", "overhaul"))
        assert await heard.wait(9)
        await look(connection, 103.0, 5)
        assert not await heard.wait(0.1)


async def test_an_evaluation_does_not_undo_an_acknowledgement_that_came_meanwhile(pool: Pool) -> None:
    """It has read the alert before, and writes after: its outcome is handed back, and the next look keeps the word."""
    async with pool.acquire() as evaluator, pool.acquire() as person:
        await populate(evaluator)
        await look(evaluator, 103.0, 2)
        before = await known(evaluator)
        assert before is not None
        stale = await outcome(evaluator, 104.0, 3, mark=ORANGE, before=before)
        assert stale is not None
        await people.acknowledge(person, before.alert_id, "Li Wei", "on my way", at(2.5))
        assert await keep(evaluator, [stale]) == [stale]
        again = await outcome(evaluator, 104.0, 3, mark=ORANGE)
        assert again is not None
        assert await keep(evaluator, [again]) == []
        alert = await known(evaluator)
        assert alert is not None
        assert (alert.standing.state, alert.standing.acknowledged_by) == (AlertState.ACKNOWLEDGED, "Li Wei")
        assert (await moves(evaluator))[1:] == [
            "firing acknowledged acknowledged",
            "acknowledged acknowledged severity",
        ]
        (_, said, _) = await people.history(person, before.alert_id)
        assert (said.author, said.note, said.transition.reason) == ("Li Wei", "on my way", Reason.ACKNOWLEDGED)


@pytest.mark.parametrize(("used", "accepted"), [(104.0, True), (99.0, False)])
async def test_a_person_waits_for_an_evaluation_that_has_not_committed(
    pool: Pool, used: float, *, accepted: bool
) -> None:
    """And speaks of what it wrote: of a new severity, or of an alert that is over."""
    async with pool.acquire() as evaluator, pool.acquire() as person, pool.acquire() as watcher:
        await populate(evaluator)
        await look(evaluator, 103.0, 2)
        before = await known(evaluator)
        assert before is not None
        async with evaluator.transaction():
            found = await outcome(evaluator, used, 3, mark=ORANGE)
            assert found is not None
            assert await keep(evaluator, [found]) == []
            said = asyncio.ensure_future(people.acknowledge(person, before.alert_id, "Li Wei", "", at(3)))
            await eventually(lambda: watcher.fetchval(_WAITS, person.get_server_pid()))
        if not accepted:
            with pytest.raises(RejectedError, match="the alert is corrected"):
                await said
            return
        move = await said
        assert move is not None
        assert move.mark == ORANGE
        alert = await known(evaluator)
        assert alert is not None
        assert (alert.standing.state, alert.standing.mark) == (AlertState.ACKNOWLEDGED, ORANGE)


async def test_an_evaluation_waits_for_a_person_and_two_instances_fire_once(pool: Pool) -> None:
    """Whoever comes second sees that he is late."""
    async with pool.acquire() as one, pool.acquire() as other, pool.acquire() as watcher:
        await populate(one)
        firing = await outcome(one, 103.0, 2)
        assert firing is not None
        async with one.transaction():
            assert await keep(one, [firing]) == []
            second = asyncio.ensure_future(keep(other, [firing]))
            await eventually(lambda: watcher.fetchval(_WAITS, other.get_server_pid()))
        assert await second == [firing]
        before = await known(one)
        assert before is not None
        stale = await outcome(one, 99.0, 3)
        assert stale is not None
        async with one.transaction():
            await people.acknowledge(one, before.alert_id, "Li Wei", "", at(2.5))
            late = asyncio.ensure_future(keep(other, [stale]))
            await eventually(lambda: watcher.fetchval(_WAITS, other.get_server_pid()))
        assert await late == [stale]
        assert await moves(one) == ["inactive firing raised", "firing acknowledged acknowledged"]


async def test_windows_are_added_listed_and_ended_once(undone: Connection) -> None:
    """With who and why; one that covers nobody, or ends before it begins, is refused."""
    await populate(undone)
    window = Window("district", "6103", at(0), at(9), "Wu", "overhaul", "quota_pace")
    number = await people.add_window(undone, window)
    assert await people.windows(undone, 9, open_at=at(1)) == [replace(window, window_id=number)]
    assert await people.windows(undone, 9, open_at=at(9)) == []
    await people.end_window(undone, number, "Li Wei", at(2))
    (ended,) = await people.windows(undone, 9, open_at=None)
    assert (ended.end, ended.ended_by) == (at(2), "Li Wei")
    for wrong, message in (
        (people.end_window(undone, number, "Wu", at(3)), "has ended"),
        (people.end_window(undone, 99, "Wu", at(3)), "there is no maintenance window 99"),
        (people.add_window(undone, replace(window, until=at(0))), "must end after"),
        (people.add_window(undone, replace(window, key="44")), "no unit is registered in district 44"),
        (people.acknowledge(undone, 99, "Wu", "", at(3)), "there is no alert 99"),
    ):
        with pytest.raises(RejectedError, match=message):
            await wrong
