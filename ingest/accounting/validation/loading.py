"""The shipped parameters, a deployment's file over them, and the rules that follow for each class of points."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from energy.config import Document, load_document, parse_document
from energy.toml_lines import Path as Place
from ingest.accounting.validation.parameters import CHECKS, Rules

_DEFAULT = "default"
_SHIPPED = "checks.toml"
_ALGORITHM = 2
"""Grows when a check finds something else by the same parameters, so that what was judged before is judged again."""


def _optional(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """`struct` with every field optional: what a file may give of it."""
    fields = [(field.name, field.type | None, None) for field in msgspec.structs.fields(struct)]
    return msgspec.defstruct(struct.__name__, fields, frozen=True)


_GIVEN: list[tuple[str, Any, Any]] = [
    (field.name, _optional(field.type) | None, None) for field in msgspec.structs.fields(Rules)
]
_Default = msgspec.defstruct("Default", _GIVEN, frozen=True)
_Class = msgspec.defstruct("Class", [("like", str, ""), *_GIVEN], frozen=True)
_File = msgspec.defstruct(
    "File",
    [("default", _Default, _Default()), ("classes", dict[str, _Class], msgspec.field(default_factory=dict))],  # type: ignore[valid-type] # a class made above
    frozen=True,
)


@dataclass(frozen=True, slots=True)
class Checks:
    """The rules in force.

    Attributes:
        default: for points whose class and carrier have none.
        classes: by name.
    """

    default: Rules
    classes: Mapping[str, Rules]

    def of(self, class_: str, carrier: str) -> Rules:
        """The rules of a point of class `class_` (empty for none) whose meter measures `carrier`."""
        return self.classes.get(class_) or self.classes.get(carrier) or self.default

    @property
    def fingerprint(self) -> str:
        """Another one for other parameters, and for another version of the checks."""
        said = msgspec.json.encode([_ALGORITHM, self.default, sorted(self.classes.items())])
        return hashlib.sha256(said).hexdigest()[:16]


def load_checks(path: Path | None = None) -> Checks:
    """The shipped parameters, and those of the file at `path` over them.

    Raises:
        ConfigError: with every fault of the file and its line.
    """
    shipped = parse_document(
        (files("ingest.accounting.validation") / "data" / _SHIPPED).read_text(encoding="utf-8"), _SHIPPED
    )
    return combine(shipped, None if path is None else load_document(path))


def combine(base: Document, over: Document | None) -> Checks:
    """The rules of `base`, which gives every parameter, with those of `over`; raises ConfigError with all faults."""
    layers = [base.decode(_File, across=_faults_across(base.content, base.content))]
    if over is not None:
        merged = _merged(base.content, over.content)
        layers.append(over.decode(_File, across=_faults_across(merged, over.content), advice=_advice(over.content)))
    return _resolved([msgspec.to_builtins(layer) for layer in layers])


@cache
def shipped_checks() -> Checks:
    """The shipped parameters alone."""
    return load_checks()


def _advice(content: Mapping[str, Any]) -> str:
    """Where a check belongs that stands at the top of a file."""
    misplaced = next((name for name in CHECKS if name in content), None)
    return f"write [default.{misplaced}], or [classes.NAME.{misplaced}] for a class of points" if misplaced else ""


def _resolved(layers: list[dict[str, Any]]) -> Checks:
    content: dict[str, Any] = {}
    for layer in layers:
        content = _merged(content, _bare(layer))
    default = msgspec.convert(content[_DEFAULT], Rules)
    classes = {name: msgspec.convert(_rules(content, name), Rules) for name in content.get("classes", {})}
    return Checks(default, classes)


def _line(content: Mapping[str, Any], name: str) -> Iterator[str]:
    """The class `name`, the one that it is like, and so on; ends where a class is not there, or for the second time."""
    classes, seen = content.get("classes", {}), set[str]()
    while name in classes and name not in seen:
        seen.add(name)
        yield name
        name = classes[name].get("like") or ""


def _faults_across(content: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """What is wrong of the merged `content` although each value fits; placed in the file whose content is `own`."""
    try:
        classes = {name: content["classes"][name].get("like", "") for name in content.get("classes", {})}
        candidates = {(): content[_DEFAULT]} | {
            ("classes", name): _rules(content, name) for name in own.get("classes", {})
        }
    except (AttributeError, KeyError, TypeError):
        return  # of another shape: decoding says so
    for name in own.get("classes", {}):
        like = classes[name]
        if like and like not in classes:
            yield ("classes", name, "like"), f"{like!r} is no class (known: {', '.join(sorted(classes))})"
        elif like and _in_a_circle(classes, name):
            yield ("classes", name, "like"), f"{name!r} would be like itself"
    for place, rules in candidates.items():
        yield from _contradictions(place or (_DEFAULT,), rules)


def _in_a_circle(classes: Mapping[str, str], name: str) -> bool:
    at, seen = classes[name], set[str]()
    while at in classes and at not in seen and at != name:
        seen.add(at)
        at = classes[at]
    return at == name


def _rules(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """All parameters of the class `name`: the default's, those of the classes that it is like, its own."""
    rules: dict[str, Any] = content[_DEFAULT]
    for one in reversed(list(_line(content, name))):
        rules = _merged(rules, {key: part for key, part in content["classes"][one].items() if key != "like"})
    return rules


def _contradictions(place: Place, rules: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    try:
        decoded = msgspec.convert(rules, Rules)
    except msgspec.ValidationError:
        return  # decoding the file says what and where
    for key, message in decoded.contradictions():
        yield (*place, *key.split(".")), message


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, table by table."""
    found = dict(below)
    for key, value in above.items():
        under = found.get(key)
        found[key] = _merged(under, value) if isinstance(value, dict) and isinstance(under, dict) else value
    return found


def _bare(value: Any) -> Any:
    """Without what was not given."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if item is not None}
    return value
