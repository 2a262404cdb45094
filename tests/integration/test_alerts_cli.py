"""`quotawatt alerts`, as a person at the bureau calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from alerts.life.machine import advance
from alerts.life.model import Condition, Look
from alerts.life.store import AlertKey, Outcome, keep
from alerts.rules.model import Subject, Timing
from deploy.cli import root
from energy.errors import RejectedError
from energy.storage import Pool
from tests.support.alert_rows import BREACH, RED, at, evidence, look, populate

Call = Callable[..., "asyncio.Future[Result]"]
_WINDOW = ("--until", "2099-03-01 18:00", "--author", "Wu", "--reason", "overhaul")
_GATE = """
insert into meter (meter_id, code, unit_id, carrier, level, profile)
values (1, 'm-1', 1, 'electricity', 1, 'any');
insert into gateway (gateway_id, unit_id, code, region) values (1, 1, 'g-1', '610303');
insert into point (code, meter_id, gateway_id, quantity, unit) values ('m-1.register', 1, 1, 'register', 'kWh');
"""


@pytest.fixture
async def call(pool: Pool, dsn: str) -> Call:
    """Calls the command in a thread with a loop of its own; an alert was corrected, and fires anew."""
    async with pool.acquire() as connection:
        await populate(connection)
        for used, hours in ((103.0, 2), (99.0, 3), (104.0, 4)):
            await look(connection, used, hours)

    def run(*arguments: str) -> asyncio.Future[Result]:
        runner = CliRunner(env={"QUOTAWATT_DSN": dsn, "LC_ALL": "en_US.UTF-8"})
        return asyncio.ensure_future(asyncio.to_thread(runner.invoke, root, ("alerts", *arguments)))

    return run


async def test_an_alert_is_listed_taken_on_given_back_and_shown(call: Call) -> None:
    """In both languages, in times of the unit's zone, with who did what and why."""
    heading, line = (await call("list")).stdout.splitlines()
    assert heading.split() == ["ID", "STATE", "SEVERITY", "RULE", "OF", "SINCE", "SAYS"]
    assert line.split(maxsplit=8) == [
        "1", "firing", "critical", "quota_breach", "u-1.month", "2026-03-01", "2026-03-01", "04:00",
        "u-1 used 104.0 of 100",
    ]  # fmt: skip
    assert (await call("list", "--lang", "zh")).stdout.endswith("u-1已用 104.0，限额 100\n")
    both = ("--rule", "pace", "--rule", "quota_breach", "--severity", "notice", "--severity", "critical")
    assert (await call("list", *both)).stdout.splitlines() == [heading, line]
    asked = ("--state", "触发", "--severity", "严重", "--lang", "zh")
    assert (await call("list", *asked)).stdout.splitlines()[1].split()[1:3] == ["触发", "严重"]
    for none in (
        ("--state", "resolved"),
        ("--rule", "pace"),
        ("--severity", "notice"),
        ("--district", "44"),
        ("--since", "2026-03-02 00:00"),
        ("--since", "2026-03-02"),
    ):
        assert (await call("list", *none)).stdout == "No alert, as far as it is asked for.\n"
    for command in (("list", "--of-unit", "u-l"), ("windows", "add", "--of-unit", "u-l", *_WINDOW)):
        assert str((await call(*command)).exception) == "no such unit: 'u-l', did you mean 'u-1'?"
    assert len(json.loads((await call("list", "--history", "--district", "6103", "--json")).stdout)) == 1
    assert (await call("ack", "1", "--by", "Li Wei", "--note", "on my way")).stdout == "Taken on: alert 1.\n"
    taken = (await call("ack", "1", "--by", "Wu")).exception
    assert isinstance(taken, RejectedError)
    assert str(taken).startswith("alert 1 is taken: Li Wei has it since 20")
    shown = (await call("show", "1")).stdout.splitlines()
    assert next(line for line in shown if line.startswith("taken on:")).endswith("by Li Wei")
    assert [line.split()[0] for line in shown[-5:]] == ["NO", "1", "2", "3", "4"], "whatever other alerts there are"
    assert shown[-1].split(maxsplit=7)[3:] == [
        "firing",
        "acknowledged",
        "acknowledged",
        "critical",
        "Li Wei  on my way",
    ]
    assert (await call("unack", "1", "--by", "Li Wei", "--note", "ill")).stdout == "Given back: alert 1.\n"
    moves = json.loads((await call("show", "1", "--json")).stdout)["history"]
    assert [move["transition"]["to_state"] for move in moves] == [
        "firing", "corrected", "firing", "acknowledged", "firing",
    ]  # fmt: skip


async def test_the_evidence_is_explained_and_recomputed(call: Call) -> None:
    """Figures then, before and today; sums made anew; the condition judged anew, and doubted aloud where it differs."""
    told = " ".join((await call("explain", "1", "--change", "2")).stdout.split())
    for part in (
        "rule: quota_breach, version 1a2b3c",
        "raised if: used > limit",
        "quota: u-1.month, version 2: quota of tce per month",
        "source: letter 7",
        "quality: estimated",
        "before: raised, firing, judged 2026-03-01T02:00+08:00",
        "FIGURE UNIT THEN BEFORE TODAY limit * tce 100 100 100 used * tce 99 103 104.5 provisional 0 or 1",
        "quality estimated estimated not known used_share 0.99 1.03 1.045",
        "electricity by its factor: yes (805533 kWh x 0.1229 / 1000 = 99)",
        "The parts add up to what was used: yes (99 and 99)",
        "What was used, of the limit: yes (0.99 and 0.99)",
        "The stored condition is reproduced: yes (clear and clear)",
        "Today: found 2026-03-16T20:01+08:00, data up to 2026-03-16T20:00+08:00.",
        "GB/T 2589-2020",
    ):
        assert part in told
    assert told.count("u-1 used 104.0 of 100") == 1, "where it stands now"
    assert (await call("explain", "1")).stdout.count("u-1 used 104.0 of 100") == 1, "nothing is said twice"
    chinese = (await call("explain", "1", "--lang", "zh")).stdout
    assert "u-1已用 104.0" in chinese
    assert "保存的结论可重现：是（触发 与 触发）" in chinese
    headings = {line.split(":")[0] for line in chinese.splitlines() if ":" in line.split(" ")[0]}
    assert [one for one in headings if one.isascii()] == []
    missing = await call("explain", "1", "--change", "9")
    assert isinstance(missing.exception, RejectedError)
    assert "alert 1 has no change 9: it has 3" in str(missing.exception)


async def test_evidence_that_does_not_give_its_condition_is_told(call: Call, pool: Pool) -> None:
    """Somebody has changed a figure, or a rule is judged in another way: the exit code says so too."""
    await pool.execute("update alert_transition set evidence = jsonb_set(evidence, '{figures,used}', '98')")
    told = await call("explain", "1")
    assert told.exit_code == 1
    assert "The parts add up to what was used: NO (104 and 98)" in told.stdout
    assert "The stored condition is reproduced: NO (clear and raised)" in told.stdout


async def test_units_and_meters_are_explained_beside_what_is_known_of_them_today(call: Call, pool: Pool) -> None:
    """Read anew; of a meter that is gone there is nothing."""
    await pool.execute(_GATE)
    numbers = []
    silent: list[tuple[int, Subject, dict[str, float | None]]] = [
        (1, "unit", {"missing": 3.0, "lag_h": None}),
        (1, "meter", {"missing": 0.0, "lag_h": 30.0}),
        (9, "meter", {"missing": 1.0, "lag_h": None}),
    ]
    for subject_id, subject, figures in silent:
        rule = replace(BREACH, code="silent", subject=subject, when="missing > 0 or lag_h > 24")
        proof = replace(evidence(None, at(2), Condition.RAISED, rule), figures=figures, quota=None, parts=())
        standing, move = advance(None, Look(Condition.RAISED, RED, at(2)), Timing(), at(2))
        assert standing
        async with pool.acquire() as connection:
            await keep(connection, [Outcome(AlertKey("silent", subject, subject_id), 1, 0, standing, move, proof)])
        numbers.append(str(await pool.fetchval("select max(alert_id) from alert")))
    unit, meter, gone = [(await call("explain", number)).stdout for number in numbers]
    assert "FIGURE UNIT THEN TODAY lag_h * h not known not known missing * 3 1" in " ".join(unit.split())
    assert "FIGURE UNIT THEN TODAY lag_h * h 30 not known missing * 0 or 1 0 1" in " ".join(meter.split())
    assert "data up to not known." in meter
    assert "today" not in gone.lower()
    listed = (await call("list")).stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["ID", "1", *numbers], "as grave, and older, but of no quota"


async def test_evidence_of_an_older_version_is_shown_as_it_stands(call: Call, pool: Pool) -> None:
    """What the platform said before it had rules: `explain` says where to find it."""
    await pool.execute('update alert_transition set evidence = \'{"used": 103, "limit": 100}\' where transition_id = 1')
    first, second, _ = json.loads((await call("show", "1", "--json")).stdout)["history"]
    assert (first["evidence"], first["older"]) == (None, {"used": 103, "limit": 100})
    assert (second["evidence"]["figures"]["used"], second["older"]) == (99, None)
    refused = (await call("explain", "1", "--change", "1")).exception
    assert isinstance(refused, RejectedError)
    assert "See `quotawatt alerts show 1 --json`" in refused.advice


async def test_windows_come_and_go(call: Call) -> None:
    """Silence for a time, by whom and why."""
    signed = ("--author", "Wu", "--reason", "overhaul")
    times = ("--since", "2099-03-01 08:00", "--until", "2099-03-01 18:00")
    added = await call("windows", "add", "--of-unit", "u-1", "--rule", "quota_breach", *times, *signed)
    assert (added.stdout, added.stderr) == ("Taken: window 1.\n", "")
    slip = await call("windows", "add", "--of-unit", "u-1", "--rule", "paec", *times, *signed)
    assert slip.stderr == "warning: no rule paec is shipped, and none of that name has ever raised anything\n"
    assert (await call("windows", "end", "2", "--author", "Wu")).stdout == "Ended: window 2.\n"
    _, line = (await call("windows", "list")).stdout.splitlines()
    assert line.split() == [
        "1", "unit", "u-1", "quota_breach", "2099-03-01", "08:00", "2099-03-01", "18:00", "Wu", "overhaul",
    ]  # fmt: skip
    assert "  用能单位 u-1  " in (await call("windows", "list", "--lang", "zh")).stdout
    assert (await call("windows", "end", "1", "--author", "Li")).stdout == "Ended: window 1.\n"
    assert (await call("windows", "list")).stdout == "No maintenance window.\n"
    assert "(ended by Li)" in (await call("windows", "list", "--ended")).stdout
    wrong = await call("windows", "add", "--all", "--of-unit", "u-1", *times, *signed)
    assert "give one of --of-unit, --district, --industry and --all" in wrong.output
    nobody = ("--author", " ", "--reason", "overhaul")
    assert "nothing is there" in str((await call("windows", "add", "--all", *times, *nobody)).exception)
    assert "a line break" in str((await call("ack", "1", "--by", "Wu", "--note", "on\nmy way")).exception)
    assert "--since: 'x': a time such as" in (await call("list", "--since", "x")).output
    never = await call("windows", "add", "--all", "--until", "2026-02-30 08:00", *signed)
    assert "--until: '2026-02-30 08:00': there is no such date" in never.output
    assert isinstance((await call("ack", "7", "--by", "Wu")).exception, RejectedError)
