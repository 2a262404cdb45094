"""Reports of an invented district: figures against hand calculation, and where they come from."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import msgspec
import pytest

from deploy.cli.report_text import district_lines, unit_lines
from energy.errors import RejectedError
from energy.factors import shipped_factors
from energy.storage import Connection
from ingest.accounting.quality.evaluation import Verdict
from ingest.accounting.reports.district import read_district
from ingest.accounting.reports.forms import as_csv, as_json
from ingest.accounting.reports.model import PeriodKind
from ingest.accounting.reports.page import district_page, unit_page
from ingest.accounting.reports.unit import read_unit
from ingest.accounting.reports.words import Language
from tests.support.report_world import GLASS, NEW, OCTOBER, WORKS, asked, at, carrier, readings

VOID = {"meta", "br"}


def counted(point: str) -> Decimal:
    """What a register counted from the first reading to the last, by the readings alone."""
    states = [Decimal(str(one.value)) for one in readings() if one.point == point]
    return states[-1] - states[0]


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
