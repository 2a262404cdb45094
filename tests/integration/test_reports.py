"""Reports of an invented district: figures against hand calculation, and where they come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import msgspec
import pytest

from deploy.cli.report_text import district_lines, unit_lines
from energy.errors import RejectedError
from energy.factors import shipped_factors
from energy.storage import Connection, StorageSettings, connect
from ingest.accounting.quality.evaluation import Verdict
from ingest.accounting.reports.district import read_district
from ingest.accounting.reports.forms import as_csv, as_json
from ingest.accounting.reports.model import PeriodKind
from ingest.accounting.reports.page import district_page, unit_page
from ingest.accounting.reports.unit import UnitReport, read_unit
from ingest.accounting.reports.words import Language
from tests.support.report_world import GLASS, NEW, OCTOBER, WORKS, asked, at, readings

VOID = {"meta", "br"}


@pytest.fixture
async def district(reported_dsn: str) -> AsyncIterator[Connection]:
    """A connection to a database in which October has been; what a test changes there is undone."""
    async with connect(StorageSettings(reported_dsn)) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


def counted(point: str) -> Decimal:
    """What a register counted from the first reading to the last, by the readings alone."""
    states = [Decimal(str(one.value)) for one in readings() if one.point == point]
    return states[-1] - states[0]


def carrier(report: UnitReport, key: str) -> dict[str, object]:
    """The row of one carrier."""
    return next(msgspec.to_builtins(one, builtin_types=(Decimal,)) for one in report.carriers if one.carrier == key)


class _Page(HTMLParser):
    """Sees that a page is well-formed, and what it would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what is open, and whatever names something outside."""
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "data", "action", "onload"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opened and closed at once."""

    def handle_endtag(self, tag: str) -> None:
        """It closes what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """All text."""
        self.words.append(data)


async def test_a_unit_s_report_says_what_hand_calculation_says(district: Connection) -> None:
    """Balance, standard coal by both values, CO2, assessed total, intensity with its level, quotas."""
    report = await read_unit(district, WORKS, asked())
    factors = shipped_factors()
    steam, coal = factors.on("low_pressure_steam", OCTOBER), factors.on("raw_coal", OCTOBER)
    sold, bought = counted("QW-0001-S1"), counted("QW-0001-C1")
    burnt = bought + 90  # the stock fell from 500 t to 410 t
    found = carrier(report, "low_pressure_steam")
    assert (found["sold"], found["consumed"], found["tce"]) == (sold, -sold, -sold * steam.kgce / 1000)
    found = carrier(report, "raw_coal")
    assert (found["purchased"], found["stock_decrease"], found["consumed"]) == (bought, 90, burnt)
    assert (found["tce"], found["tco2"]) == (burnt * coal.kgce / 1000, burnt * coal.kgco2 / 1000)
    assert (found["quality"], found["by_hand"], found["partial"]) == ("estimated", True, False)
    power = carrier(report, "electricity")
    grid = factors.on("electricity", OCTOBER, "610302")
    assert (power["tce_equal"], power["provisional"]) == (power["consumed"] * grid.kgce_equal / 1000, True)  # type: ignore[operator] # a decimal

    total = report.total
    assert total.tce == sum((one.tce for one in report.carriers if one.tce is not None), Decimal(0))
    assert (total.provisional, total.partial) == (True, False)
    assert sum((day.tce for day in report.days if day.tce is not None), Decimal(0)) == total.tce
    assert report.assessed is not None
    assert report.assessed.certificate_tce == 52 * grid.kgce_equal
    assert report.assessed.assessed_tce_equal == report.assessed.tce_equal - 52 * grid.kgce_equal
    cement, clinker = report.products
    assert total.tce is not None
    assert (cement.output, cement.by_hand) == (Decimal(36_000), True)
    assert cement.kgce_per_output == round(total.tce * 1000 / 36_000, 6)
    assert (cement.standard, cement.level, cement.levels) == (
        "GB 16780-2021",
        "1",
        (Decimal(80), Decimal(87), Decimal(94)),
    )
    assert (clinker.product, clinker.output, clinker.kgce_per_output, clinker.level) == ("clinker", None, None, None)
    assert report.value is not None
    assert report.value.tce_per_value == round(total.tce / 1180, 6)
    by_code = {one.quota: one for one in report.quotas}
    assert {code: one.period for code, one in by_code.items()} == {
        "QW-0001-Q-M": "month",
        "QW-0001-Q-E": "month",
        "QW-0001-Q-Y": "year",
    }
    exceeded = by_code["QW-0001-Q-E"]
    assert (exceeded.used, exceeded.limit, exceeded.verdict, exceeded.state) == (
        power["consumed"],
        Decimal(1_200_000),
        "exceeded",
        "firing",
    )


async def test_a_report_says_where_its_numbers_come_from(district: Connection) -> None:
    """Factors with edition and data set, meters with shares and methods, entries, edits, findings."""
    origin = (await read_unit(district, WORKS, asked())).origin
    assert {one.carrier for one in origin.factors} == {
        *("diesel", "electricity", "low_pressure_steam", "natural_gas", "raw_coal"),
    }
    assert {one.data_set for one in origin.factors} == {shipped_factors().version}
    assert all(one.source and "data set" not in one.source for one in origin.factors)
    assert [one.carrier for one in origin.factors if one.provisional] == ["electricity"]

    points = {one.point: one for one in origin.points}
    assert set(points) == {f"QW-0001-{code}" for code in ("E1", "E2", "G1", "C1", "S1")}
    gas = points["QW-0001-G1"]
    assert gas.estimated is not None
    assert gas.estimated == round(Decimal(225) / (31 * 96), 4)  # 56.25 h from reading to reading
    assert gas.methods == {"register": Decimal(1) - gas.estimated, "like_days": gas.estimated}
    for one in points.values():
        shares = (one.measured, one.estimated, one.substituted, one.suspect, one.missing)
        assert sum(share for share in shares if share is not None) == pytest.approx(Decimal(1), abs=Decimal("0.0003"))
    assert points["QW-0001-C1"].amount == counted("QW-0001-C1")

    kinds = [(one.kind, one.subject, str(one.first_day)) for one in origin.entries]
    assert ("stock", "raw_coal", "2026-09-30") in kinds
    assert ("stock", "raw_coal", "2026-10-31") in kinds
    assert len(kinds) == 8
    assert {one.author for one in origin.entries} == {"王芳"}
    (edit,) = origin.edits
    assert (edit.point, edit.kind, edit.author, edit.document) == (
        "QW-0001-E1",
        "replacement",
        "李伟",
        "工单 2026-1014",
    )
    assert edit.new_start == Decimal("12.5")
    assert ("QW-0001-G1", "missing") in [(one.point, one.check) for one in origin.findings]


async def test_what_is_undone_or_replaced_or_of_other_months_is_no_origin(district: Connection) -> None:
    """Only what is in force and bears on the month is told."""
    await district.execute(
        "update entry set undone_at = $1, undone_by = 'Li', undone_why = 'x' where kind = 'output'", at(31)
    )
    await district.execute("update edit set undone_at = $1, undone_by = 'Li', undone_why = 'x'", at(31))
    origin = (await read_unit(district, WORKS, asked())).origin
    assert "output" not in {one.kind for one in origin.entries}
    assert origin.edits == ()
    september = (await read_unit(district, WORKS, asked(month=date(2026, 9, 1)))).origin
    assert [(one.kind, str(one.last_day)) for one in september.entries] == [
        ("stock", "2026-09-30"),
        ("stock", "2026-10-31"),
    ]


async def test_a_unit_without_data_has_no_zero_anywhere(district: Connection) -> None:
    """Null in JSON, an empty cell in CSV, a dash on page and terminal; it says so in words, too."""
    report = await read_unit(district, NEW, asked())
    (power,) = report.carriers
    assert (power.consumed, power.tce, power.purchased, power.quality, power.partial) == (None, None, None, None, True)
    assert (report.total.tce, report.total.partial, report.assessed, report.value) == (None, True, None, None)
    assert [day.tce for day in report.days] == [None] * 31
    assert report.quality.verdict is Verdict.FAILED
    assert [one.missing for one in report.origin.points] == [1]
    read = msgspec.json.decode(as_json(report))
    assert (read["carriers"][0]["consumed"], read["total"]["tce_equal"]) == (None, None)
    assert "carriers,electricity,consumed,,kWh" in as_csv(report).splitlines()
    assert "不是零" in "\n".join(unit_lines(report, Language.ZH))
    page = unit_page(report, Language.EN)
    assert "There is no data of this month" in page
    assert "<svg" not in page


async def test_a_month_that_goes_on_says_so(district: Connection) -> None:
    """Days to come are no days without data; shares are of the time up to now."""
    report = await read_unit(district, WORKS, asked(at(20, 9)))
    assert (report.period.open, report.period.days, report.period.days_begun) == (True, 31, 20)
    assert report.days[-1].day == date(2026, 10, 20)
    gas = next(one for one in report.origin.points if one.point == "QW-0001-G1")
    assert gas.estimated == round(Decimal(101) / (19 * 96 + 36), 4)  # from 19 October, 07:45, to 20 October, 09:00
    assert "The month goes on" in "\n".join(unit_lines(report, Language.EN))


async def test_a_statistics_month_is_the_unit_s_own(district: Connection) -> None:
    """From 26 September to 25 October: 25 of 31 days of what was filled in for October; five days have no data."""
    report = await read_unit(district, WORKS, asked(statistics=True))
    period = report.period
    assert (period.kind, period.month) == (PeriodKind.STATISTICS_MONTH, "2026-10")
    assert (period.first_day, period.last_day) == (date(2026, 9, 26), date(2026, 10, 25))
    assert report.products[0].output == round(Decimal(36_000) * 25 / 31, 3)
    assert report.total.partial
    assert report.assessed is not None
    assert report.assessed.certificate_mwh == round(Decimal(60) * 25 / 31, 3) - round(Decimal(8) * 25 / 31, 3)
    assert report.assessed.tce == report.total.tce
    assert report.value is not None
    assert len(report.days) == 30
    plain = await read_unit(district, GLASS, asked(statistics=True))
    assert (plain.period.kind, plain.period.first_day) == (PeriodKind.MONTH, OCTOBER)


async def test_what_waits_to_be_computed_again_is_told(district: Connection) -> None:
    """Marks of the month's days alone."""
    assert not (await read_unit(district, WORKS, asked())).updating
    mark = "insert into unit_dirty (unit_id, since, until) select unit_id, $2, $2 from unit where code = $1"
    await district.execute(mark, WORKS, date(2026, 11, 1))
    assert not (await read_unit(district, WORKS, asked())).updating
    await district.execute(mark, WORKS, date(2026, 10, 31))
    assert (await read_unit(district, WORKS, asked())).updating


async def test_a_carrier_without_factor_is_named_and_not_counted_as_nothing(district: Connection) -> None:
    """Its figures are not known, and the total is not the whole."""
    await district.execute("delete from carrier_factor where carrier = 'natural_gas'")
    report = await read_unit(district, WORKS, asked())
    gas = carrier(report, "natural_gas")
    assert (gas["tce"], gas["consumed"], gas["unit"], gas["partial"]) == (None, None, "m3", True)
    assert report.origin.without_factor == ("natural_gas",)
    assert report.total.partial
    assert "Carriers without a factor, in no sum: natural gas" in "\n".join(unit_lines(report, Language.EN))


async def test_a_district_lists_its_units_and_adds_them_up(district: Connection) -> None:
    """The greatest first, those without data last; sums per carrier, district, industry and size class."""
    report = await read_district(district, "6103", asked())
    assert [one.unit for one in report.units] == [WORKS, GLASS, NEW]
    works, glass, new = report.units
    single = await read_unit(district, WORKS, asked())
    assert (works.tce, works.tce_equal, works.tco2) == (single.total.tce, single.total.tce_equal, single.total.tco2)
    assert single.assessed is not None
    assert works.assessed_tce_equal == single.assessed.assessed_tce_equal
    assert (new.tce, new.partial, works.partial, glass.partial) == (None, True, False, False)
    assert works.tce is not None
    assert glass.tce is not None
    assert (report.total.units, report.total.with_data, report.total.tce) == (3, 2, works.tce + glass.tce)
    power = next(one for one in report.carriers if one.carrier == "electricity")
    assert (power.units, power.amount) == (2, carrier(single, "electricity")["consumed"] + counted("QW-0002-E1"))  # type: ignore[operator] # a decimal
    assert [(one.key, one.units, one.with_data) for one in report.districts] == [("610302", 2, 2), ("610303", 1, 0)]
    assert [(one.key, one.units) for one in report.industries] == [("26", 1), ("30", 2)]
    assert [(one.key, one.tce) for one in report.size_classes] == [("2", glass.tce), ("3", works.tce), ("", None)]
    assert report.failed == (NEW,)
    assert [one.unit for one in (await read_district(district, "610303", asked())).units] == [NEW]
    statistics = await read_district(district, "6103", asked(statistics=True))
    assert {one.unit: one.last_day.day for one in statistics.units} == {WORKS: 25, GLASS: 31, NEW: 31}
    assert statistics.units[0].tce == (await read_unit(district, WORKS, asked(statistics=True))).total.tce


async def test_what_there_is_not_is_refused_in_words(district: Connection) -> None:
    """No such unit, district or month."""
    with pytest.raises(RejectedError, match="no such unit: QW-9"):
        await read_unit(district, "QW-9", asked())
    with pytest.raises(RejectedError, match="no unit is registered in district 62"):
        await read_district(district, "62", asked())
    with pytest.raises(RejectedError, match="2026-12 has not begun: its first day is 2026-12-01"):
        await read_unit(district, WORKS, asked(month=date(2026, 12, 1)))
    early = asked(at(1) - timedelta(days=5, hours=1), statistics=True)
    with pytest.raises(RejectedError, match="2026-10 has not begun: its first day is 2026-09-26"):
        await read_unit(district, WORKS, early)
    assert (await read_unit(district, WORKS, asked(month=date(1999, 1, 1)))).total.tce is None


async def test_pages_need_nothing_else_and_escape_everything(district: Connection) -> None:
    """Well-formed, in both languages, without any address; a unit's name is text, wherever it stands."""
    for language in Language:
        pages = [unit_page(await read_unit(district, code, asked()), language) for code in (WORKS, NEW)]
        pages.append(district_page(await read_district(district, "6103", asked()), language))
        for page in pages:
            read = _Page(page)
            assert read.loads == []
            assert "http:" not in page.replace("http-equiv", "")
            assert "https:" not in page
            assert "url(" not in page.replace("url(#none)", "")
            assert "None" not in page
            assert "<b>&" not in page
        assert any("<b>&" in word for word in _Page(pages[1]).words)
        assert "\n".join(district_lines(await read_district(district, "6103", asked()), language))


async def test_programs_get_every_digit(district: Connection) -> None:
    """JSON decimals are strings and CSV's are plain, exactly those of the database: no float ever touched them."""
    report = await read_unit(district, WORKS, asked())
    read = msgspec.json.decode(as_json(report))
    rows = {tuple(line.split(",")[:3]): line.split(",")[3] for line in as_csv(report).splitlines() if '"' not in line}
    stored = await district.fetch("select * from board.unit_month where unit = $1", WORKS)
    assert {one["carrier"] for one in read["carriers"]} == {row["carrier"] for row in stored}
    for one in read["carriers"]:
        row = next(row for row in stored if row["carrier"] == one["carrier"])
        for figure, column in {"consumed": "amount", "tce": "tce", "tco2": "tco2", "sold": "sold"}.items():
            assert isinstance(one[figure], str)
            assert Decimal(one[figure]) == row[column]
            assert one[figure] == rows["carriers", one["carrier"], figure]
            assert "E" not in one[figure]


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
