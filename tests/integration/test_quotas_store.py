"""Quotas in the database: all or nothing, every text kept, whom they concern marked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from alerts.quotas import store
from alerts.quotas.given import given_by_hand
from alerts.quotas.model import Group, QuotaSpec
from energy.errors import RejectedError
from energy.records import RecordError
from energy.storage import Connection, StorageSettings, connect
from tests.support.eventually import eventually
from tests.support.quota_world import add_units, quota

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = datetime(2026, 3, 2, tzinfo=UTC)


async def take(connection: Connection, *quotas: QuotaSpec, groups: tuple[Group, ...] = ()) -> store.Taken:
    """Take quotas that stand in no file."""
    return await store.take(connection, given_by_hand(quotas, groups), author="Li", now=NOW)


async def touched(connection: Connection) -> dict[str, date]:
    """Whom alerts must judge again and from which day; then nobody."""
    rows = await connection.fetch("select code, since from unit_touched join unit using (unit_id) order by code")
    await connection.execute("delete from unit_touched")
    return {row["code"]: row["since"] for row in rows}


async def test_a_changed_text_is_a_new_version_and_an_equal_one_nothing(undone: Connection) -> None:
    """Each text stays with author and time; who is concerned is marked from the first day that the quota governs."""
    await add_units(undone, ["a", "b"])
    await touched(undone)
    first = quota("q", key="a", limit="10", valid_from=date(2026, 1, 1))
    assert (await take(undone, first)).new == ("q",)
    assert await touched(undone) == {"a": date(2026, 1, 1)}
    again = await take(undone, quota("q", key="a", limit="10.000", valid_from=date(2026, 1, 1)))
    assert (again.new, again.changed, again.same) == ((), (), ("q",))
    assert await touched(undone) == {}
    moved = quota("q", key="b", limit="10", valid_from=date(2026, 2, 1))
    changed = await store.take(undone, given_by_hand([moved]), author="Wu", now=LATER)
    assert changed.changed == ("q",)
    assert await touched(undone) == {"a": date(2026, 1, 1), "b": date(2026, 2, 1)}
    rows = await undone.fetch("select version, author, recorded_at, spec ->> 'key' from quota_version order by version")
    assert list(map(tuple, rows)) == [(1, "Li", NOW, "a"), (2, "Wu", LATER, "b")]
    (one,) = await store.recorded(undone)
    assert (one.quota, one.version, one.author, one.recorded_at) == (moved, 2, "Wu", LATER)


async def test_nothing_is_written_where_one_quota_is_wrong(undone: Connection) -> None:
    """Every fault is told: unknown unit, unknown product, a group without units, one that governs what another does."""
    await add_units(undone, ["a"])
    await take(undone, quota("standing", key="a"))
    with pytest.raises(RecordError) as refused:
        await take(
            undone,
            quota("good", key="a", measure="tco2", limit_unit="tCO2"),
            quota("double", key="a", valid_from=date(2026, 5, 1)),
            quota("nobody", key="zz"),
            quota("nothing", key="a", measure="kgce_per_output", limit_unit="kgce/t", product="clinker"),
            quota("grouped", subject="group", key="steel"),
            groups=(Group("cement", ("a", "yy")),),
        )
    told = str(refused.value)
    assert told.startswith("5 faults, so that nothing was taken:")
    for part in (
        "double and standing (in the database) both govern unit a, tce by month, from 2026-05-01",
        "unit 'zz' is not registered",
        "unit 'a' has no product 'clinker'",
        "group 'steel' has no units",
        "group cement: units: not registered: yy",
    ):
        assert part in told
    assert [row["code"] for row in await undone.fetch("select code from quota")] == ["standing"]
    assert await undone.fetchval("select count(*) from quota_group") == 0
    with pytest.raises(RejectedError, match="an author is needed"):
        await store.take(undone, given_by_hand([quota("good", key="a")]), author=" ", now=NOW)


async def test_a_group_touches_all_its_units_also_those_that_leave_it(undone: Connection) -> None:
    """A district's quota concerns every unit of it; a group's those that are in it, and those that were."""
    await add_units(undone, ["a", "b", "c"])
    steel = quota("g", subject="group", key="steel")
    await touched(undone)
    await take(undone, steel, groups=(Group("steel", ("a", "b")),))
    assert set(await touched(undone)) == {"a", "b"}
    same = await take(undone, steel, groups=(Group("steel", ("b", "a")),))
    assert same.same == ("g",)
    assert await touched(undone) == {}
    await take(undone, steel, groups=(Group("steel", ("b", "c")),))
    assert set(await touched(undone)) == {"a", "b", "c"}
    for subject, key in (("district", "610302"), ("city", "6103"), ("industry", "32")):
        await take(undone, quota(subject, subject=subject, key=key))
        assert set(await touched(undone)) == {"a", "b", "c"}
    exported = await store.exported(undone, unit="c")
    assert exported.group == (Group("steel", ("b", "c")),)
    assert {spec.code for spec in exported.quota} == {"g", "district", "city", "industry"}
    assert {spec.code for spec in (await store.exported(undone, unit="a")).quota} == {"district", "city", "industry"}


async def test_limits_are_kept_in_the_base_unit_of_what_is_counted(undone: Connection) -> None:
    """Ten thousand kWh are kWh, a limit per m2 is one of the whole area, one per t of what is counted in kg is less."""
    await add_units(undone, ["a"])
    await undone.execute("insert into product (unit_id, code, unit) select unit_id, 'clinker', 'kg' from unit")
    await take(
        undone,
        quota("power", key="a", measure="electricity", limit="1.5", limit_unit="10^4 kWh"),
        quota("floor", key="a", period="year", limit="12.5", limit_unit="kgce/m2", area_m2=Decimal(2000)),
        quota("made", key="a", measure="kgce_per_output", limit="117", limit_unit="kgce/t", product="clinker"),
        quota("worth", key="a", measure="tce_per_value", limit="250", limit_unit="kgce/10^4 yuan"),
    )
    rows = await undone.fetch("select code, limit_value, limit_unit from quota order by quota_id")
    assert [tuple(map(str, row)) for row in rows] == [
        ("power", "15000", "kWh"),
        ("floor", "25", "tce"),
        ("made", "0.117", "kgce/kg"),
        ("worth", "0.25", "tce/10^4 yuan"),
    ]
    with pytest.raises(RecordError, match=r"clinker is counted in kg: .* not in 'kgce/m3'"):
        await take(undone, quota("made", key="a", measure="kgce_per_output", limit_unit="kgce/m3", product="clinker"))


async def test_a_quota_ends_on_a_day_as_a_new_version(undone: Connection) -> None:
    """So that another may begin; one that is not there, or would end before it begins, is refused."""
    await add_units(undone, ["a"])
    await take(undone, quota("q", key="a", valid_from=date(2026, 1, 1)))
    await store.end(undone, "q", date(2026, 7, 1), author="Wu", now=LATER)
    await take(undone, quota("next", key="a", valid_from=date(2026, 7, 1)))
    codes = [one.quota.code for one in await store.recorded(undone, day=date(2026, 7, 1))]
    assert codes == ["next"]
    assert [one.version for one in await store.recorded(undone, code="q")] == [2]
    for code, day, told in (
        ("zz", date(2026, 7, 1), "no quota 'zz'"),
        ("q", date(2026, 7, 1), "ends on 2026-07-01 already"),
        ("q", date(2026, 1, 1), "valid from 2026-01-01"),
    ):
        with pytest.raises(RejectedError, match=told):
            await store.end(undone, code, day, author="Wu", now=LATER)


async def test_a_change_wakes_the_alerts_service(dsn: str) -> None:
    """By the channel that totals use, and only where something changed."""
    heard: list[str] = []
    async with connect(StorageSettings(dsn)) as connection, connect(StorageSettings(dsn)) as listener:
        await listener.add_listener("totals", lambda *_: heard.append("totals"))
        await listener.add_listener("done", lambda *_: heard.append("done"))
        await add_units(connection, ["a"])
        for _ in range(2):
            await store.apply_quotas(connection, [("a", quota("q"))])
        await connection.execute("notify done")
        await eventually(lambda: "done" in heard, 10)
        assert heard == ["totals", "done"]
