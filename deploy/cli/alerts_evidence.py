"""The evidence of an alert as text for a terminal: what it rests on, recomputed, and what is known today. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deploy.cli.alerts_text import fact_lines, local
from deploy.cli.columns import columns

if TYPE_CHECKING:
    from alerts.life.evidence import CarrierPart, Evidence
    from alerts.life.today import Today
    from alerts.rules.messages import Language

_CLOSE = 1e-9
"""Relative; sums are exact in the database, and stored figures are floats."""
_PER_T = 1000.0
_KG = {"tce": "kgce", "tce_equal": "kgce_equal", "tco2": "kgco2"}
"""The factor, in kg per base unit, behind each measure in tonnes."""
_UNKNOWN = "not known"


def evidence_lines(
    evidence: Evidence, zone: str, language: Language, today: Today | None, width: int | None
) -> Iterator[str]:
    """All that one transition rests on, whether it follows from that, and today's figures beside."""
    yield from fact_lines(_facts(evidence, zone, language))
    yield ""
    yield from _figures(evidence, today)
    if evidence.parts:
        yield ""
        yield from _parts(evidence, zone, width)
    if evidence.factors:
        yield ""
        yield from _factors(evidence, width)
    if evidence.consequences:
        yield ""
        yield from _consequences(evidence, language, width)
    yield ""
    yield from _checks(evidence)
    if today is not None:
        yield f"Today: found {local(today.found_at, zone)}, data up to {local(today.ready, zone)}."


def _facts(evidence: Evidence, zone: str, language: Language) -> dict[str, str]:
    rule, quota = evidence.rule, evidence.quota
    facts = {
        "rule": f"{rule.code}, version {rule.version}",
        "raised if": rule.when,
        "clear if": rule.clear or f"not ({rule.when})",
        "judged": f"{local(evidence.now, zone)}, on data up to {local(evidence.at, zone)}",
        "said": f"{evidence.condition}, {evidence.mark.severity} ({evidence.mark.colour})"
        if evidence.condition == "raised"
        else evidence.condition,
        "message": getattr(evidence.message, language),
        "final": "yes: the period is over and all of its data is in" if evidence.final else "",
    }
    if evidence.start is not None:
        facts["period"] = f"{local(evidence.start, zone)} to {local(evidence.end, zone)}"
    if quota is not None:
        facts["quota"] = f"{quota.code}, version {quota.version}: {quota.kind} of {quota.measure} per {quota.period}"
        facts["source"] = quota.source
    facts["quality"] = _quality(evidence)
    facts["projection"] = evidence.method
    if (before := evidence.previous) is not None:
        other = "" if before.rule_version == rule.version else f", by version {before.rule_version} of the rule"
        older = f", by version {before.quota_version} of the quota"
        changed = older if quota is not None and before.quota_version not in {0, quota.version} else ""
        facts["before"] = f"{before.condition}, {before.state}, judged {local(before.now, zone)}{other}{changed}"
    return facts


def _quality(evidence: Evidence) -> str:
    found = evidence.figures.get("quality")
    words = [] if found is None else [_quality_word(int(found))]
    if evidence.figures.get("provisional"):
        words.append("a factor is provisional")
    return ", ".join(words)


def _quality_word(number: int | None) -> str:
    from energy.consumption import IntervalQuality  # noqa: PLC0415 - loaded when called

    return "-" if number is None else IntervalQuality(number).name.lower()


def _figures(evidence: Evidence, today: Today | None) -> Iterator[str]:
    """The figures that the conditions name first, marked with *, each beside what was said before and today's."""
    from alerts.life.evidence import named  # noqa: PLC0415 - loaded when called

    decides = named(evidence)
    before = evidence.previous.figures if evidence.previous else None
    heading = ["FIGURE", "THEN"] + (["BEFORE"] if before is not None else []) + (["TODAY"] if today else []) + [""]
    rows = [tuple(heading)]
    for name in sorted(evidence.figures, key=lambda name: (name not in decides, name)):
        row = [f"{name} *" if name in decides else name, _number(evidence.figures[name])]
        if before is not None:
            row.append(_number(before[name]) if name in before else "-")
        if today is not None:
            row.append(_number(today.figures[name]) if name in today.figures else "-")
        rows.append((*row, ""))
    return (line.rstrip() for line in columns(rows, set(range(1, len(heading) - 1)), None))


def _parts(evidence: Evidence, zone: str, width: int | None) -> Iterator[str]:
    unit = evidence.quota.unit_of_measure if evidence.quota else ""
    rows = [("CARRIER", "AMOUNT", "", unit.upper(), "QUALITY", "COMPLETE UP TO", "REMARK")]
    for part in evidence.parts:
        remarks = (["by hand"] if part.by_hand else []) + (["provisional factor"] if part.provisional else [])
        rows.append((
            part.carrier, _number(part.amount), part.unit_of_measure, _number(part.value),
            _quality_word(part.quality), local(part.ready, zone), ", ".join(remarks),
        ))  # fmt: skip
    return (line.rstrip() for line in columns(rows, {1, 3}, width))


def _factors(evidence: Evidence, width: int | None) -> Iterator[str]:
    rows = [("FACTOR OF", "FROM", "PER", "KGCE", "KGCE EQUAL", "KG CO2", "SOURCE")]
    for one in evidence.factors:
        source = f"{one.source} (provisional)" if one.provisional else one.source
        figures = (_number(one.kgce), _number(one.kgce_equal), _number(one.kgco2))
        rows.append((one.carrier, str(one.valid_from), one.unit, *figures, source))
    return columns(rows, {3, 4, 5}, width)


def _consequences(evidence: Evidence, language: Language, width: int | None) -> Iterator[str]:
    """What policies attach to the breach: estimates with their source and how firmly that is established."""
    rows = [("CONSEQUENCE", "YUAN", "SOURCE", "CONFIDENCE", "HOW")]
    for one in evidence.consequences:
        name, how, note = (
            (one.name_zh, one.formula_zh, one.note_zh)
            if language == "zh"
            else (one.name_en, one.formula_en, one.note_en)
        )
        least, most = one.least_yuan, one.most_yuan
        sums = (
            "-" if least is None or most is None else f"{least:,.2f}" if least == most else f"{least:,.2f}…{most:,.2f}"
        )
        rows.append((name, sums, one.source, one.confidence, f"{how}; {note}" if note else how))
    yield from columns(rows, {1}, width)


def _checks(evidence: Evidence) -> Iterator[str]:
    """What can be recomputed from the evidence alone."""
    from alerts.life.evidence import rejudge  # noqa: PLC0415 - loads numpy only when called

    used = evidence.figures.get("used")
    limit = evidence.figures.get("limit")
    if evidence.parts and used is not None:
        total = math.fsum(part.value for part in evidence.parts)
        yield f"The parts add up to what was used: {_yes(total, used)} ({_number(total)} and {_number(used)})"
    for part in evidence.parts:
        yield from _by_factor(evidence, part)
    if used is not None and limit and (share := evidence.figures.get("used_share")) is not None:
        found = round(used / limit, 9)
        yield f"What was used, of the limit: {_yes(found, share)} ({_number(found)} and {_number(share)})"
    found_condition = rejudge(evidence)
    same = "yes" if found_condition is evidence.condition else "NO"
    yield f"The stored condition is reproduced: {same} ({found_condition} and {evidence.condition})"


def _by_factor(evidence: Evidence, part: CarrierPart) -> Iterator[str]:
    """A part's value from its amount, where one factor was in force all the time."""
    kind = _KG.get(evidence.quota.measure if evidence.quota else "")
    factors = [one for one in evidence.factors if one.carrier == part.carrier]
    if kind is None or len(factors) != 1 or part.amount is None:
        return
    factor: float = getattr(factors[0], kind)
    found = part.amount * factor / _PER_T
    sum_ = f"{_number(part.amount)} {part.unit_of_measure} x {_number(factor)} / 1000 = {_number(found)}"
    yield f"{part.carrier} by its factor: {_yes(found, part.value)} ({sum_})"


def _yes(found: float, stored: float) -> str:
    return "yes" if math.isclose(found, stored, rel_tol=_CLOSE, abs_tol=_CLOSE) else "NO"


def _number(figure: float | None) -> str:
    return _UNKNOWN if figure is None else f"{figure:.10g}"
