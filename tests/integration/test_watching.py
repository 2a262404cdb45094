"""Rules of units and meters by the clock: some units at a time, beside quotas, and nobody is forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.evaluation import watching
from alerts.evaluation.step import Engine, Wanted
from alerts.evaluation.subjects import Looking
from alerts.evaluation.watching import WatchService
from alerts.rules.files import load_rules
from alerts.rules.model import Rule
from alerts.series.known import catalogue
from alerts.settings import AlertsSettings
from energy.clocks import ClockSettings, DataClock
from energy.storage import Connection, StorageSettings
from tests.support.totals_world import START, Counted, populate, registry

_RULE = """
[[rule]]
code = "{code}"
subject = "{subject}"
when = "missing > 0"
every = "15m"
severity = "notice"
message.zh = "{{name_zh}} 从未上传"
message.en = "{{name_en}} never delivered"
"""
_STATES = "select rule, subject, state, count(*) from alert group by 1, 2, 3 order by 1, 2, 3"


@pytest.fixture
def rules(tmp_path: Path) -> list[Rule]:
    """One of units, one of meters."""
    file = tmp_path / "rules.toml"
    file.write_text("".join(_RULE.format(code=f"no-{subject}", subject=subject) for subject in ("unit", "meter")))
    return [rule for rule in load_rules([file], catalogue()) if rule.code in {"no-unit", "no-meter"}]


class Watch:
    """The service at a time that a test moves.

    Args:
        rules: by which it judges.
    """

    def __init__(self, rules: list[Rule]) -> None:
        self._minutes = 0
        clock = DataClock(ClockSettings(START, real_origin=0.0), wall=lambda: self._minutes * 60.0)
        self._service = WatchService(AlertsSettings(StorageSettings("postgresql://unused")), rules, catalogue(), clock)

    async def step(self, connection: Connection, minutes: int) -> int:
        """A pass so long after the beginning."""
        self._minutes = minutes
        return await self._service.step(connection)


@pytest.fixture
async def world(undone: Connection, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Three units with two meters each, none of which has ever delivered; one unit at a time is looked at."""
    monkeypatch.setattr(watching, "_AT_ONCE", 1)
    for unit in ("A", "B", "C"):
        points = {f"{unit}-{carrier}": Counted(carrier) for carrier in ("electricity", "natural_gas")}
        await populate(undone, registry(points, unit=unit))
    return undone


async def test_all_units_are_looked_at_when_a_rule_is_due_and_quotas_wait_for_none(
    world: Connection, rules: list[Rule]
) -> None:
    """The evaluation of quotas leaves them alone; every fifteen minutes they are looked at, and fire once."""
    engine = Engine(rules, catalogue(), stale_s=3600)
    assert not (await engine.evaluate(world, START + timedelta(hours=1), Wanted(1, beside=False))).written
    watch = Watch(rules)
    assert [await watch.step(world, minutes) for minutes in (60, 74, 75)] == [9, 0, 0]
    assert [tuple(row) for row in await world.fetch(_STATES)] == [
        ("no-meter", "meter", "firing", 6),
        ("no-unit", "unit", "firing", 3),
    ]


async def test_who_is_gone_is_withdrawn_at_the_end_of_a_pass_and_nobody_else(
    world: Connection, rules: list[Rule]
) -> None:
    """A meter that is no longer counted ends, and what is of a rule that is gone, whatever its evidence.

    The first unit has the last meter, so that meters are not met in the order of their numbers.
    """
    first, last = "(select min(unit_id) from unit)", "(select max(meter_id) from meter)"
    await world.execute(f"update meter set unit_id = {first} where meter_id = {last}")  # noqa: S608 - ours
    watch = Watch(rules)
    await watch.step(world, 60)
    await world.execute("delete from point where code = 'B-natural_gas'")
    await world.execute("""update alert set evidence = '{"of": "another version"}' where rule = 'no-unit'""")
    assert await watch.step(world, 76) == 1
    assert await Watch([rule for rule in rules if rule.subject == "meter"]).step(world, 77) == 3
    assert [tuple(row) for row in await world.fetch(_STATES)] == [
        ("no-meter", "meter", "firing", 5),
        ("no-meter", "meter", "resolved", 1),
        ("no-unit", "unit", "resolved", 3),
    ]
    kept = "select count(*) from alert_transition where evidence ->> 'of' = 'another version' and reason = 'withdrawn'"
    assert await world.fetchval(kept) == 3


async def test_what_a_person_wrote_meanwhile_is_looked_at_again_at_once(
    world: Connection, rules: list[Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert that was written between the look and its writing would else wait until its rule is due again."""
    watch = Watch(rules)
    await watch.step(world, 60)
    await world.execute("update alert set state = 'resolved', standing = standing || '{\"state\": \"resolved\"}'")
    once = ["an acknowledgement"]
    look = Looking.beside_quotas

    async def disturbed(self: Looking, *arguments: object) -> object:
        found = await look(self, *arguments)  # type: ignore[arg-type]  # whatever it is given
        if once:
            await self.connection.execute("update alert set revision = revision + 1")
            once.pop()
        return found

    monkeypatch.setattr(Looking, "beside_quotas", disturbed)
    assert await watch.step(world, 76) == 9


async def test_what_was_registered_just_now_is_given_time_to_deliver(world: Connection) -> None:
    """By the clock, since there is no data whose time could pass; a new service goes on counting where one stopped."""
    shipped = [rule for rule in load_rules((), catalogue()) if rule.code in {"data-missing", "meter-missing"}]
    state = "select state, count(*) from alert where rule = $1 group by 1"

    async def states(rule: str) -> list[tuple[str, int]]:
        return [(row[0], row[1]) for row in await world.fetch(state, rule)]

    first, second = Watch(shipped), Watch(shipped)
    await first.step(world, 60)
    await first.step(world, 120)
    assert (await states("data-missing"), await states("meter-missing")) == ([("pending", 3)], [("pending", 6)])
    await second.step(world, 180)
    assert (await states("data-missing"), await states("meter-missing")) == ([("firing", 3)], [("pending", 6)])
    await second.step(world, 60 + 24 * 60)
    assert await states("meter-missing") == [("firing", 6)]
    says = await world.fetchval("select evidence #>> '{message,en}' from alert where rule = 'data-missing' limit 1")
    assert says.endswith(": gate points that have never delivered: 2")
