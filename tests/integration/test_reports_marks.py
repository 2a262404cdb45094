"""What a report does not know, or does not trust, says so: marks, dashes and notes in place of figures."""

from __future__ import annotations

from decimal import Decimal

from deploy.cli.report_text import unit_lines
from energy.storage import Connection
from ingest.accounting.reports.district import read_district
from ingest.accounting.reports.page import unit_page
from ingest.accounting.reports.unit import read_unit
from ingest.accounting.reports.words import Language
from tests.support.report_world import GLASS, OCTOBER, WORKS, asked, at, carrier


async def test_what_rests_on_suspect_data_says_so(district: Connection) -> None:
    """At the total, the intensity, and the quotas that it counts in; every figure of a row has its marks."""
    await district.execute("update unit_day set quality = 0 where quality = 3")
    await district.execute("update unit_month set quality = 0 where quality = 3")
    sound = await read_unit(district, WORKS, asked())
    assert not sound.total.suspect
    assert "‡" not in "\n".join(unit_lines(sound, Language.EN)).replace("‡ some of it suspect", "")
    await district.execute("update unit_day set quality = 3 where carrier = 'raw_coal' and day = $1", OCTOBER)
    await district.execute("update unit_month set quality = 3 where carrier = 'raw_coal'")
    report = await read_unit(district, WORKS, asked())
    assert (report.total.suspect, report.products[0].suspect) == (True, True)
    assert {one.quota: one.suspect for one in report.quotas} == {
        "QW-0001-Q-M": True,
        "QW-0001-Q-Y": True,
        "QW-0001-Q-E": False,  # of electricity alone
    }
    lines = list(unit_lines(report, Language.EN))
    (total,) = (line for line in lines if line.startswith("Total "))
    assert total.count("‡P") == 3
    (cement,) = (line for line in lines if line.startswith("cement "))
    assert cement.count("‡") == 3
    assert any("Some data is suspect" in line for line in lines)
    assert unit_page(report, Language.ZH).count("<sup>‡</sup>") > 10
    assert (await read_district(district, "610302", asked())).total.suspect


async def test_intensity_of_a_partly_known_month_is_not_stated(district: Connection) -> None:
    """The days that are known are told in its place, and coverage counts the others as not covered."""
    unit = "where unit_id = (select unit_id from unit where code = $1) and carrier = 'raw_coal'"
    await district.execute(
        f"update unit_month set days = 7, covered_s = 7 * 86400, due_s = 7 * 86400 {unit}",  # noqa: S608 - of this test
        WORKS,
    )
    await district.execute(f"delete from unit_day {unit} and day > '2026-10-07'", WORKS)  # noqa: S608 - likewise
    report = await read_unit(district, WORKS, asked())
    cement = report.products[0]
    assert (cement.energy_days, cement.output_days) == (7, 31)
    assert cement.kgce_per_output is cement.kgce_equal_per_output is cement.value is None
    assert cement.level is None
    assert carrier(report, "raw_coal")["coverage"] == round(Decimal(7) / 31, 4)
    assert carrier(report, "diesel")["coverage"] is None
    assert [day.partial for day in report.days] == [False] * 7 + [True] * 24
    assert any("7/31" in line and line.startswith("cement") for line in unit_lines(report, Language.EN))
    assert "7 / 31" in unit_page(report, Language.EN)


async def test_days_after_the_last_taking_are_not_yet_known(district: Connection) -> None:
    """Coal's purchases there are no use of it: the bar has another look than one of a whole day."""
    await district.execute(
        "update entry set undone_at = $1, undone_by = 'Li', undone_why = 'x' where kind = 'stock' and last_day > $2",
        at(31),
        OCTOBER,
    )
    report = await read_unit(district, WORKS, asked())
    assert all(day.partial for day in report.days)
    assert "with a frame" in unit_page(report, Language.EN)
    assert unit_page(report, Language.EN).count('fill="url(#none)" stroke="#1f4e79"') == 31


async def test_quotas_of_a_month_without_data_used_nothing_known(district: Connection) -> None:
    """No 0 and no share of a limit."""
    await district.execute("delete from unit_day")
    report = await read_unit(district, WORKS, asked())
    assert [(one.used, one.share, one.projected) for one in report.quotas] == [(None, None, None)] * 3


async def test_text_shows_all_shares_entries_by_number_and_each_finding(district: Connection) -> None:
    """Shares add up, and a count is that of `findings list`."""
    report = await read_unit(district, WORKS, asked())
    numbers = [one.number for one in report.origin.entries]
    assert numbers == sorted(numbers)
    lines = list(unit_lines(report, Language.EN))
    count = await district.fetchval(
        "select count(*) from board.finding where unit = $1 and day between '2026-10-01' and '2026-10-31'", WORKS
    )
    assert f"  Findings: {count}" in lines
    (head,) = (line for line in lines if line.startswith("  Point "))
    assert head.split()[3:8] == ["measured", "estimated", "substituted", "suspect", "missing"]


async def test_a_unit_without_a_statistics_month_is_told_of(district: Connection) -> None:
    """What was asked for is not what is shown."""
    plain = await read_unit(district, GLASS, asked(statistics=True))
    assert any("no statistics month of its own" in line for line in unit_lines(plain, Language.EN))
    assert "no statistics month of its own" in unit_page(plain, Language.EN)
    own = await read_unit(district, WORKS, asked(statistics=True))
    assert not any("no statistics month of its own" in line for line in unit_lines(own, Language.EN))
