"""The evidence of an alert as text for a terminal: what it rests on, recomputed, and what is known today. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from alerts.life.terms import CONDITIONS, STATES, term
from alerts.verdicts import COLOUR_TERMS, SEVERITY_TERMS
from deploy.cli.alerts_text import fact_lines, local
from deploy.cli.columns import columns
from deploy.cli.terminal import saying

if TYPE_CHECKING:
    from datetime import datetime

    from alerts.life.evidence import CarrierPart, Evidence
    from alerts.life.model import Condition
    from alerts.life.people import Listed
    from alerts.life.today import Today
    from alerts.rules.messages import Language

_CLOSE = 1e-9
"""Relative; sums are exact in the database, and stored figures are floats."""
_PER_T = 1000.0
_KG = {"tce": "kgce", "tce_equal": "kgce_equal", "tco2": "kgco2"}
"""The factor, in kg per base unit, behind each measure in tonnes."""
_INTERNAL = frozenset({"value_known"})
"""Figures that tell people nothing, unless a rule decides by them."""
_QUALITIES: Mapping[str, str] = {
    "measured": "实测",
    "estimated": "估计",
    "substituted": "替代",
    "suspect": "可疑",
    "missing": "缺失",
}


class _Told(NamedTuple):
    """One piece of evidence, and how it is told."""

    evidence: Evidence
    zone: str
    language: Language
    say: Callable[[str, str], str]

    @property
    def unknown(self) -> str:
        from alerts.rules.messages import NOT_KNOWN  # noqa: PLC0415 - loaded when called

        return NOT_KNOWN[self.language]

    def at(self, moment: datetime | None) -> str:
        return self.unknown if moment is None else local(moment, self.zone)

    def number(self, figure: float | None) -> str:
        return self.unknown if figure is None else number(figure)

    def quality(self, number: float | None) -> str:
        from energy.consumption import IntervalQuality  # noqa: PLC0415 - loaded when called

        if number is None:
            return self.unknown
        word = IntervalQuality(int(number)).name.lower()
        return self.say(_QUALITIES[word], word)

    def figure(self, name: str, figure: float | None) -> str:
        return self.quality(figure) if name == "quality" else self.number(figure)

    def yes(self, found: float, stored: float) -> str:
        return self.same(equal=math.isclose(found, stored, rel_tol=_CLOSE, abs_tol=_CLOSE))

    def condition(self, found: Condition) -> str:
        return self.unknown if found == "unknown" else term(CONDITIONS, found, self.language)

    def named(self, field: str, word: str) -> str:
        """A word of a quota's `field` in Chinese as in its tables; carriers are measures."""
        from alerts.quotas.words import chinese_of  # noqa: PLC0415 - loaded when called

        return chinese_of(field, word) if self.language == "zh" else word

    def same(self, *, equal: bool) -> str:
        return self.say("是", "yes") if equal else self.say("否", "NO")


def evidence_lines(
    evidence: Evidence, alert: Listed, language: Language, today: Today | None, width: int | None
) -> Iterator[str]:
    """All that one transition of an alert rests on, whether it follows from that, and today's figures beside."""
    told = _Told(evidence, alert.time_zone, language, saying(language))
    yield from fact_lines(_facts(told, alert))
    yield ""
    yield from _figures(told, today)
    if evidence.parts:
        yield ""
        yield from _parts(told, width)
    if evidence.factors:
        yield ""
        yield from _factors(told, width)
    if evidence.consequences:
        yield ""
        yield from _consequences(told, width)
    yield ""
    yield from _checks(told)
    if today is not None:
        found, ready = told.at(today.found_at), told.at(today.ready)
        yield told.say(f"今天：{found} 得出，数据截至 {ready}。", f"Today: found {found}, data up to {ready}.")


def number(figure: float) -> str:
    """With six significant digits at most, never in powers of ten."""
    return f"{Decimal(f'{figure:.6g}'):f}"


def _facts(told: _Told, alert: Listed) -> dict[str, str]:
    evidence, say = told.evidence, told.say
    rule, quota = evidence.rule, evidence.quota
    now, at = told.at(evidence.now), told.at(evidence.at)
    severity = term(SEVERITY_TERMS, evidence.mark.severity, told.language)
    colour = term(COLOUR_TERMS, evidence.mark.colour, told.language)
    loud = say(f"，{severity}（{colour}）", f", {severity} ({colour})") if evidence.condition == "raised" else ""
    message = getattr(evidence.message, told.language)
    facts = {
        say("规则", "rule"): say(f"{rule.code}，版本 {rule.version}", f"{rule.code}, version {rule.version}"),
        say("触发条件", "raised if"): rule.when,
        say("解除条件", "clear if"): rule.clear or f"not ({rule.when})",
        say("判断", "judged"): say(f"{now}，数据截至 {at}", f"{now}, on data up to {at}"),
        say("结论", "said"): f"{told.condition(evidence.condition)}{loud}",
        say("当时内容", "message"): "" if message == getattr(alert.message, told.language) else message,
        say("终判", "final"): say("是：周期已结束，数据已齐", "yes: the period is over and all of its data is in")
        if evidence.final
        else "",
    }
    if evidence.start is not None:
        start, end = told.at(evidence.start), told.at(evidence.end)
        facts[say("周期", "period")] = say(f"{start} 至 {end}", f"{start} to {end}")
    if quota is not None:
        facts[say("限额", "quota")] = say(
            f"{quota.code}，第 {quota.version} 版：{told.named('kind', quota.kind)}，"
            f"{told.named('measure', quota.measure)}，按{told.named('period', quota.period)}",
            f"{quota.code}, version {quota.version}: {quota.kind} of {quota.measure} per {quota.period}",
        )
        facts[say("出处", "source")] = quota.source
    facts[say("质量", "quality")] = _quality(told)
    facts[say("预测方法", "projection")] = _method(told)
    facts[say("此前", "before")] = _before(told)
    return facts


def _before(told: _Told) -> str:
    before, rule, quota = told.evidence.previous, told.evidence.rule, told.evidence.quota
    if before is None:
        return ""
    judged = told.at(before.now)
    parts = [
        told.condition(before.condition),
        term(STATES, before.state, told.language),
        told.say(f"判断于 {judged}", f"judged {judged}"),
    ]
    if (version := before.rule_version) != rule.version:
        parts.append(told.say(f"按规则版本 {version}", f"by version {version} of the rule"))
    if quota is not None and (number := before.quota_version) not in {0, quota.version}:
        parts.append(told.say(f"按限额第 {number} 版", f"by version {number} of the quota"))
    return told.say("，", ", ").join(parts)


def _method(told: _Told) -> str:
    from alerts.rules.messages import WORDS  # noqa: PLC0415 - loaded when called

    method = told.evidence.method
    return WORDS["method"].get(method, {}).get(told.language, method)


def _quality(told: _Told) -> str:
    figures = told.evidence.figures
    found = figures.get("quality")
    words = [] if found is None else [told.quality(found)]
    if figures.get("provisional"):
        words.append(told.say("含暂定系数", "a factor is provisional"))
    return told.say("，", ", ").join(words)


def _figures(told: _Told, today: Today | None) -> Iterator[str]:
    """The figures that the conditions name first, marked with *, each beside what was said before and today's."""
    from alerts.life.evidence import named  # noqa: PLC0415 - loaded when called

    evidence, say = told.evidence, told.say
    decides = named(evidence)
    before = evidence.previous.figures if evidence.previous else None
    beside = [figures for figures in (before, today.figures if today else None) if figures is not None]
    heading = [say("数据", "FIGURE"), say("单位", "UNIT"), say("当时", "THEN")]
    heading += [say("此前", "BEFORE")] if before is not None else []
    heading += [say("今天", "TODAY")] if today else []
    rows = [(*heading, "")]
    for name in sorted(evidence.figures.keys() - (_INTERNAL - decides), key=lambda name: (name not in decides, name)):
        row = [f"{name} *" if name in decides else name, _unit_of(told, name)]
        row += [told.figure(name, figures.get(name)) for figures in (evidence.figures, *beside)]
        rows.append((*row, ""))
    return (line.rstrip() for line in columns(rows, set(range(2, len(heading))), None))


def _unit_of(told: _Told, name: str) -> str:
    """The unit of measure of a figure; nothing where it has none, or the platform no longer has it."""
    from alerts.series.known import catalogue  # noqa: PLC0415 - loads numpy only when called

    evidence = told.evidence
    series = catalogue().find(evidence.rule.subject, name)
    if series is None or name == "quality":
        return ""
    if series.unit == "any":
        return evidence.quota.unit_of_measure if evidence.quota else ""
    return {"": told.say("0 或 1", "0 or 1"), "1": ""}.get(series.unit, series.unit)


def _parts(told: _Told, width: int | None) -> Iterator[str]:
    evidence, say = told.evidence, told.say
    unit = evidence.quota.unit_of_measure if evidence.quota else ""
    titles = say("能源品种 用量 _ {} 质量 完整至 备注", "CARRIER AMOUNT _ {} QUALITY COMPLETE_UP_TO REMARK")
    rows = [_heading(titles.format(unit.upper() or "_"))]
    for part in evidence.parts:
        remarks = [say("人工填报", "by hand")] if part.by_hand else []
        remarks += [say("暂定系数", "provisional factor")] if part.provisional else []
        carrier, amounts = told.named("measure", part.carrier), (told.number(part.amount), part.unit_of_measure)
        rows.append((
            carrier, *amounts, told.number(part.value),
            told.quality(part.quality), told.at(part.ready), ", ".join(remarks),
        ))  # fmt: skip
    return (line.rstrip() for line in columns(rows, {1, 3}, width))


def _heading(titles: str) -> tuple[str, ...]:
    """Titles of columns, of which an underscore stands for a blank."""
    return tuple(title.replace("_", " ").strip() for title in titles.split())


def _factors(told: _Told, width: int | None) -> Iterator[str]:
    say = told.say
    titles = say("系数 起用 每 KGCE KGCE_等价 KG_CO2 出处", "FACTOR_OF FROM PER KGCE KGCE_EQUAL KG_CO2 SOURCE")
    rows = [_heading(titles)]
    for one in told.evidence.factors:
        source = one.source + (say("（暂定）", " (provisional)") if one.provisional else "")
        figures = (told.number(one.kgce), told.number(one.kgce_equal), told.number(one.kgco2))
        rows.append((told.named("measure", one.carrier), str(one.valid_from), one.unit, *figures, source))
    return columns(rows, {3, 4, 5}, width)


def _consequences(told: _Told, width: int | None) -> Iterator[str]:
    """What policies attach to the breach: estimates with their source and how firmly that is established."""
    say = told.say
    rows = [_heading(say("后果 元 出处 可信度 算法", "CONSEQUENCE YUAN SOURCE CONFIDENCE HOW"))]
    for one in told.evidence.consequences:
        name, how = say(one.name_zh, one.name_en), say(one.formula_zh, one.formula_en)
        note = say(one.note_zh, one.note_en)
        least, most = one.least_yuan, one.most_yuan
        if least is None or most is None:
            sums = told.unknown
        else:
            sums = f"{least:,.2f}" if least == most else f"{least:,.2f}…{most:,.2f}"
        rows.append((name, sums, one.source, one.confidence, f"{how}; {note}" if note else how))
    yield from columns(rows, {1}, width)


def _checks(told: _Told) -> Iterator[str]:
    """What can be recomputed from the evidence alone."""
    from alerts.life.evidence import rejudge  # noqa: PLC0415 - loads numpy only when called

    evidence, say = told.evidence, told.say
    used = evidence.figures.get("used")
    limit = evidence.figures.get("limit")
    if evidence.parts and used is not None:
        total = math.fsum(part.value for part in evidence.parts)
        yield _check(told, say("各部分之和等于用量", "The parts add up to what was used"), total, used)
    for part in evidence.parts:
        yield from _by_factor(told, part)
    if used is not None and limit and (share := evidence.figures.get("used_share")) is not None:
        yield _check(told, say("用量占限额", "What was used, of the limit"), round(used / limit, 9), share)
    found = rejudge(evidence)
    same = told.same(equal=found is evidence.condition)
    one, other = told.condition(found), told.condition(evidence.condition)
    yield say(
        f"保存的结论可重现：{same}（{one} 与 {other}）",
        f"The stored condition is reproduced: {same} ({one} and {other})",
    )


def _check(told: _Told, what: str, found: float, stored: float) -> str:
    same, one, other = told.yes(found, stored), number(found), number(stored)
    return told.say(f"{what}：{same}（{one} 与 {other}）", f"{what}: {same} ({one} and {other})")


def _by_factor(told: _Told, part: CarrierPart) -> Iterator[str]:
    """A part's value from its amount, where one factor was in force all the time."""
    evidence = told.evidence
    kind = _KG.get(evidence.quota.measure if evidence.quota else "")
    factors = [one for one in evidence.factors if one.carrier == part.carrier]
    if kind is None or len(factors) != 1 or part.amount is None:
        return
    factor: float = getattr(factors[0], kind)
    found = part.amount * factor / _PER_T
    same = told.yes(found, part.value)
    sum_ = f"{number(part.amount)} {part.unit_of_measure} x {number(factor)} / 1000 = {number(found)}"
    carrier = told.named("measure", part.carrier)
    yield told.say(f"{carrier} 按系数：{same}（{sum_}）", f"{carrier} by its factor: {same} ({sum_})")
