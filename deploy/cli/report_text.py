"""Reports as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from deploy.cli.columns import columns, shown
from ingest.accounting.reports.figures import fixed, percent, rounded, unit_sign
from ingest.accounting.reports.page import AT_MOST, culprit, figure, moment, offset, subject
from ingest.accounting.reports.words import Language, Words

if TYPE_CHECKING:
    from decimal import Decimal

    from ingest.accounting.reports.district import DistrictReport, GroupLine, UnitLine
    from ingest.accounting.reports.model import CarrierUse, ProductUse, Total, ValueUse
    from ingest.accounting.reports.unit import UnitReport

_MOST_NAMED = 3


def unit_lines(report: UnitReport, language: Language) -> Iterator[str]:
    """The figures of a unit's month; of their origin how much there is, which the other forms tell in full."""
    w, unit, period = Words(language), report.unit, report.period
    yield shown(f"{unit.code}  {w.either(unit.name_zh, unit.name_en, '')}  {period.month}".rstrip())
    zone = f"{unit.time_zone} ({offset(unit.time_zone, report.made_at)})"
    yield f"{w[period.kind.value]} {period.first_day} – {period.last_day}, {zone}"
    yield from _standing(report, w)
    yield from _carriers(report, w)
    yield from _assessed(report, w)
    yield from _products(report, w)
    yield from _quotas(report, w)
    yield from _quality(report, w)
    yield from _origin(report, w)


def district_lines(report: DistrictReport, language: Language) -> Iterator[str]:
    """Units by what they used, and their sums."""
    w = Words(language)
    calendar = w["own_month" if report.statistics else "calendar_month"]
    yield f"{w['district']} {report.district}  {report.month}  {calendar}"
    if report.open:
        yield w["standing_open"]
    yield ""
    heads = (w["code"], w["tce_short"], w["tce_equal_short"], "tCO₂", w["assessed_equal_short"], w["evaluation"])
    rows = [(*heads, w["unit_name"])]
    for one in report.units:
        figures = _three(one)
        name = w.either(one.name_zh, one.name_en, "")
        rows.append((one.unit, *figures, fixed(one.assessed_tce_equal, 3), w.of("verdict", one.verdict.value), name))
    yield from columns(rows, {1, 2, 3, 4}, None)
    yield ""
    rows = [(w["by_carrier"], w["units_count"], w["consumed"], w["tce_short"], w["tce_equal_short"], "tCO₂", "")]
    for line in report.carriers:
        figures = fixed(line.tce, 3), fixed(line.tce_equal, 3), fixed(line.tco2, 3)
        amount = f"{rounded(line.amount, 3)} {unit_sign(line.unit)}"
        provisional = w["provisional"] if line.provisional else ""
        rows.append((subject(w, line.carrier), str(line.units), amount, *figures, provisional))
    yield from _trimmed(rows, {1, 2, 3, 4, 5})
    for title, words, lines in (
        ("by_district", "", report.districts),
        ("by_industry", "", report.industries),
        ("by_size", "size_class", report.size_classes),
        ("total", "", (report.total,)),
    ):
        yield from _groups(w, title, words, lines)
    yield ""
    failed = [
        f"{one.unit} ({', '.join(w.of('criterion', name) for name in one.failed)})"
        for one in report.units
        if one.failed
    ]
    yield f"{w['quality_failed']}{w['colon']}{', '.join(failed) or w['none_failed']}"
    yield w["legend"]


def _groups(w: Words, title: str, words: str, lines: Sequence[GroupLine]) -> Iterator[str]:
    yield ""
    rows = [(w[title], w["units_count"], w["with_data"], w["tce_short"], w["tce_equal_short"], "tCO₂")]
    for one in lines:
        name = "" if title == "total" else w["not_recorded"]
        key = f"{one.key} {w.of(words, one.key) if words else ''}".rstrip() if one.key else name
        figures = _three(one)
        rows.append((key, str(one.units), str(one.with_data), *figures))
    yield from columns(rows, {1, 2, 3, 4, 5}, None)


def _standing(report: UnitReport, w: Words) -> Iterator[str]:
    """What a reader must know before he believes a figure."""
    total = report.total
    if total.tce is None:
        yield w["standing_empty"]
    elif total.partial:
        yield w["standing_partial"]
    for holds, word in (
        (report.period.calendar_instead, "standing_calendar"),
        (total.suspect, "standing_suspect"),
        (report.period.open, "standing_open"),
        (report.updating, "standing_updating"),
        (total.provisional, "standing_provisional"),
    ):
        if holds:
            yield w[word]


def _carriers(report: UnitReport, w: Words) -> Iterator[str]:
    yield ""
    if not report.carriers:
        yield w["no_carriers"]
        return
    heads = ("purchased", "renewable", "stock_decrease", "sold", "consumed", "feedstock", "produced")
    rows = [(w["carrier"], *(w[head] for head in heads), w["measure_unit"])]
    for one in report.carriers:
        figures = [rounded(getattr(one, head), 3) for head in heads]
        figures[heads.index("consumed")] = _marked(figures[heads.index("consumed")], one)
        rows.append((subject(w, one.carrier), *figures, unit_sign(one.unit)))
    yield from columns(rows, set(range(1, len(heads) + 1)), None)
    yield ""
    rows = [
        (w["carrier"], w["tce_short"], w["tce_equal_short"], "tCO₂", w["coverage"], w["days_with_data"], w["quality"])
    ]
    for one in report.carriers:
        figures = [
            *_three(one),
            percent(one.coverage, 2),
        ]
        days = f"{one.days}/{report.period.days}"
        rows.append((subject(w, one.carrier), *figures, days, w.of("quality", one.quality)))
    total = report.total
    sums = _three(total)
    rows.append((w["total"], *sums, "", "", ""))
    yield from _trimmed(rows, {1, 2, 3, 4, 5})
    yield w["legend"]


def _assessed(report: UnitReport, w: Words) -> Iterator[str]:
    yield ""
    if (a := report.assessed) is None:
        yield w["no_assessment"]
        return
    rows: list[tuple[str, ...]] = [(w["assessment"], w["tce_short"], w["tce_equal_short"])]
    whole = (w["all_energy"], w["assessed"])
    for label, one, other in (
        (w["all_energy"], a.tce, a.tce_equal),
        (w["less_feedstock"], a.feedstock_tce, a.feedstock_tce_equal),
        (w["less_certificates"], a.certificate_tce, a.certificate_tce),
        (w["assessed"], a.assessed_tce, a.assessed_tce_equal),
    ):
        shown_ = (_marked(fixed(each, 3), report.total) if label in whole else fixed(each, 3) for each in (one, other))
        rows.append((label, *shown_))
    yield from columns(rows, {1, 2}, None)


def _products(report: UnitReport, w: Words) -> Iterator[str]:
    yield ""
    if not report.products and report.value is None:
        yield w["no_products"]
    if report.products:
        heads = (
            "product",
            "output",
            "known_days",
            "per_output",
            "equal_per_output",
            "kwh_per_output",
            "level",
            "standard",
        )
        rows = [tuple(w[head] for head in heads)]
        for one in report.products:
            output = f"{rounded(one.output, 3)} {unit_sign(one.unit)}"
            each = (one.kgce_per_output, one.kgce_equal_per_output, one.kwh_per_output)
            level = w.of("level", one.level)
            standard = "—"
            if one.standard:
                levels = " / ".join(rounded(level, 4) for level in one.levels)
                standard = f"{one.standard}: {levels} {unit_sign(one.quota_unit or '')}"
            rows.append((one.product, output, _known(one), *(_stated(figure, one) for figure in each), level, standard))
        yield from columns(rows, {1, 2, 3, 4, 5}, None)
    if (value := report.value) is not None:
        yield f"{w['output_value']}{w['colon']}{rounded(value.output_value, 3)}"
        yield f"{w['known_days']}{w['colon']}{_known(value)}"
        yield f"{w['per_value']}{w['colon']}{_stated(value.tce_per_value, value)}"
        yield f"{w['equal_per_value']}{w['colon']}{_stated(value.tce_equal_per_value, value)}"


def _known(one: ProductUse | ValueUse) -> str:
    return "—" if one.output_days is None else f"{one.energy_days}/{one.output_days}"


def _stated(intensity: Decimal | None, one: ProductUse | ValueUse) -> str:
    """An intensity with what must be known of its energy; output filled in by hand is the rule."""
    return rounded(intensity, 4) + "".join(
        mark for flag, mark in ((one.partial, "†"), (one.suspect, "‡")) if flag and intensity is not None
    )


def _quotas(report: UnitReport, w: Words) -> Iterator[str]:
    yield ""
    if not report.quotas:
        yield w["no_quotas"]
        return
    rows = [tuple(w[head] for head in ("quota", "quota_period", "used", "limit", "measure_unit", "share", "state"))]
    for one in report.quotas:
        period = f"{w.of('period', one.period)} {one.period_start}"
        verdict = f"{w.of('quota_verdict', one.verdict)}, {w.of('quota_state', one.state)}"
        state = w["not_evaluated"] if one.state is None else verdict
        used, share = _marked(rounded(one.used, 3), one), _marked(percent(one.share), one)
        figures = used, rounded(one.limit, 3), unit_sign(one.limit_unit), share
        rows.append((one.quota, period, *figures, state))
    yield from columns(rows, {2, 3, 5}, None)


def _quality(report: UnitReport, w: Words) -> Iterator[str]:
    yield ""
    yield f"{w['evaluation']}{w['colon']}{w.of('verdict', report.quality.verdict.value)}"
    rows = []
    for one in report.quality.criteria:
        sign = "≤" if one.criterion in AT_MOST else "≥"
        rest = len(one.culprits) - _MOST_NAMED
        culprits = ", ".join(culprit(bad, w) for bad in one.culprits[:_MOST_NAMED]) + (f" +{rest}" if rest > 0 else "")
        said = w.of("criterion", one.criterion.value), w.of("verdict", one.verdict.value)
        rows.append((*said, figure(one, one.value, w), f"{sign} {figure(one, one.bound, w)}", culprits))
    yield from _trimmed(rows, {2})


def _origin(report: UnitReport, w: Words) -> Iterator[str]:
    origin = report.origin
    yield ""
    yield f"{w['origin']}{w['colon']}".rstrip()
    for one in origin.factors:
        provisional = f", {w['provisional']}" if one.provisional else ""
        figures = " / ".join(rounded(value, 9) for value in (one.kgce, one.kgce_equal, one.kgco2))
        what = f"{figures} kgce / kgce= / kgCO₂ / {unit_sign(one.unit)}"
        yield shown(
            f"  {subject(w, one.carrier)}  {what}{provisional}; {one.source}; {w['data_set']} {one.data_set or '—'}"
        )
    if origin.without_factor:
        yield f"  {w['without_factor']}{w['colon']}{', '.join(subject(w, one) for one in origin.without_factor)}"
    rows = [
        (
            f"  {one.point}",
            w.of("flow", one.flow),
            f"{rounded(one.amount, 3)} {unit_sign(one.unit)}",
            percent(one.measured, 2),
            percent(one.estimated, 2),
            percent(one.substituted, 2),
            percent(one.suspect, 2),
            percent(one.missing, 2),
            ", ".join(f"{w.of('method', method)} {percent(share, 2)}" for method, share in one.methods.items()) or "—",
        )
        for one in origin.points
    ]
    qualities = (w.of("quality", one) for one in ("measured", "estimated", "substituted", "suspect", "missing"))
    heads = (f"  {w['point']}", w["flow"], w["amount"], *qualities, w["methods"])
    if rows:
        yield from columns([heads, *rows], {2, 3, 4, 5, 6, 7}, None)
    times = sum(one.times for one in origin.findings)
    for word, count in (("entries", len(origin.entries)), ("edits", len(origin.edits)), ("findings", times)):
        yield f"  {w[word]}{w['colon']}{count}" if count else f"  {w[f'no_{word}']}"
    yield f"  {w['made']} {moment(report.made_at, report.unit.time_zone, report.made_at)}, Quotawatt {report.software}"


def _three(row: CarrierUse | Total | GroupLine | UnitLine) -> tuple[str, str, str]:
    """Standard coal by both values and CO2, each with its marks."""
    return (
        _marked(fixed(row.tce, 3), row),
        _marked(fixed(row.tce_equal, 3), row),
        _marked(fixed(row.tco2, 3), row),
    )


def _marked(text: str, row: CarrierUse | Total | GroupLine | object) -> str:
    """A figure with what must be known of it."""
    flags = ("partial", "†"), ("suspect", "‡"), ("provisional", "P"), ("by_hand", "*")
    return text + "".join(mark for flag, mark in flags if getattr(row, flag, False))


def _trimmed(rows: Sequence[tuple[str, ...]], right: set[int]) -> Iterator[str]:
    return (line.rstrip() for line in columns(rows, right, None))
