"""What commands that tell people something share: the language they speak, the width that they have."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from alerts.rules.messages import Language


def _language() -> str:
    from deploy.demo.board import language_of_terminal  # noqa: PLC0415 - loaded when called

    return language_of_terminal()


in_language = click.option(
    "--lang",
    "language",
    type=click.Choice(["zh", "en"]),
    default=_language,
    help="Of what people read.  [default: as LC_ALL or LANG says]",
)
"""The option that says in which language a command speaks; JSON and CSV have the same keys in both."""


class Term(click.Choice[str]):
    """A choice of the model's words, which may be written in Chinese too, as lists show them there."""

    def __init__(self, chinese: Mapping[str, str]) -> None:
        super().__init__(list(chinese))
        self._words = {word: term for term, word in chinese.items()}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word of the model."""
        return super().convert(self._words.get(value, value), param, ctx)


def width() -> int | None:
    """How many places a line of the terminal has; None where the output goes elsewhere, and nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def saying(language: Language) -> Callable[[str, str], str]:
    """Chooses between a Chinese and an English text."""
    return lambda zh, en: zh if language == "zh" else en


def more(limit: int, language: Language) -> str:
    """The line below a list that was cut short."""
    return saying(language)(f"……还有更多：已达 --limit {limit}", f"... and more: --limit {limit} was reached")
