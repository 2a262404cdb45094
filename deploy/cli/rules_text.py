"""Rules, series and failed expectations as the terminal shows them. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from alerts.life.terms import term
from alerts.rules.durations import in_words
from alerts.rules.judging import Judge
from alerts.rules.messages import Language
from alerts.rules.model import Rule, Subject
from alerts.series.catalogue import Catalogue, Series
from alerts.trying.unit_tests import Failure, Report
from alerts.verdicts import COLOUR_TERMS, SEVERITY_TERMS
from deploy.cli.columns import columns, places
from deploy.cli.terminal import saying

_LIST: Mapping[Language, tuple[str, ...]] = {
    "en": ("RULE", "SEVERITY", "FOR", "EVERY", "RAISED IF"),
    "zh": ("规则", "级别", "持续", "间隔", "触发条件"),
}
_GROUPS: Mapping[Language, Mapping[Subject, str]] = {
    "en": {"quota": "Of quotas", "unit": "Of units", "meter": "Of meters"},
    "zh": {"quota": "限额", "unit": "用能单位", "meter": "计量器具"},
}
_FIELDS_AT = 16
"""Where what a field says begins: behind the longest of their names and a colon."""


def list_lines(rules: Sequence[Rule], language: Language, width: int | None) -> Iterator[str]:
    """A line a rule below headings, in a group for each kind of subject; `width` is the terminal's, None for none."""
    say = saying(language)
    heading, *lines = columns([_LIST[language], *(_listed(rule, language) for rule in rules)], {2, 3}, width)
    for subject, title in _GROUPS[language].items():
        group = [line for rule, line in zip(rules, lines, strict=True) if rule.subject == subject]
        if group:
            yield from (title, heading, *group, "")
    yield say(f"共 {len(rules)} 条规则", f"{len(rules)} rules")


def rule_text(rule: Rule, catalogue: Catalogue, language: Language) -> str:
    """All that decides, what people read, and what the series mean."""
    lines = [
        f"{name}:{' ' * (_FIELDS_AT - 1 - places(name))}{value}" for name, value in _fields(rule, language) if value
    ]
    lines += ["", f"{rule.message.zh}", f"{rule.message.en}", ""]
    named = sorted(Judge(rule, catalogue).series)
    found = [one for name in named if (one := catalogue.find(rule.subject, name)) is not None]
    return "\n".join([*lines, *_series_lines(found, language)])


def series_text(catalogue: Catalogue, subject: str | None, language: Language) -> str:
    """Every series with its unit of measure and meaning, and the labels beside them."""
    parts = []
    for kind, title in _GROUPS[language].items():
        if subject in {None, kind}:
            parts.append(title)
            parts += _series_lines([one for one in catalogue if one.subject == kind], language)
            labels = ", ".join(catalogue.labels(kind))
            parts += [saying(language)(f"  标签：{labels}", f"  labels: {labels}"), ""]
    return "\n".join(parts).rstrip()


def report_line(report: Report, language: Language) -> str:
    """What became of a file's tests, in one line."""
    return saying(language)(
        f"{report.source}：测试 {report.tests} 项，不符合预期 {len(report.failures)} 处",
        f"{report.source}: {report.tests} tests, {len(report.failures)} expectations not met",
    )


def failure_text(source: str, failure: Failure, language: Language) -> str:
    """Where, and what was expected (-) against what came (+); lines of both are marked by a blank."""
    say = saying(language)
    changes = [line.rstrip() for line in difflib.ndiff(failure.expected, failure.got) if not line.startswith("?")]
    legend = say("- 预期，+ 实际", "- expected, + got")
    return "\n".join(
        [
            f"{source}:{failure.line}: {failure.test}: {failure.about}: {legend}",
            *(f"    {one}" for one in changes or [say("  （无）", "  (nothing)")]),
        ]
    )


def _listed(rule: Rule, language: Language) -> tuple[str, ...]:
    lasting, every = (in_words(seconds) if seconds else "-" for seconds in (rule.timing.for_s, rule.every_s))
    severity = saying(language)("按预警档", "band") if rule.severity == "band" else _severity(rule, language)
    return rule.code, severity, lasting, every, rule.when


def _severity(rule: Rule, language: Language) -> str:
    return term(SEVERITY_TERMS, rule.severity, language)


def _fields(rule: Rule, language: Language) -> Iterator[tuple[str, str]]:
    """Named as files of rules write them."""
    timing, say = rule.timing, saying(language)
    yield "code", rule.code
    yield "version", rule.version
    yield "subject", rule.subject
    yield "when", rule.when
    yield "clear", rule.clear or f"not ({rule.when})"
    yield "for", in_words(timing.for_s)
    yield "keep_firing", in_words(timing.keep_firing_s) if timing.keep_firing_s else ""
    yield "keep_closed", in_words(timing.keep_closed_s) if timing.keep_closed_s else ""
    yield "escalate_after", in_words(timing.escalate_s) if timing.escalate_s else ""
    yield "every", in_words(rule.every_s) if rule.every_s else ""
    mark = f"{_severity(rule, language)}, {term(COLOUR_TERMS, rule.colour, language)}"
    yield "severity", say("按限额的预警档", "that of the band") if rule.severity == "band" else mark
    yield "corrects", say("是", "yes") if rule.corrects else ""
    yield "where", _wanted(rule.where, language)
    yield "except", _wanted(rule.excepting, language)
    yield "labels", ", ".join(f"{name}={value}" for name, value in rule.labels.items())
    yield "parameters", ", ".join(f"{name} = {value:g}" for name, value in rule.parameters.items())


def _wanted(values: dict[str, tuple[str, ...]], language: Language) -> str:
    either = saying(language)(" 或 ", " or ")
    return "; ".join(f"{name} {either.join(accepted)}" for name, accepted in values.items())


def _series_lines(series: Sequence[Series], language: Language) -> list[str]:
    rows = [(f"  {one.name}", _UNITS[language].get(one.unit, one.unit), getattr(one, language)) for one in series]
    return list(columns(rows, set(), None))


_UNITS: Mapping[Language, Mapping[str, str]] = {
    "en": {"": "0 or 1", "1": "number", "any": "its own"},
    "zh": {"": "0 或 1", "1": "数值", "any": "随指标"},
}
