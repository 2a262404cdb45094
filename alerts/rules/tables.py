"""One rule as it is written in TOML: its fields, what is wrong with it, and the rule that it makes. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from alerts.rules import expressions, grammar, messages
from alerts.rules.durations import Duration, seconds_of
from alerts.rules.model import Message, Rule, Subject, Timing
from alerts.series.catalogue import Catalogue
from alerts.verdicts import Colour, Severity
from energy.toml_lines import Path as Place
from energy.toml_words import unknown_value

Code: TypeAlias = Annotated[
    str,
    msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,47}\Z", description="up to 48 small letters, digits and hyphens"),
]
Name: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,47}\Z", description="up to 48 small letters, digits and underscores")
]
Loudness: TypeAlias = Literal["notice", "attention", "warning", "critical", "band"]
Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
Values: TypeAlias = Text | Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]

_COLOURS: Mapping[str, Colour] = {
    "notice": Colour.BLUE,
    "attention": Colour.YELLOW,
    "warning": Colour.ORANGE,
    "critical": Colour.RED,
    "band": Colour.GREY,
}


class RuleTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"for_": "for", "except_": "except"}):
    """A `[[rule]]`, as it is written."""

    code: Code
    subject: Subject
    when: Text
    severity: Loudness
    message: Message
    clear: str = ""
    for_: Duration = "0"
    keep_firing: Duration = "0"
    keep_closed: Duration = "0"
    escalate_after: Duration = "0"
    every: Duration = "0"
    colour: Colour | None = None
    corrects: bool = False
    where: dict[Name, Values] = {}
    except_: dict[Name, Values] = {}
    labels: dict[Name, str] = {}
    parameters: dict[Name, float] = {}


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"for_": "for", "except_": "except"}):
    """A `[shipped.CODE]`: what is left out stays as it is."""

    enabled: bool = True
    for_: Duration | None = None
    keep_firing: Duration | None = None
    keep_closed: Duration | None = None
    escalate_after: Duration | None = None
    every: Duration | None = None
    severity: Loudness | None = None
    colour: Colour | None = None
    where: dict[Name, Values] | None = None
    except_: dict[Name, Values] | None = None
    labels: dict[Name, str] | None = None
    parameters: dict[Name, float] = {}


def changed(table: RuleTable, change: Change) -> RuleTable:
    """A shipped rule with what a deployment changes; the colour follows the severity where neither names one."""
    given = {field: getattr(change, field) for field in change.__struct_fields__}
    values = {field: value for field, value in given.items() if field in table.__struct_fields__ and value is not None}
    return replace(table, **{**values, "parameters": {**table.parameters, **change.parameters}})


def faults_of(table: RuleTable, catalogue: Catalogue) -> Iterator[tuple[Place, str]]:
    """What is wrong with a table beyond single values: in which field, and what."""
    units = catalogue.units(table.subject)
    labels = catalogue.labels(table.subject)
    for name in table.parameters:
        if name in units or name in labels or name in grammar.FUNCTIONS:
            yield ("parameters", name), f"{name} is a series, a label or a function already"
    for field, text in (("when", table.when), ("clear", table.clear)):
        if field == "when" or text.strip():
            yield from (((field,), message) for message in _slips(text, units, table.parameters))
    for language, text in (("zh", table.message.zh), ("en", table.message.en)):
        found = messages.faults(text, {**units, **table.parameters}, labels)
        yield from ((("message", language), message) for message in found)
    for field, wanted in (("where", table.where), ("except", table.except_)):
        unknown = (name for name in wanted if name not in labels)
        yield from (
            ((field, name), f"no label of a {table.subject}: {unknown_value(name, labels)}") for name in unknown
        )
    if table.subject != "quota":
        yield from _faults_without_period(table)


def made(table: RuleTable, catalogue: Catalogue) -> Rule:
    """The rule of a table that `faults_of` found nothing wrong with."""
    units = catalogue.units(table.subject)

    def condition(text: str) -> str:
        return expressions.with_parameters(text.strip(), units, table.parameters) if text.strip() else ""

    def said(text: str) -> str:
        return messages.with_parameters(text, table.parameters)

    rule = Rule(
        code=table.code,
        version="",
        subject=table.subject,
        when=condition(table.when),
        clear=condition(table.clear),
        timing=Timing(
            for_s=seconds_of(table.for_),
            keep_firing_s=seconds_of(table.keep_firing),
            keep_closed_s=seconds_of(table.keep_closed),
            escalate_s=seconds_of(table.escalate_after),
        ),
        severity="band" if table.severity == "band" else Severity(table.severity),
        colour=table.colour or _COLOURS[table.severity],
        corrects=table.corrects,
        every_s=seconds_of(table.every),
        where=_values(table.where),
        labels=table.labels,
        message=Message(zh=said(table.message.zh), en=said(table.message.en)),
        excepting=_values(table.except_),
        parameters=table.parameters,
    )
    return replace(rule, version=digest(rule))


def digest(rule: Rule) -> str:
    """The version of a rule: the same for rules that say and do the same, twelve hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(replace(rule, version="", parameters={}), order="sorted")).hexdigest()[
        :12
    ]


def _values(wanted: Mapping[str, Values]) -> dict[str, tuple[str, ...]]:
    return {name: (value,) if isinstance(value, str) else value for name, value in wanted.items()}


def _slips(text: str, units: Mapping[str, str], parameters: Mapping[str, float]) -> Iterator[str]:
    try:
        expressions.with_parameters(text, units, parameters)
    except grammar.ExpressionError as error:
        yield from map(str, error.slips)


def _faults_without_period(table: RuleTable) -> Iterator[tuple[Place, str]]:
    if table.severity == "band":
        yield ("severity",), "only quotas have bands"
    if seconds_of(table.keep_closed):
        yield ("keep_closed",), "only quotas have a period that closes"
    if table.corrects:
        yield ("corrects",), "only what was used of a quota cannot shrink"
