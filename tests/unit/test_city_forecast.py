"""The table of docs/demo-city.md and its Chinese page, worked out anew; the forecast itself against the files."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from alerts.life.model import AlertState
from alerts.rules.messages import Language
from deploy.cli.simulate import simulate
from deploy.demo import BAOJI
from deploy.demo.city import City, load_city
from deploy.demo.city_parts import CityTruth, corrections
from deploy.demo.forecast import Firing, as_markdown, forecast
from tests.support.rule_pages import pages

DOCUMENTS = pages("demo-city")
BOTH = pytest.mark.parametrize("language", ["en", "zh"])
TABLE = re.compile(
    r"<!-- forecast: quotawatt (?P<command>.*) -->\n+(?P<table>.*?)\n+<!-- end of forecast -->", re.DOTALL
)


@pytest.fixture(scope="module")
def baoji() -> City:
    """The shipped city."""
    return load_city(BAOJI)


@pytest.fixture(scope="module")
def firings(baoji: City) -> list[Firing]:
    """What fires in the first four days."""
    return forecast(baoji, 4)


@BOTH
def test_the_document_has_the_table_of_today(baoji: City, firings: list[Firing], language: Language) -> None:
    """Whoever changes the city, a factor or a rule is told to bring the document up to date."""
    match = TABLE.search(DOCUMENTS[language].read_text(encoding="utf-8"))
    assert match is not None
    assert match["table"] == as_markdown(baoji, firings, language)


@pytest.mark.parametrize(
    ("language", "course", "breach"),
    [
        ("en", "on course to exceed the day (projection)", "more used than allowed (breach)"),
        ("zh", "预计超过日限额（projection）", "已用量超过限额（breach）"),
    ],
)
def test_the_command_prints_the_forecast(tmp_path: Path, language: str, course: str, breach: str) -> None:
    """The command that the document names exists, and counts its days from the city's start."""
    document = DOCUMENTS[language]
    match = TABLE.search(document.read_text(encoding="utf-8"))
    assert match is not None
    group, command, city, *spoken = match["command"].split()
    assert (group, BAOJI.samefile(document.parents[1] / city)) == ("simulate", True)
    text = BAOJI.read_text(encoding="utf-8")
    begin, end = _unit(text, "chencang-coal-chemistry")
    file = tmp_path / "one.toml"
    file.write_text(text[: text.index("[[unit]]")] + text[begin:end], encoding="utf-8")
    outcome = CliRunner().invoke(simulate, [command, str(file), "--days", "1", *spoken])
    assert [line.split(" | ")[4] for line in outcome.output.splitlines()[2:]] == [
        course,
        breach,
    ]


def _unit(text: str, code: str) -> tuple[int, int]:
    """Where a unit's tables begin and end in the city file."""
    begin = text.rindex("[[unit]]", 0, text.index(f'code = "{code}"'))
    return begin, text.index("[[unit]]", begin + 1)


def test_both_kinds_fire_early_and_most_units_stay_within(baoji: City, firings: list[Firing]) -> None:
    """A day quota breaks on day 1, month quotas are on course too; three units in four are never rightly flagged."""
    first_day = [firing for firing in firings if firing.at < baoji.city.start + timedelta(days=1)]
    assert any(f.broken and f.quota.period == "day" for f in first_day)
    assert sum(not f.broken and f.quota.period == "month" for f in first_day) >= 2
    wrongly = {firing.unit.code for firing in firings if firing.state is AlertState.CORRECTED}
    assert len(wrongly) == 1
    assert len({firing.unit.code for firing in firings} - wrongly) * 4 <= len(baoji.unit)


def test_an_exceeded_day_has_used_what_the_files_say(baoji: City, firings: list[Firing]) -> None:
    """The use at a breach is the exact sum of the gate meters' intervals since midnight."""
    truth = CityTruth(baoji)
    breach = next(f for f in firings if f.broken and f.unit.code == "chencang-coal-chemistry")
    midnight = breach.at.replace(hour=0, minute=0)
    span = (int(midnight.timestamp() * 1000), int(breach.at.timestamp() * 1000))
    gate = [m for m in breach.unit.meter if m.level == 1 and m.carrier == "electricity"]
    used = sum(truth.consumed(breach.unit.point(meter), *span) for meter in gate)
    assert breach.used == pytest.approx(used, abs=0.001)
    assert breach.used > breach.quota.limit


def test_a_month_on_course_projects_beyond_its_limit(firings: list[Firing]) -> None:
    """Used by the elapsed share is more than the limit, though the limit itself is far away."""
    months = [firing for firing in firings if firing.quota.period == "month"]
    assert months
    for firing in months:
        assert firing.projected is not None
        assert firing.used < firing.quota.limit < firing.projected
        share = firing.used / firing.projected
        elapsed = (firing.at - firing.at.replace(day=1, hour=0, minute=0)) / timedelta(days=31)
        assert share == pytest.approx(elapsed, abs=1e-4)


def test_what_is_reported_corrects_what_was_said(baoji: City, firings: list[Firing]) -> None:
    """A wrong ratio raises, fires and breaks; what the unit reports puts it right, openly, and only that quota's."""
    (correction,) = corrections(baoji)
    (corrected,) = [f for f in firings if f.state is AlertState.CORRECTED]
    before = [f for f in firings if f.quota == corrected.quota and f.at < corrected.at.replace(hour=0, minute=0)]
    truth = CityTruth(baoji)
    midnight = baoji.city.start
    span = (int(midnight.timestamp() * 1000), int((midnight + timedelta(days=1)).timestamp() * 1000))
    used = truth.consumed(correction.point, *span)
    assert corrected.at == correction.reported
    assert [f.rules for f in before] == [("projection",), ("breach",)]
    assert set(corrected.rules) == {"breach", "projection"}
    assert corrected.used == pytest.approx(used, abs=0.001)
    assert corrected.said == pytest.approx(used * 80 / 60, abs=0.001)
    assert corrected.said is not None
    assert corrected.used < corrected.quota.limit < corrected.said
