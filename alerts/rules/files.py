"""Rules in TOML: the shipped ones, a deployment's own, and what it changes openly in shipped ones.

    [[rule]]
    code = "boiler-at-night"
    subject = "unit"
    when = "night_base > level"
    clear = "night_base < level - 0.1"     # leave out: it clears when `when` no longer holds
    for = "30m"                            # all lengths of time: 90s, 30m, 1h30m, 2d
    keep_firing = "1h"
    escalate_after = "4h"
    every = "15m"
    severity = "attention"                 # notice, attention, warning, critical; of quotas also band
    colour = "yellow"                      # leave out: blue, yellow, orange, red by severity
    where = { industry = ["33*", "3411"] } # labels that the subject must have; * stands for any rest
    except = { district = ["610303"] }     # and must not have
    labels = { team = "boilers" }          # go with the alert
    message.zh = "{name_zh}夜间负荷为白天的{night_base:.0%}"
    message.en = "{name_en} uses {night_base:.0%} of its daytime load at night"
    [rule.parameters]
    level = 0.5

    [shipped.pace]                         # a shipped rule by its code: only what is named changes; named may be
    for = "1h"                             # lengths of time, severity, colour, where, except, labels, parameters
    severity = "critical"
    parameters = { level = 1.1 }

    [shipped.night-base]
    enabled = false

Every fault of every file is listed with its line. Values of parameters are put in place of their names, so that a rule,
and the evidence of what it said, is complete without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from alerts.rules.model import Rule
from alerts.rules.tables import Change, Code, RuleTable, changed, faults_of, made
from alerts.series.catalogue import Catalogue
from energy.config import Document, dotted, load_document, parse_document
from energy.errors import ConfigError, Fault
from energy.toml_decode import TomlDecoder
from energy.toml_lines import Path as Place
from energy.toml_words import unknown_value

_At: TypeAlias = tuple[Document, Place]
"""Where a table stands."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: tuple[RuleTable, ...] = ()
    shipped: dict[Code, Change] = {}


class _Read(NamedTuple):
    """Rules, each with its place in the file, and changes of shipped ones."""

    rules: tuple[tuple[int, RuleTable], ...]
    shipped: dict[str, Change]


class _Faults:
    """Gathers the faults of several documents."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def decode(self, document: Document) -> _Read:
        """What can be read of a document; the rest is noted, and does not hide what is wrong elsewhere."""
        try:
            file = document.decode(_File)
        except ConfigError as error:
            self.found += error.faults
            return _readable(document)
        return _Read(tuple(enumerate(file.rule)), file.shipped)

    def add(self, place: _At, message: str) -> None:
        document, path = place
        self.found.append(Fault(document.source, document.line_of(path), dotted(path), message))


class _Shipped:
    """The shipped rules, as files change them."""

    def __init__(self, faults: _Faults) -> None:
        self._faults = faults
        self._changed: dict[str, _At] = {}
        self._off: set[str] = set()
        self.tables: dict[str, tuple[RuleTable, _At]] = {
            table.code: (table, (document, ("rule", at)))
            for document in shipped_documents()
            for at, table in faults.decode(document).rules
        }

    def change(self, code: str, change: Change, place: _At) -> None:
        """Take a `[shipped.CODE]`; what is wrong with it is noted."""
        if code not in self.tables:
            self._faults.add(place, f"no shipped rule: {unknown_value(code, sorted(self.tables))}")
            return
        if code in self._changed:
            self._faults.add(place, f"is changed already in {_shown(self._changed[code])}")
        self._changed[code] = place
        table = self.tables[code][0]
        document, path = place
        for name in change.parameters.keys() - table.parameters.keys():
            known = unknown_value(name, sorted(table.parameters)) if table.parameters else "this rule has none"
            self._faults.add((document, (*path, "parameters", name)), f"no parameter of the rule: {known}")
        self.tables[code] = (changed(table, change), place)
        if not change.enabled:
            self._off.add(code)

    def enabled(self) -> list[tuple[RuleTable, _At]]:
        """Those that are not switched off."""
        return [found for code, found in self.tables.items() if code not in self._off]


def load_rules(paths: Sequence[Path], catalogue: Catalogue) -> tuple[Rule, ...]:
    """The shipped rules, as these files change them, and the files' own; in the order of their codes.

    Raises:
        ConfigError: with every fault of every file.
    """
    return rules_of([load_document(path) for path in paths], catalogue)


def rules_of(documents: Sequence[Document], catalogue: Catalogue) -> tuple[Rule, ...]:
    """As `load_rules`, of documents that have been read."""
    faults = _Faults()
    shipped = _Shipped(faults)
    own: dict[str, tuple[RuleTable, _At]] = {}
    for document in documents:
        file = faults.decode(document)
        for code, change in file.shipped.items():
            shipped.change(code, change, (document, ("shipped", code)))
        for at, table in file.rules:
            place: _At = (document, ("rule", at))
            if table.code in shipped.tables:
                faults.add(place, f"{table.code!r} is shipped: change it with [shipped.{table.code}]")
            elif table.code in own:
                faults.add(place, f"{table.code!r} is taken in {_shown(own[table.code][1])}")
            own.setdefault(table.code, (table, place))
    rules = [_rule(table, place, catalogue, faults) for table, place in [*shipped.enabled(), *own.values()]]
    if faults.found:
        in_order = sorted(faults.found, key=lambda fault: (fault.source, fault.line))
        raise ConfigError(tuple(in_order), advice="docs/rules.md describes files of rules.")
    return tuple(sorted((rule for rule in rules if rule is not None), key=lambda rule: rule.code))


def shipped_documents() -> tuple[Document, ...]:
    """The files of rules that come with Quotawatt."""
    folder = resources.files("alerts.rules") / "shipped"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(parse_document(file.read_text(encoding="utf-8"), f"shipped/{file.name}") for file in files)


def shipped_codes() -> frozenset[str]:
    """The codes of these."""
    return frozenset(_Shipped(_Faults()).tables)


def _readable(document: Document) -> _Read:
    """The tables that have no fault of their own."""
    decoder = TomlDecoder(lambda *_: None, document.directory)
    rules, shipped = document.content.get("rule"), document.content.get("shipped")
    tables = [decoder.decode(raw, RuleTable, ()) for raw in rules] if isinstance(rules, list) else []
    named = shipped if isinstance(shipped, dict) else {}
    changes = {code: decoder.decode(raw, Change, ()) for code, raw in named.items()}
    return _Read(
        tuple((at, table) for at, table in enumerate(tables) if isinstance(table, RuleTable)),
        {code: change for code, change in changes.items() if isinstance(change, Change)},
    )


def _rule(table: RuleTable, place: _At, catalogue: Catalogue, faults: _Faults) -> Rule | None:
    """The rule of a table; None after its faults have been noted."""
    document, path = place
    found = list(faults_of(table, catalogue))
    for field, message in found:
        faults.add((document, (*path, *field)), message)
    return None if found else made(table, catalogue)


def _shown(place: _At) -> str:
    document, path = place
    return f"{document.source}:{document.line_of(path)}"
