"""What is made of a back-test's transitions: courses, counts, lead times and the picture, worked out by hand."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta

import msgspec

from alerts.life.model import AlertState, Reason
from alerts.rules.model import Subject
from alerts.trying.episodes import Episode, Moved, Watched, episodes, summaries
from alerts.trying.timeline import timeline

DAY = date(2026, 3, 1)
START = datetime(2026, 2, 28, 16, tzinfo=UTC)
END = START + timedelta(days=2)
INACTIVE, PENDING, FIRING = AlertState.INACTIVE, AlertState.PENDING, AlertState.FIRING
RESOLVED, CORRECTED = AlertState.RESOLVED, AlertState.CORRECTED


def at(hours: float) -> datetime:
    """So many hours into the back-test."""
    return START + timedelta(hours=hours)


def course(rule: str, number: int, *states: tuple[float, AlertState], day: date | None = DAY) -> list[Moved]:
    """The transitions of one alert: (hour, state reached); of a unit where there is no day."""
    subject: Subject = "unit" if day is None else "quota"
    found, before = [], INACTIVE
    for hour, state in states:
        plain = Moved(rule, subject, number, day, f"{subject}-{number}", "works <&>", at(hour), before, state, *SHOWN)
        found.append(plain)
        before = state
    return found


SHOWN = (Reason.RAISED, "warning", "orange")
PERIODS = {
    (1, DAY): Watched(at(24), broken_at=at(20)),
    (2, DAY): Watched(at(24)),
    (3, DAY): Watched(at(24), broken_at=at(6)),
    (4, DAY): Watched(at(72)),
    (5, DAY): Watched(at(24), broken_at=at(12)),
}
MOVES = [
    *course("breach", 1, (20, FIRING), (32, RESOLVED)),
    *course("pace", 1, (6, PENDING), (8, FIRING), (9, AlertState.ACKNOWLEDGED), (24, RESOLVED)),  # 12 hours early
    *course(
        "pace", 2, (6, PENDING), (7, FIRING), (10, RESOLVED), (11, PENDING), (12, FIRING), (13, CORRECTED)
    ),  # in vain
    *course("pace", 3, (7, FIRING), (8, RESOLVED)),  # an hour late
    *course("pace", 4, (40, PENDING), (41, FIRING)),  # its period goes on
    *course("pace", 5, (4, FIRING), (12, RESOLVED)),  # 8 hours early
    *course("pace", 6, (3, PENDING), (4, INACTIVE)),  # never fired
    *course("silent", 7, (1, FIRING), (2, RESOLVED), (3, FIRING), day=None),
]
RULES = {"breach": list(PERIODS), "pace": list(PERIODS), "silent": None, "share": [(1, DAY), (2, DAY)]}


def found() -> list[Episode]:
    """The courses, from transitions in any order."""
    return episodes(reversed(MOVES), PERIODS)


def test_each_rule_is_summed_up() -> None:
    """How often it fired, for how long, how early before the breach, what it missed and what it said in vain."""
    breach, pace, silent, share = summaries(RULES, found(), PERIODS, END)
    assert (pace.pending, pace.fired, pace.firings, pace.corrected) == (6, 5, 6, 1)
    assert (pace.foretold, pace.missed, pace.false, pace.open) == (2, 1, 1, 1)
    assert pace.lead_s == 10 * 3600
    assert pace.firing_s == (16 + 3 + 1 + 1 + 7 + 8) * 3600
    assert (breach.foretold, breach.missed, breach.lead_s, breach.false) == (1, 2, 0, 0)
    assert (silent.fired, silent.firings, silent.foretold, silent.firing_s) == (1, 2, None, (1 + 45) * 3600)
    assert (share.fired, share.missed, share.lead_s) == (0, 1, None)


def test_the_picture_stands_in_its_span() -> None:
    """Well-formed, a row per alert, every bar within the span, breaches marked, and what is left out said."""
    root = ET.fromstring(timeline(found(), START, END, "Asia/Shanghai", most=5))  # noqa: S314 - our own text
    tag = "{http://www.w3.org/2000/svg}"
    texts = ["".join(one.itertext()) for one in root.iter(f"{tag}text")]
    assert "2026-03-01 00:00 – 2026-03-03 00:00 Asia/Shanghai" in texts
    assert "quota-6 2026-03-01 · pace" in texts
    assert texts[-1].endswith("3 more alerts are not shown")
    whole = ET.fromstring(timeline(found(), START, at(30), "Asia/Shanghai"))  # noqa: S314 - likewise
    bars = [one for one in whole.iter(f"{tag}rect") if one.find(f"{tag}title") is not None]
    width = float(whole.attrib["width"])
    left = min(float(one.attrib["x1"]) for one in whole.iter(f"{tag}line"))
    assert all(left <= float(bar.attrib["x"]) <= width - 40 and float(bar.attrib["width"]) >= 1.5 for bar in bars)
    assert sum(bar.attrib["fill"] == "#9b6fd1" for bar in bars) == 1
    assert sum("".join(one.itertext()) == "✕" for one in whole.iter(f"{tag}text")) == 4


def test_the_picture_speaks_one_language() -> None:
    """Legend, what a pointer is told of a bar, and what is left out."""
    chinese = timeline(found(), START, END, "Asia/Shanghai", language="zh", most=5)
    for words in ("<title>待定，自 2026-03-01 06:00 至", "触发（按级别着色）", "✕ 突破限额；另有 3 个预警未画出"):
        assert words in chinese
    assert re.search(r"pending|firing|resolved|corrected| from | to ", chinese) is None
    assert re.search(r"[\u4e00-\u9fff]", timeline(found(), START, END, "Asia/Shanghai", most=5)) is None


def test_no_label_meets_a_bar() -> None:
    """However long a code is: there is room for it, or its middle is left out; the rule can be read."""
    long = [
        msgspec.structs.replace(move, code=code)
        for code in ("c" * 40, "d" * 200)
        for move in course("pace", 1, (6, FIRING))
    ]
    root = ET.fromstring(timeline([Episode((move,), at(6), None, None) for move in long], START, END, "UTC"))  # noqa: S314 - likewise
    tag = "{http://www.w3.org/2000/svg}"
    labels = [text for one in root.iter(f"{tag}text") if (text := "".join(one.itertext())).endswith("· pace")]
    assert [len(label) for label in labels] == [40 + len(" 2026-03-01 · pace"), 80]
    assert min(float(one.attrib["x1"]) for one in root.iter(f"{tag}line")) >= 8 + 80 * 7
