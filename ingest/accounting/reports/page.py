"""Reports for people: one HTML page that needs nothing else, to be printed on A4."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from energy.carriers import carriers
from energy.periods import DEFAULT_ZONE
from ingest.accounting.quality.evaluation import Criterion, Fault
from ingest.accounting.reports.chart import HEIGHT, WIDTH, chart
from ingest.accounting.reports.district import DistrictReport
from ingest.accounting.reports.figures import UNKNOWN, fixed, percent, rounded, unit_sign
from ingest.accounting.reports.model import JudgedCriterion, NamedCulprit
from ingest.accounting.reports.unit import UnitReport
from ingest.accounting.reports.words import Language, Words

AT_MOST = frozenset({Criterion.AGREEMENT, Criterion.MONTH_BORDER, Criterion.REPAIR})
"""Criteria whose figure must not be above the bound; of all others it must not be below."""
_SHARES = frozenset({Criterion.COMPLETENESS, Criterion.AGREEMENT, Criterion.DAY_BORDER, Criterion.TRUST})


def unit_page(report: UnitReport, language: Language) -> str:
    """The report of a unit as HTML."""
    running = f"{report.unit.code} · {report.period.month}"
    drawn = chart(report.days, report.period.days)
    return _page("unit.html.j2", report, language, report.unit.time_zone, running=running, chart=drawn)


def district_page(report: DistrictReport, language: Language) -> str:
    """The report of a district as HTML."""
    running = f"{report.district} · {report.month}"
    return _page("district.html.j2", report, language, DEFAULT_ZONE, running=running)


def moment(at: datetime | None, zone: str, seen: datetime) -> str:
    """An instant by the clock of a zone; with its offset where that is another one than at the instant `seen`."""
    if at is None:
        return UNKNOWN
    where = ZoneInfo(zone)
    local = at.astimezone(where)
    other = local.utcoffset() != seen.astimezone(where).utcoffset()
    return f"{local:%Y-%m-%d %H:%M}" + (f" {offset(zone, at)}" if other else "")


def offset(zone: str, seen: datetime) -> str:
    """How a zone's clock differed from UTC at an instant."""
    text = f"{seen.astimezone(ZoneInfo(zone)):%z}"
    return f"UTC{text[:3]}:{text[3:]}"


def figure(judged: JudgedCriterion, value: Decimal | None, words: Words) -> str:
    """A criterion's figure or bound in the unit that it is spoken of in."""
    if value is None or judged.criterion in _SHARES:
        return percent(value)
    if judged.criterion is Criterion.MONTH_BORDER:
        return f"{rounded(value / 3600, 1)} h"
    return _days(value, words)


def culprit(one: NamedCulprit, words: Words) -> str:
    """A culprit with what is wrong with it."""
    match one.fault:
        case Fault.SHARE:
            return f"{subject(words, one.name)} {percent(one.figure)}"
        case Fault.AWAY:
            return f"{one.name} {rounded(one.figure / 3600, 1)} h"
        case _:
            return f"{one.name} {words.of('fault', one.fault.value)} {_days(one.figure, words)}"


def _days(count: Decimal, words: Words) -> str:
    return f"{rounded(count, 0)} {words['working_day' if count == 1 else 'working_days']}"


def subject(words: Words, key: str) -> str:
    """A carrier by its name; a product, or anything else, by its code."""
    known = carriers().get(key)
    return words.either(known.name_zh, known.name_en, key) if known else key


def css_string(text: str) -> Markup:
    """`text` as a string of a style sheet, in which nothing can end it."""
    return Markup('"{}"').format(Markup("").join(f"\\{ord(character):x} " for character in text))


def _page(template: str, report: UnitReport | DistrictReport, language: Language, zone: str, **more: object) -> str:
    words, seen = Words(language), report.made_at
    return _environment().get_template(template).render(
        r=report,
        w=words,
        zone=zone,
        lang="zh-CN" if language is Language.ZH else "en",
        sign=partial(unit_sign, chinese=language is Language.ZH),
        moment=partial(moment, zone=zone, seen=seen),
        offset=offset(zone, seen),
        figure=partial(figure, words=words),
        culprit=partial(culprit, words=words),
        subject=partial(subject, words),
        at_most=AT_MOST,
        area=(WIDTH, HEIGHT),
        **more,
    )  # fmt: skip


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("ingest.accounting.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(n=rounded, fixed=fixed, pct=percent, css=css_string)
    return made
