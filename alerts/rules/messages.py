"""What people read of an alert: a rule's text in two languages, filled with figures and names. Pure.

`{used}` stands for a series or a text label of the subject; a number may say how it is written: `{used:.1f}` with one
decimal, `{used:,.0f}` with separators, `{used_share:.1%}` as a percentage. What stands in `[[ … ]]` is left out where a
series in it is not known, or a label is empty.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import isnan
from typing import Literal, TypeAlias

from energy.toml_words import close_to

Language: TypeAlias = Literal["zh", "en"]
NOT_KNOWN: Mapping[Language, str] = {"zh": "未知", "en": "not known"}
"""In place of a figure that is not known."""
WORDS: Mapping[str, Mapping[str, Mapping[Language, str]]] = {
    "method": {
        "mixture": {"zh": "同类日与去年同期综合", "en": "like days and last year together"},
        "last_year": {"zh": "去年同期", "en": "last year"},
        "like_days": {"zh": "同类日", "en": "like days"},
        "pace": {"zh": "按进度", "en": "pace"},
    },
    "period": {
        "day": {"zh": "日", "en": "day"},
        "statistics_month": {"zh": "统计月", "en": "statistics month"},
        "month": {"zh": "月", "en": "month"},
        "quarter": {"zh": "季度", "en": "quarter"},
        "year": {"zh": "年", "en": "year"},
    },
}
"""What people read in place of the words of labels that are ours; other values stand as they are."""
DEFAULT_FORMAT = ".6g"

_FORMAT = re.compile(r",?(\.[0-9])?[f%]")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_BRACKETS = re.compile(r"\[\[|\]\]")


def placeholders(text: str) -> list[tuple[str, str]]:
    """The names in a text, each with its format.

    Raises:
        ValueError: a brace stands alone.
    """
    return [(name, spec or "") for _, name, spec, _ in string.Formatter().parse(text) if name is not None]


def faults(text: str, numbers: Mapping[str, object], labels: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with a text, given the names that it may use."""
    try:
        found = list(string.Formatter().parse(text))
    except ValueError as error:
        yield f"cannot be read: {error} (a brace itself is written twice)"
        return
    if _BRACKETS.search(_OPTIONAL.sub("", text)) or any("[[" in part for part in _OPTIONAL.findall(text)):
        yield "an optional part is written [[ … ]], none within another"
    known = sorted({*numbers, *labels})
    for _, name, spec, conversion in found:
        if name is None:
            continue
        if conversion or not _NAME.match(name) or name not in known:
            close = close_to(name, known)
            meant = f", did you mean {close[0]}?" if close else f" (known: {', '.join(known)})"
            yield f"no series or label {name!r}{meant}"
        elif spec and name in labels:
            yield f"{name} is text and takes no format"
        elif spec and not _FORMAT.fullmatch(spec):
            yield f"{spec!r} is no format of a number: write {{{name}:.1f}}, {{{name}:,.0f}} or {{{name}:.1%}}"


def render(text: str, language: Language, figures: Mapping[str, float | None], labels: Mapping[str, str]) -> str:
    """The text, filled.

    Args:
        text: one that `faults` found nothing wrong with.
        language: of the text, for figures that are not known.
        figures: series by name; None (or NaN) is not known.
        labels: text labels by name; one that is absent is left empty.
    """
    said: list[str] = []
    for needs, pieces in _parsed(text):
        if needs and not all(_is_known(name, figures, labels) for name in needs):
            continue
        for literal, name, spec in pieces:
            said.append(literal)
            if name is None:
                continue
            if name in figures:
                figure = figures[name]
                said.append(NOT_KNOWN[language] if figure is None or isnan(figure) else format(figure, spec))
            else:
                said.append(_word(name, language, labels))
    return "".join(said)


_Piece: TypeAlias = tuple[str, str | None, str]
"""A literal, and the name that follows it with its format, if one does."""


@lru_cache(maxsize=256)  # a rule's text is filled for thousands of subjects
def _parsed(text: str) -> tuple[tuple[tuple[str, ...], tuple[_Piece, ...]], ...]:
    """The parts of a text, each with the names that have to be known for it to be said."""
    parts = []
    for number, part in enumerate(_OPTIONAL.split(text)):  # every other one stands in brackets
        pieces = tuple(
            (literal, name, spec or DEFAULT_FORMAT) for literal, name, spec, _ in string.Formatter().parse(part)
        )
        parts.append((tuple(name for _, name, _ in pieces if name is not None) if number % 2 else (), pieces))
    return tuple(parts)


def _is_known(name: str, figures: Mapping[str, float | None], labels: Mapping[str, str]) -> bool:
    figure = figures.get(name)
    return figure is not None and not isnan(figure) if name in figures else bool(labels.get(name))


def _word(name: str, language: Language, labels: Mapping[str, str]) -> str:
    text = str(labels.get(name, ""))
    words = WORDS.get(name)
    return words.get(text, {}).get(language, text) if words else text


def with_parameters(text: str, parameters: Mapping[str, float]) -> str:
    """The text with the values of a rule's parameters in place of their names."""
    parts = []
    for literal, name, spec, _ in string.Formatter().parse(text):
        parts.append(literal.replace("{", "{{").replace("}", "}}"))
        if name is None:
            continue
        if name in parameters:
            parts.append(format(parameters[name], spec or DEFAULT_FORMAT))
        else:
            parts.append(f"{{{name}:{spec}}}" if spec else f"{{{name}}}")
    return "".join(parts)
