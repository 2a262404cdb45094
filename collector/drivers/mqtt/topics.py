"""Patterns of topics with named levels, and point codes made of what those levels hold. Pure.

    pattern = TopicPattern("plant/{line}/+/energy")
    pattern.match("plant/3/press/energy")  # {"line": "3"}
    PointTemplate("EX-{line}-E1").fill({"line": "3"})  # "EX-3-E1"

What `+` and `#` match: MQTT 5.0, section 4.7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import zip_longest

from collector.errors import MappingError

_NAMED = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MOST_BYTES = 65_535


class TopicPattern:
    """Which topics are meant, and what their levels are called.

    Args:
        text: levels joined by `/`; raises MappingError where it is no pattern.

    Attributes:
        filter: what to subscribe to.
        names: the named levels.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._levels = text.split("/")
        if fault := _fault(text, self._levels):
            raise MappingError(f"topic {text!r}: {fault}")
        found = [match[1] for level in self._levels if (match := _NAMED.fullmatch(level))]
        if len(set(found)) < len(found):
            raise MappingError(f"topic {text!r}: two levels have the same name")
        self.names = frozenset(found)
        self.filter = "/".join("+" if _NAMED.fullmatch(level) else level for level in self._levels)
        self._is_exact = self.filter == text and not {"+", "#"}.intersection(self._levels)

    @property
    def is_exact(self) -> bool:
        """Whether it means a single topic."""
        return self._is_exact

    def match(self, topic: str) -> dict[str, str] | None:
        """The texts of the named levels, or None where the topic is not meant."""
        given = topic.split("/")
        if topic.startswith("$") and not self.text.startswith("$"):
            return None
        named: dict[str, str] = {}
        for at, level in enumerate(self._levels):
            if level == "#":
                return named
            if at >= len(given):
                return None
            if match := _NAMED.fullmatch(level):
                named[match[1]] = given[at]
            elif level not in ("+", given[at]):
                return None
        return named if len(given) == len(self._levels) else None

    def overlaps(self, other: TopicPattern) -> bool:
        """Whether some topic is meant by both."""
        for one, two in zip_longest(self.filter.split("/"), other.filter.split("/")):
            if "#" in (one, two):
                return True
            if one is None or two is None or (one != two and "+" not in (one, two)):
                return False
        return True


class PointTemplate:
    """A point's code, with names of levels in `{}`.

    Args:
        text: the template; raises MappingError where it can never give a code.
        names: the levels that there are.
    """

    def __init__(self, text: str, names: frozenset[str] = frozenset()) -> None:
        self._text = text
        self._used = frozenset(_NAMED.findall(text))
        if unknown := self._used - names:
            known = ", ".join(sorted(names)) or "none"
            raise MappingError(f"point {text!r}: no level of the topic is called {min(unknown)} (named: {known})")
        self.fill(dict.fromkeys(names, "x"))

    @property
    def is_fixed(self) -> bool:
        """Whether it is one code, whatever the topic."""
        return not self._used

    def fill(self, levels: Mapping[str, str]) -> str:
        """The code; raises MappingError where the levels do not make one."""
        code = _NAMED.sub(lambda match: levels[match[1]], self._text)
        if not _CODE.fullmatch(code):
            raise MappingError(f"{code!r} is no point code: letters, digits, '.', '_', '-', at most 64, no sign first")
        return code


def _fault(text: str, levels: list[str]) -> str:
    """Why a text is no pattern; empty where it is one."""
    if not text or "\0" in text or len(text.encode()) > _MOST_BYTES:
        return "1 to 65 535 bytes, none of them zero"
    if levels[0] == "$share":
        return "a shared subscription would give us a part of the messages only"
    for level in levels:
        if level not in ("+", "#") and not _NAMED.fullmatch(level) and re.search(r"[+#{}]", level):
            return f"{level!r}: `+`, `#` and `{{name}}` (lower case) stand for whole levels"
    return "`#` can only be the last level" if "#" in levels[:-1] else ""
