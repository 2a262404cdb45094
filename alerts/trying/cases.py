"""Files of unit tests of rules: what they say, and what is wrong with them.

    rule_files: [rules.toml]          # beside the shipped rules; relative to this file
    evaluation_interval: 15m
    tests:
      - name: data stops
        interval: 1h                  # between the values of a series
        subjects:
          - name: titanium
            subject: unit             # quota, unit, meter
            labels: {industry: "3240"}
            series:
              lag_h: 0 1x2 2+1x8 stale
        transitions:                  # all of a rule and subject, from the first evaluation to the last
          - rule: data-stale
            subject: titanium
            expect:
              - {at: 8h, to: firing, reason: raised}
        alerts:                       # how one stands at a time
          - {at: 9h, rule: data-stale, subject: titanium, state: firing, severity: attention}

Of a quota `ends` is the length of its period, `behind` the seconds by which its data lags (values as of a series), and
`bands` are its bands. `silenced` are maintenance windows, `acknowledged` says when somebody took an alert on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from alerts.life.model import AlertState, Reason
from alerts.quotas.bands import Band
from alerts.rules.durations import Duration, seconds_of
from alerts.rules.model import Rule, Subject
from alerts.rules.tables import Code, Name, Text
from alerts.series.catalogue import Catalogue
from alerts.trying.notation import values_of
from alerts.verdicts import Colour, Severity
from energy.config import Document
from energy.toml_lines import Path as Place
from energy.toml_words import unknown_value

MOST_EVALUATIONS = 50_000
"""Of one test."""


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A maintenance window; `to` is the first moment after it."""

    from_: Duration
    to: Duration


class Tried(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A subject with its series.

    Attributes:
        name: as expectations call it.
        subject: its kind.
        series: values of each, in promtool's notation; a series that is not given is not known.
        labels: text labels.
        ends: of a quota: length of the period; empty for none.
        behind: seconds by which the data lags behind the evaluation, as values; not given: none.
        bands: of a quota.
        silenced: maintenance windows.
    """

    name: Text
    subject: Subject
    series: dict[Name, str | int | float]
    labels: dict[Name, str] = {}
    ends: Duration = "0"
    behind: str | int = ""
    bands: tuple[Band, ...] = ()
    silenced: tuple[Window, ...] = ()


class Acknowledged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody takes an alert on, just before the evaluation at or after `at`."""

    at: Duration
    rule: Code
    subject: Text
    by: Text = "operator"


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an alert must stand after the last evaluation up to `at`; what is left out is not compared."""

    at: Duration
    rule: Code
    subject: Text
    state: AlertState
    severity: Severity | None = None
    colour: Colour | None = None
    zh: str | None = None
    en: str | None = None


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transition; what is left out is not compared."""

    at: Duration
    to: AlertState
    reason: Reason | None = None
    severity: Severity | None = None


class Course(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All transitions of a rule and subject."""

    rule: Code
    subject: Text
    expect: tuple[Change, ...]


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One test.

    Attributes:
        name: what it shows.
        interval: between two values of a series; the first is at the start.
        start: data time of the first evaluation.
        subjects: what is looked at.
        transitions, alerts: what is expected.
        acknowledged: what people do.
    """

    name: Text
    interval: Duration
    subjects: tuple[Tried, ...]
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    transitions: tuple[Course, ...] = ()
    alerts: tuple[Alert, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()

    def __post_init__(self) -> None:
        if not seconds_of(self.interval):
            raise ValueError("interval must be longer than 0")
        if self.start.tzinfo is None:
            raise ValueError("start needs an offset, such as 2026-01-01T00:00:00+08:00")
        if not self.transitions and not self.alerts:
            raise ValueError("expects nothing: write transitions or alerts")

    @property
    def seconds(self) -> int:
        """From the first evaluation to the last: to the end of the longest series, and to the last that is expected."""
        lengths = [len(values_of(str(text))) for tried in self.subjects for text in tried.series.values()]
        times = [*(one.at for one in self.alerts), *(change.at for one in self.transitions for change in one.expect)]
        return max([(length - 1) * seconds_of(self.interval) for length in lengths] + [*map(seconds_of, times), 0])


class TestFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of unit tests of rules; its fields as in the description above."""

    tests: tuple[Case, ...]
    rule_files: tuple[Path, ...] = ()
    evaluation_interval: Duration = "1m"

    def __post_init__(self) -> None:
        if not seconds_of(self.evaluation_interval):
            raise ValueError("evaluation_interval must be longer than 0")


def decode(document: Document) -> TestFile:
    """The tests in a document; raises ConfigError with all faults that can be seen without the rules."""
    return document.decode(TestFile, across=_faults_of_values(document.content))


def faults(file: TestFile, rules: Sequence[Rule], catalogue: Catalogue) -> Iterator[tuple[Place, str]]:
    """What the tests name and there is not: rules, subjects, series, labels."""
    codes = sorted(rule.code for rule in rules)
    for number, case in enumerate(file.tests):
        place: Place = ("tests", number)
        if case.seconds // seconds_of(file.evaluation_interval) > MOST_EVALUATIONS:
            yield place, f"more than {MOST_EVALUATIONS:,} evaluations: a longer evaluation_interval, or shorter series"
        kinds = {tried.name: tried.subject for tried in case.subjects}
        if len(kinds) < len(case.subjects):
            yield (*place, "subjects"), "two subjects of one name"
        for at, tried in enumerate(case.subjects):
            yield from _faults_of_names((*place, "subjects", at), tried, catalogue)
        for key, named in _named(case):
            yield from _faults_of_reference((*place, *key), named, codes, kinds, rules)


def _named(case: Case) -> Iterator[tuple[Place, Alert | Course | Acknowledged]]:
    yield from ((("alerts", at), one) for at, one in enumerate(case.alerts))
    yield from ((("transitions", at), one) for at, one in enumerate(case.transitions))
    yield from ((("acknowledged", at), one) for at, one in enumerate(case.acknowledged))


def _faults_of_reference(
    place: Place,
    named: Alert | Course | Acknowledged,
    codes: Sequence[str],
    kinds: dict[str, Subject],
    rules: Iterable[Rule],
) -> Iterator[tuple[Place, str]]:
    subject_of = {rule.code: rule.subject for rule in rules}
    if named.rule not in subject_of:
        yield (*place, "rule"), f"no rule: {unknown_value(named.rule, codes)}"
    if named.subject not in kinds:
        yield (*place, "subject"), f"no subject of this test: {unknown_value(named.subject, sorted(kinds))}"
    elif named.rule in subject_of and subject_of[named.rule] != kinds[named.subject]:
        yield (*place, "subject"), f"is a {kinds[named.subject]}, the rule is about a {subject_of[named.rule]}"


def _faults_of_names(place: Place, tried: Tried, catalogue: Catalogue) -> Iterator[tuple[Place, str]]:
    known, labels = sorted(catalogue.units(tried.subject)), catalogue.labels(tried.subject)
    for name in tried.series:
        if name not in known:
            yield (*place, "series", name), f"no series of a {tried.subject}: {unknown_value(name, known)}"
    for name in tried.labels:
        if name not in labels:
            yield (*place, "labels", name), f"no label of a {tried.subject}: {unknown_value(name, labels)}"


def _faults_of_values(content: object) -> Iterator[tuple[Place, str]]:
    """Values that cannot be read; what is not even a test is found by decoding."""
    for place, text in _texts_of_values(content):
        try:
            values_of(text)
        except ValueError as error:
            yield place, str(error)


def _texts_of_values(content: object) -> Iterator[tuple[Place, str]]:
    for number, case in enumerate(_items(content, "tests")):
        for at, tried in enumerate(_items(case, "subjects")):
            place: Place = ("tests", number, "subjects", at)
            series = tried.get("series") if isinstance(tried, dict) else None
            if isinstance(series, dict):
                yield from (((*place, "series", name), str(text)) for name, text in series.items())
            if isinstance(tried, dict) and "behind" in tried:
                yield (*place, "behind"), str(tried["behind"])


def _items(table: object, key: str) -> list[object]:
    found = table.get(key) if isinstance(table, dict) else None
    return found if isinstance(found, list) else []
