"""Files of quotas with faults and contradictions: every one listed with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from alerts.quotas.checks import Known, faults_against, faults_in
from alerts.quotas.files import read_quotas
from alerts.quotas.given import given_by_hand
from alerts.quotas.model import Group, QuotaSpec
from alerts.quotas.sums import warnings_in
from tests.support.quota_world import quota

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CSV = """\
限额编号,对象类别,对象,指标,周期,限额值,计量单位,起始日期,截止日期,依据,成员单位,预警档,进度曲线
good,用能单位,u1,电力,月,1.5,万千瓦时,2026/1/1,,文件,,80% 提示 蓝; 90%  注意 黄,工作日
,用能单位,u1,电力,年,1,kWh,2026-01-01,,文件,,,
bad.limit,用能单位,u1,电力,半年,"1,5",kWh,2026-01-01,,文件,,,
bad.measure,用能单位,u1,电量,年,1,kWh,2026-01-01,,文件,,,
bad.unit,用能单位,u1,电力,年,1,吨标准煤,2026-01-01,,文件,,,
bad.day,用能单位,u1,电力,年,1,kWh,2026-02-30,,文件,,,
bad.end,用能单位,u1,电力,年,1,kWh,2026-01-01,2025-01-01,文件,,,
bad.bands,用能单位,u1,电力,年,1,kWh,2026-01-01,,文件,,90% 注意 黄 8,
bad.band,用能单位,u1,电力,年,1,kWh,2026-01-01,,文件,,90% 注意 紫,
bad.profile,用能单位,u1,电力,年,1,kWh,2026-01-01,,文件,,,{ kind = "plan" }
bad.source,用能单位,u1,电力,年,1,kWh,2026-01-01,,,,,
bad.members,用能单位,u1,电力,年,1,kWh,2026-01-01,,文件,u2,,
good,用能单位,u2,电力,月,2,kWh,2026-01-01,,文件,,,
g.1,单位组,g,电力,月,2,kWh,2026-01-01,,文件,u1 u2,,
g.2,单位组,g,电力,年,2,kWh,2026-01-01,,文件,u1、u3,,
short,用能单位
twin,用能单位,u1,电力,月,2,kWh,2027-01-01,,文件,,,
"""


def test_every_kind_of_fault_in_a_table_is_listed_with_line_and_column() -> None:
    """In Chinese, with a byte order mark, as a spreadsheet saves it; what is right is read all the same."""
    given = read_quotas(("\ufeff" + CSV).encode(), "q.csv")
    found = [(fault.line, fault.path, fault.message) for fault in faults_in(given)]
    expected = [
        (3, "code", "must not be empty"),
        (4, "limit", "'1,5': a number with a decimal point"),
        (4, "period", "unknown value '半年'"),
        (5, "measure", "unknown measure '电量'"),
        (6, "limit_unit", "has its limit in kWh, not in 'tce'"),
        (7, "valid_from", "'2026-02-30': a day such as"),
        (8, "valid_to", "valid_to must come after valid_from"),
        (9, "bands", "share, severity and colour expected"),
        (10, "bands", "[0].colour: unknown value '紫'"),
        (11, "profile", "weights: missing key"),
        (12, "source", "missing key"),
        (13, "units", "only a group has members"),
        (14, "code", "quota 'good' stands at q.csv:2 already"),
        (16, "units", "group 'g' has other members at q.csv:15"),
        (17, "", "2 fields: the header has 13"),
        (18, "valid_from", "twin and good (q.csv:2) both govern unit u1, electricity by month, from 2027-01-01"),
    ]
    assert [(line, path) for line, path, _ in sorted(found)] == [(line, path) for line, path, _ in expected]
    for (_, _, message), (_, _, part) in zip(sorted(found), expected, strict=True):
        assert part in message
    first = given.quotas[0][0]
    assert first.limit_in_base_unit() == 15_000
    assert [band.share for band in first.bands] == [0.8, 0.9]
    assert first.valid_from == date(2026, 1, 1)


TOML = """\
[[quota]]
code = "a"
key = "u1"
measure = "tce"
period = "month"
limit = -1
limit_unit = "tce"
valid_from = 2026-01-01
source = "document"

[[quota]]
code = "b"
subject = "village"
key = "u1"
measure = "tce"
period = "week"
limits = 1
limit_unit = "tce"
valid_from = "soon"
source = ""

[[quota]]
code = "c"
measure = "tce"
period = "month"
limit = 1
limit_unit = "tce"
valid_from = 2026-01-01
source = "document"

[[group]]
code = "g"
units = []

[quotas]
"""


def test_every_kind_of_fault_in_toml_is_listed_with_line_and_key() -> None:
    """Several in one table, a table that nobody knows, a quota of nobody."""
    found = {(fault.line, fault.path): fault.message for fault in faults_in(read_quotas(TOML.encode(), "q.toml"))}
    assert sorted(found) == [
        (6, "quota[0].limit"),
        (13, "quota[1].subject"),
        (16, "quota[1].period"),
        (17, "quota[1].limits"),
        (19, "quota[1].valid_from"),
        (20, "quota[1].source"),
        (22, "quota[2].key"),
        (33, "group[0].units"),
        (35, "quotas"),
    ]
    assert "did you mean 'quota'" in found[35, "quotas"]
    (broken,) = read_quotas(b"[[quota]\n", "q.toml").faults
    assert (broken.source, broken.line) == ("q.toml", 1)
    (latin,) = read_quotas(b"# a\n# \xff\n", "q.toml").faults
    assert (latin.line, latin.message) == (2, "not UTF-8 text: save the file as UTF-8")


LEVEL = """\
[[quota]]
code = "q"
key = "u"
measure = "{measure}"
product = "clinker"
period = "month"
standard = "{standard}"
level = "{level}"
valid_from = {since}
{more}
"""


def level(level: str = "limit", more: str = "", **said: str) -> tuple[list[str], list[QuotaSpec]]:
    """What is told of a quota by a standard's level, and what is read."""
    fields = {"measure": "kgce_per_output", "standard": "cement_clinker_energy", "since": "2026-01-01"} | said
    given = read_quotas(LEVEL.format(level=level, more=more, **fields).encode(), "q.toml")
    return [str(fault) for fault in faults_in(given)], [spec for spec, _ in given.quotas]


def test_the_levels_of_a_standard_give_limit_and_source() -> None:
    """GB 16780-2021, clinker: 100, 107 and 117 kgce/t; a limit given too must be the same, in whatever unit."""
    for name, limit in (("advanced", 100), ("access", 107), ("limit", 117)):
        told, (spec,) = level(name)
        assert told == []
        assert spec.limit == limit
        assert (spec.limit_unit, spec.level) == ("kgce/t", name)
        assert spec.source.startswith("GB 16780-2021 cement clinker")
    _, (own,) = level(more='source = "own"\nlimit = 0.117\nlimit_unit = "kgce/kg"')
    assert own.source == "own"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            {"more": 'limit = 118\nlimit_unit = "kgce/t"'},
            "q.toml:10: quota[0].limit: 118 kgce/t is not what GB 16780-2021",
        ),
        ({"more": "limit = 117"}, "limit and limit_unit are given together"),
        (
            {"standard": "bricks"},
            "q.toml:7: quota[0].standard: no product quota 'bricks'; known: cement_clinker_energy",
        ),
        ({"since": "2014-01-01"}, "no edition of cement_clinker_energy is known to be in force on 2014-01-01"),
        ({"since": "2013-01-01"}, "GB 16780-2007 holds until 2013-10-01: end it by then"),
        ({"since": "2013-01-01", "more": "valid_to = 2013-11-01"}, "GB 16780-2007 holds until 2013-10-01"),
        ({"standard": "converter_energy"}, "-10 kgce/t is not above 0"),
        ({"standard": "aluminium_liquid_electricity", "level": "access"}, "GB 21346 has no access value (准入值)"),
        ({"standard": "cement_electricity", "since": "2012-01-01", "more": "valid_to = 2013-01-01"}, "not in 'kWh/t'"),
    ],
)
def test_a_level_that_no_standard_has_is_told(said: dict[str, str], told: str) -> None:
    """One message a cause, and never a limit by guesswork."""
    (found,), specs = level(**said)
    assert told in found
    assert specs == []


def test_the_example_says_the_same_in_both_files() -> None:
    """docs/examples, in English as TOML and in Chinese as CSV, without fault or warning."""
    toml, csv = (read_quotas((EXAMPLES / name).read_bytes(), name) for name in ("quotas.toml", "quotas.csv"))
    assert faults_in(toml) == faults_in(csv) == []
    assert toml.content == csv.content
    assert len(toml.quotas) >= 11
    assert warnings_in(toml, Known()) == []


def overlaps(*quotas: QuotaSpec, standing: tuple[QuotaSpec, ...] = ()) -> list[str]:
    """Who is told to govern what another does."""
    given = given_by_hand(quotas)
    known = Known(units=frozenset({"u"}), members={("group", "g"): frozenset({"u"})}, quotas=standing)
    return [fault.message.partition(" both")[0] for fault in faults_against(given, known)]


def test_quotas_that_govern_the_same_are_named() -> None:
    """Also where a third lies between, or the other is in the database; not what ends in time or is of another sort."""
    first = quota("first", key="u")
    inner = quota("inner", key="u", valid_from=date(2026, 4, 1), valid_to=date(2026, 5, 1))
    later = quota("later", key="u", valid_from=date(2027, 1, 1))
    assert overlaps(first, inner, later) == [
        "inner and first (quota first)",
        "later and first (quota first)",
    ]
    assert overlaps(later, standing=(first,)) == ["later and first (in the database)"]
    assert overlaps(first, standing=(later,)) == ["first and later (in the database)"]
    ended = quota("first", key="u", valid_to=date(2027, 1, 1))
    assert overlaps(ended, later, standing=(first,)) == []
    assert not later.overlaps(ended)
    assert overlaps(standing=(first, inner)) == []
    assert overlaps(
        first,
        quota("budget", key="u", kind="budget"),
        quota("year", key="u", period="year"),
        quota("equal", key="u", measure="tce_equal"),
        quota("group", subject="group", key="g"),
    ) == []  # fmt: skip


def warned(*quotas: QuotaSpec, standing: tuple[QuotaSpec, ...] = (), groups: tuple[Group, ...] = ()) -> list[str]:
    """What is seldom meant."""
    district = frozenset({"u", "v"})
    known = Known(frozenset({"u", "v", "w"}), members={("district", "610302"): district}, quotas=standing)
    return [fault.message for fault in warnings_in(given_by_hand(quotas, groups), known)]


def test_a_year_below_its_months_is_a_warning() -> None:
    """100 tce a month are 1 200 a year: 1 200 fit, 1 199 do not; quarters likewise; a level does not add up."""
    month = quota("month", key="u", valid_from=date(2026, 1, 1))
    fields = {"key": "u", "period": "year", "valid_from": date(2026, 1, 1)}
    assert warned(month, quota("year", limit="1200", **fields)) == []
    (told,) = warned(month, quota("year", limit="1199", **fields))
    assert told.startswith("year allows 1199 in the year of 2026-01-01, the months in it 1200 together")
    (told,) = warned(quota("year", limit="1199", **fields), standing=(month,))
    assert told.startswith("year allows 1199")
    assert len(warned(month, standing=(quota("year", limit="1199", **fields),))) == 1
    assert warned(standing=(month, quota("year", limit="1199", **fields))) == []
    quarter = quota("quarter", limit="299", key="u", period="quarter", valid_from=date(2026, 4, 1))
    (told,) = warned(month, quarter)
    assert told.startswith("quarter allows 299 in the quarter of 2026-04-01")
    later = quota("later", limit="101", key="u", valid_from=date(2030, 1, 1))
    ended = quota("month", key="u", valid_from=date(2026, 1, 1), valid_to=date(2030, 1, 1))
    (told,) = warned(ended, later, quota("year", limit="1200", **fields))
    assert "in the year of 2030-01-01, the months in it 1212 together" in told
    spring: dict[str, Any] = {"key": "u", "valid_from": date(2026, 3, 1)}
    (told, later_on) = warned(quota("month", **spring), quota("year", limit="1199", period="year", **spring))
    assert "in the year of 2027-01-01" in told
    assert "that of 2027-01-01: until then it watches nothing" in later_on
    demand = {"key": "u", "measure": "demand", "limit_unit": "kW", "valid_from": date(2026, 1, 1)}
    assert warned(quota("d", limit="9", **demand), quota("e", limit="10", period="year", **demand)) == []


def test_units_above_their_district_are_a_warning() -> None:
    """Two units with 100 tce each in a district of 199, or a group; another unit does not count."""
    units = [quota(name, key=name) for name in ("u", "v", "w")]
    assert warned(*units, quota("d", limit="200", subject="district", key="610302")) == []
    (told,) = warned(*units, quota("d", limit="199", subject="district", key="610302"))
    assert told.startswith("d allows district 610302 199 a month, its units' own quotas 200 together from 2026-03-01")
    group = quota("g", limit="199", subject="group", key="g")
    assert len(warned(*units, group, groups=(Group("g", ("u", "w")),))) == 1
    (told,) = warned(quota("d", subject="district", key="999999"))
    assert told == "no unit is registered in district 999999"


@pytest.mark.parametrize(
    ("period", "since", "until", "told"),
    [
        ("year", date(2026, 3, 1), None, "the first year that begins on 2026-03-01 or later is that of 2027-01-01"),
        ("year", date(2026, 3, 1), date(2027, 1, 1), "no year begins from 2026-03-01 until before 2027-01-01"),
        (
            "quarter",
            date(2025, 11, 2),
            None,
            "the first quarter that begins on 2025-11-02 or later is that of 2026-01-01",
        ),
        ("month", date(2024, 2, 29), date(2024, 3, 1), "no month begins from 2024-02-29 until before 2024-03-01"),
        ("month", date(2024, 2, 1), date(2024, 2, 2), None),
        ("quarter", date(2026, 4, 1), None, None),
        ("day", date(2024, 2, 29), None, None),
        ("statistics_month", date(2026, 3, 15), None, None),
    ],
)
def test_a_quota_that_watches_nothing_at_first_is_a_warning(
    period: str, since: date, until: date | None, told: str | None
) -> None:
    """Whole periods are governed: a year from March on is the next one, or none where it ends before."""
    one = quota("q", key="u1", period=period, valid_from=since, valid_to=until)
    found = [one.message for one in warnings_in(given_by_hand([one]), Known())]
    assert [message.split(":")[0] for message in found] == ([told] if told else [])
