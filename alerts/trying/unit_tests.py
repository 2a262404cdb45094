"""Unit tests of rules: the transitions that rules make of given series are those that were expected, or not.

Rules are judged and alerts live by the very code of the service; only the series are made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from alerts.life.model import AlertState, Transition
from alerts.rules import messages
from alerts.rules.durations import in_words, seconds_of
from alerts.rules.files import load_rules
from alerts.rules.judging import Judge, Judgement
from alerts.rules.model import Rule
from alerts.series.catalogue import Catalogue
from alerts.trying import cases
from alerts.trying.cases import Alert, Case, Change, Course, TestFile, Tried
from alerts.trying.courses import Step, course
from alerts.trying.yaml_lines import load_yaml
from energy.config import FaultCollector
from energy.toml_lines import Path as Place


@dataclass(frozen=True, slots=True)
class Failure:
    """What a test expected, and what came instead, each a line per transition or field.

    `line` of the file counts from 1.
    """

    line: int
    test: str
    about: str
    expected: tuple[str, ...]
    got: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file's tests."""

    source: str
    tests: int
    failures: tuple[Failure, ...]


def run_file(path: Path, catalogue: Catalogue) -> Report:
    """Run the tests of a file; raises ConfigError with all faults of it, or of the files of rules that it names."""
    document = load_yaml(path)
    file = cases.decode(document)
    rules = load_rules(file.rule_files, catalogue)
    collector = FaultCollector(document)
    for place, message in cases.faults(file, rules, catalogue):
        collector.add(place, message)
    collector.raise_faults("docs/trying-rules.md describes unit tests of rules.")
    found = (
        Failure(document.line_of(("tests", number, *place)), case.name, about, expected, got)
        for number, case in enumerate(file.tests)
        for place, about, expected, got in _failures(case, file, rules, catalogue)
    )
    return Report(document.source, len(file.tests), tuple(found))


_Failed = tuple[Place, str, tuple[str, ...], tuple[str, ...]]


def _failures(case: Case, file: TestFile, rules: Sequence[Rule], catalogue: Catalogue) -> Iterator[_Failed]:
    judges = {rule.code: rule for rule in rules}
    subjects = {tried.name: tried for tried in case.subjects}
    known: dict[tuple[str, str], tuple[Judgement, tuple[Step, ...]]] = {}

    def steps_of(rule: str, subject: str) -> tuple[Judgement, tuple[Step, ...]]:
        if (rule, subject) not in known:
            judge = Judge(judges[rule], catalogue)
            known[rule, subject] = course(judge, case, subjects[subject], seconds_of(file.evaluation_interval))
        return known[rule, subject]

    for at, expected in enumerate(case.transitions):
        wanted, got = _compare_course(expected, steps_of(expected.rule, expected.subject)[1])
        if wanted != got:
            yield ("transitions", at), f"transitions of {expected.rule} of {expected.subject}", wanted, got
    for at, alert in enumerate(case.alerts):
        judgement, steps = steps_of(alert.rule, alert.subject)
        wanted, got = _compare_alert(alert, judgement, steps, subjects[alert.subject])
        if wanted != got:
            yield ("alerts", at), f"{alert.rule} of {alert.subject} at {alert.at}", wanted, got


def _compare_course(expected: Course, steps: Sequence[Step]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Both as lines; each that came is shown as far as the one in its place was asked for, others whole."""
    moves = [(step.at_s, step.transition) for step in steps if step.transition is not None]
    asked = [*expected.expect, *[None] * len(moves)][: len(moves)]
    got = (_line(at, move, change) for (at, move), change in zip(moves, asked, strict=True))
    return tuple(map(_wanted, expected.expect)), tuple(got)


def _wanted(change: Change) -> str:
    words = [
        in_words(seconds_of(change.at)),
        change.to,
        change.severity or "",
        f"({change.reason})" if change.reason else "",
    ]
    return " ".join(word for word in words if word)


def _line(at: int, move: Transition, asked: Change | None) -> str:
    words = [in_words(at), move.to_state]
    words += [move.mark.severity] if asked is None or asked.severity is not None else []
    words += [f"({move.reason})"] if asked is None or asked.reason is not None else []
    return " ".join(words)


def _compare_alert(
    alert: Alert, judgement: Judgement, steps: Sequence[Step], tried: Tried
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    step = [one for one in steps if one.at_s <= seconds_of(alert.at)][-1]
    standing = step.standing
    found = {
        "state": standing.state if standing else AlertState.INACTIVE,
        "severity": standing.mark.severity if standing else None,
        "colour": standing.mark.colour if standing else None,
        "zh": _said(judgement, step.row, tried, "zh"),
        "en": _said(judgement, step.row, tried, "en"),
    }
    asked = {name: value for name in found if (value := getattr(alert, name)) is not None}
    return _fields(asked), _fields({name: found[name] for name in asked})


def _fields(values: dict[str, str | None]) -> tuple[str, ...]:
    return tuple(f"{name}: {value}" for name, value in values.items())


def _said(judgement: Judgement, row: int, tried: Tried, language: messages.Language) -> str:
    figures = {name: float(column[row]) for name, column in judgement.frame.columns.items()}
    text = judgement.rule.message.zh if language == "zh" else judgement.rule.message.en
    return messages.render(text, language, figures, tried.labels)
