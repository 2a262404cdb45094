"""What commands of the rules engine print: in both languages, within the terminal, in columns that stand straight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from alerts.life.model import AlertState, Condition, Reason
from alerts.life.terms import CONDITIONS, REASONS, STATES, SUBJECTS
from alerts.rules.messages import Language
from alerts.time_of_use.store import Kept
from alerts.trying.backtest import BackTest
from alerts.trying.episodes import Episode, Moved, RuleSummary
from alerts.trying.whatif import End, Outcome
from alerts.verdicts import COLOUR_TERMS, SEVERITY_TERMS, Colour, Severity
from deploy.cli import backtest_text, tou_text, whatif_text
from deploy.cli.columns import amount, columns, places

ROWS = [
    ("编号", "OF", "SAYS"),
    ("1", "chencang-coal-chemistry.electricity-day 2026-03-03", "虚构·陈仓煤化工厂：限额已突破，已用 581,498 kWh"),
    ("22", "short", "within"),
]
START, END = datetime(2026, 3, 1, 16, tzinfo=UTC), datetime(2026, 3, 2, 16, tzinfo=UTC)
BOTH = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.mark.parametrize(("width", "whole"), [(40, True), (50, True), (60, False), (100, False), (140, True)])
def test_no_line_is_wider_than_the_terminal(width: int, whole: bool) -> None:  # noqa: FBT001 - a case of the test
    """Where it is narrow a code loses its middle; where it is narrower still the last text follows below, all of it."""
    lines = list(columns(ROWS, {0}, width, gives_way=1))
    assert max(map(places, lines)) <= width
    told = "".join("".join(lines).split())
    assert ("581,498kWh" in told) == whole, "what stands beside the others is cut"
    assert "2026-03-03" in told


def test_a_code_keeps_its_ends_and_all_of_it_where_nothing_is_cut() -> None:
    """Both ends tell codes apart; a pipe gets everything."""
    _, narrow, *_ = columns(ROWS, {0}, 40, gives_way=1)
    assert narrow == "   1  chencang-…2026-03-03"
    assert list(columns(ROWS, {0}, None, gives_way=1)) == [
        f"编号  OF{'':48}  SAYS",
        f"   1  {ROWS[1][1]}  {ROWS[1][2]}",
        f"  22  short{'':45}  within",
    ]


def test_a_text_below_is_broken_between_words_where_it_has_some() -> None:
    """Chinese has none, and is broken where the line is full."""
    rows = [
        ("OF", "SAYS"),
        ("c" * 30, "on course to exceed the quota of this month, and of the year"),
        ("d", "限额" * 20),
    ]
    assert list(columns(rows, set(), 40))[1:] == [
        "c" * 30,
        "    on course to exceed the quota of",
        "    this month, and of the year",
        "d",
        f"    {'限额' * 9}",
        f"    {'限额' * 9}",
        f"    {'限额' * 2}",
    ]


def test_nothing_stands_below_where_there_is_nothing_to_say() -> None:
    """However narrow it is."""
    assert list(columns([("OF", "SAYS"), ("c" * 50, "")], set(), 40))[2:] == [f"{'c' * 50}  "]


@pytest.mark.parametrize(
    ("figure", "text"),
    [(0.0, "0"), (1234567.0, "1,234,570"), (96_000.0, "96,000"), (0.05, "0.05"), (218.3154, "218.315"), (-3.0, "-3")],
)
def test_amounts_never_stand_in_powers_of_ten(figure: float, text: str) -> None:
    """Six digits that matter."""
    assert amount(figure) == text


def test_every_word_of_the_model_has_its_chinese_term() -> None:
    """None is forgotten when one is added."""
    assert STATES.keys() == set(AlertState)
    assert REASONS.keys() == set(Reason)
    assert CONDITIONS.keys() == set(Condition)
    assert SUBJECTS.keys() == {"quota", "unit", "meter"}
    assert SEVERITY_TERMS.keys() == set(Severity) - {Severity.NONE, Severity.UNKNOWN}
    assert COLOUR_TERMS.keys() == set(Colour)


def test_a_back_test_is_told_in_chinese() -> None:
    """Headings, states and sums; codes and figures as they are; of a correction both figures."""
    fired = _moved(AlertState.INACTIVE, AlertState.FIRING, START, used=1_234_567.0)
    corrected = _moved(AlertState.FIRING, AlertState.CORRECTED, END, used=80.0, said_used=1_234_567.0)
    episode = Episode((fired, corrected), START, START, 0.0)
    rule = RuleSummary("breach", 1, 1, 1, 1, 86_400.0, 1, 0, 0, 0, 5400.0)
    found = BackTest(START, END, 3600.0, 25, "Asia/Shanghai", 2, 1, (rule,), (episode,))
    assert [line.rstrip() for line in backtest_text.table(found, "zh", None)] == [
        "自 2026-03-02 00:00 至 2026-03-03 00:00（Asia/Shanghai）判断 25 次；限额周期 2 个，其中突破 1 个",
        "",
        "规则    预警  触发  更正  小时  预见   提前  漏报  误报  未结束",
        "breach     1     1     1  24.0     1  1.5 h     0     0  0",
        "",
        "触发时间          规则    对象            状态     提前  数据",
        "2026-03-02 00:00  breach  q-1 2026-03-02  已更正  0.0 h  1,234,570 / 100；更正 1,234,570 → 80",
        "触发的预警 1 个",
    ]
    (*_, last) = backtest_text.table(found, "en", None)
    assert last == "1 alert fired"


def _moved(before: AlertState, after: AlertState, at: datetime, **figures: float) -> Moved:
    day, reason = date(2026, 3, 2), Reason.RAISED
    return Moved(
        "breach", "quota", 1, day, "q-1", "", at, before, after, reason, "critical", "red", limit=100.0, **figures
    )


@pytest.mark.parametrize(
    ("needed", "zh", "en"),
    [
        (0.25, "25.0%", "25.0%"),
        (0.0, "无需", "none, it ends within the limit"),
        (1.5, "全部停用也不够", "not even all of it would be enough"),
        (None, "本周期内没有可减的此类用能", "no such use is still to come in this period"),
    ],
)
def test_a_what_if_is_told_in_both_languages(needed: float | None, zh: str, en: str) -> None:
    """Where a quota stands, how it ends, and what would have to change."""
    before, after = End(110.0, 100.5, 119.5, 1.1, date(2026, 3, 28)), End(99.0, None, None, 0.99, None)
    days = (date(2026, 3, 1), date(2026, 3, 31))
    one = Outcome("q-1", "tce", "tce", "month", *days, 50.0, 100.0, "like_days", before, after, needed)
    assert list(whatif_text.lines([one], START, "zh")) == [
        "数据时间 2026-03-01 16:00",
        "",
        "q-1，至 2026-03-31：已用 50.0，限额 100.0 tce；预测方法：同类日",
        "          预测值       80 % 区间  占限额  用完日期",
        "  现状     110.0  100.5 至 119.5  110.0%  2026-03-28",
        "  改变后    99.0            未知   99.0%",
        f"  需减比例：{zh}",
    ]
    assert list(whatif_text.lines([one], START, "en"))[-1] == f"  needed cut: {en}"


@BOTH
def test_tables_of_hours_have_headings(language: Language) -> None:
    """A table of no voltage is for any; when one was replaced is told."""
    kept = [
        Kept(1, "61", "", date(2026, 1, 1), [{}, {}], "d", "Li", START, END),
        Kept(2, "61", "10 kV", date(2026, 1, 1), [{}], "d", "Li", START, None),
    ]
    heading, first, second = tou_text.kept_lines(kept, language, None)
    assert first.split()[1] == {"zh": "任意", "en": "any"}[language]
    assert "  2026-03-03 00:00  d" in first
    assert second.split()[-2:] == ["-", "d"]
    assert [places(line[: line.rindex(last)]) for line, last in _ends(heading, first, second)] == [
        places(first[: first.rindex("d")])
    ] * 3


def _ends(heading: str, *lines: str) -> Iterator[tuple[str, str]]:
    """Each line with the text of its last column."""
    yield heading, heading.rsplit(maxsplit=1)[-1]
    yield from ((line, "d") for line in lines)
