"""The words of reports, in Chinese and English: `words.toml`."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Language(StrEnum):
    """In which language a report speaks."""

    ZH = "zh"
    EN = "en"


class Words:
    """The words of one language.

    Args:
        language: which.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._which = list(Language).index(language)

    def of(self, section: str, word: str | None) -> str:
        """The word for a value: of a section that does not know it, the value itself; a dash for None."""
        if word is None:
            return "—"
        pair = _tables()[section].get(word)
        return word if pair is None else pair[self._which]

    def __getitem__(self, word: str) -> str:
        """A word of the page itself; raises KeyError for one that is not there."""
        return _tables()["page"][word][self._which]

    def either(self, chinese: str, english: str, otherwise: str) -> str:
        """Of two names the one in this language, or the other one, or what both are names of."""
        first, second = (chinese, english) if self.language is Language.ZH else (english, chinese)
        return first or second or otherwise


@cache
def _tables() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files("ingest.accounting.reports").joinpath("words.toml").read_text(encoding="utf-8"))
