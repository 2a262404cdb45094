"""Rules, series and failed expectations as the terminal shows them. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from alerts.rules.durations import in_words
from alerts.rules.judging import Judge
from alerts.rules.model import Rule
from alerts.series.catalogue import Catalogue, Series
from alerts.trying.unit_tests import Failure


def list_text(rules: Sequence[Rule]) -> str:
    """A line a rule: code, subject, severity, `for`, condition."""
    width = max(len(rule.code) for rule in rules)
    lines = (
        f"{rule.code:<{width}}  {rule.subject:<5}  {rule.severity:<9}  {in_words(rule.timing.for_s):>4}  {rule.when}"
        for rule in rules
    )
    return "\n".join([*lines, f"{len(rules)} rules"])


def rule_text(rule: Rule, catalogue: Catalogue) -> str:
    """All that decides, what people read, and what the series mean."""
    lines = [f"{name + ':':<16}{value}" for name, value in _fields(rule) if value]
    lines += ["", f"{rule.message.zh}", f"{rule.message.en}", ""]
    named = sorted(Judge(rule, catalogue).series)
    lines += _series_lines([one for name in named if (one := catalogue.find(rule.subject, name)) is not None])
    return "\n".join(lines)


def series_text(catalogue: Catalogue, subject: str | None) -> str:
    """Every series with its unit of measure and meaning in both languages, and the labels beside them."""
    parts = []
    for kind in ("quota", "unit", "meter"):
        if subject in {None, kind}:
            parts.append(f"{kind}:")
            parts += _series_lines([one for one in catalogue if one.subject == kind])
            parts += [f"  labels: {', '.join(catalogue.labels(kind))}", ""]
    return "\n".join(parts).rstrip()


def failure_text(source: str, failure: Failure) -> str:
    """Where, and what was expected (-) against what came (+); lines of both are marked by a blank."""
    changes = [line.rstrip() for line in difflib.ndiff(failure.expected, failure.got) if not line.startswith("?")] or [
        "  (nothing)"
    ]
    return "\n".join(
        [
            f"{source}:{failure.line}: {failure.test}: {failure.about}: - expected, + got",
            *(f"    {one}" for one in changes),
        ]
    )


def _fields(rule: Rule) -> Iterator[tuple[str, str]]:
    timing = rule.timing
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
    yield "severity", "that of the band" if rule.severity == "band" else f"{rule.severity}, {rule.colour}"
    yield "corrects", "yes" if rule.corrects else ""
    yield "where", _wanted(rule.where)
    yield "except", _wanted(rule.excepting)
    yield "labels", ", ".join(f"{name}={value}" for name, value in rule.labels.items())
    yield "parameters", ", ".join(f"{name} = {value:g}" for name, value in rule.parameters.items())


def _wanted(values: dict[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{name} {' or '.join(accepted)}" for name, accepted in values.items())


def _series_lines(series: Sequence[Series]) -> list[str]:
    width = max(len(one.name) for one in series)
    return [f"  {one.name:<{width}}  {_UNITS.get(one.unit, one.unit):<9}  {one.zh};{one.en}" for one in series]


_UNITS = {"": "0 or 1", "1": "ratio", "any": "its own"}
