"""Quotas as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from deploy.cli.columns import columns, shown
from deploy.cli.terminal import saying

if TYPE_CHECKING:
    from alerts.quotas.store import Recorded, Taken
    from alerts.rules.messages import Language
    from energy.errors import Fault

_HEADINGS: Mapping[Language, tuple[str, ...]] = {
    "en": ("CODE", "OF", "KIND", "MEASURE", "PERIOD", "LIMIT", "", "VALID", "VERSION", "SOURCE"),
    "zh": ("限额", "对象", "类别", "指标", "周期", "限额值", "", "有效期", "版本", "依据"),
}


def list_lines(quotas: Sequence[Recorded], language: Language, width: int | None) -> Iterator[str]:
    """A line for each, below headings; `width` is the terminal's, None for no terminal."""
    from alerts.quotas.words import chinese_of  # noqa: PLC0415 - loaded when called

    def word(field: str, text: str) -> str:
        return chinese_of(field, text) if language == "zh" else text

    say, rows = saying(language), [_HEADINGS[language]]
    for one in quotas:
        spec = one.quota
        whom = f"{word('subject', spec.subject)} {spec.key}"
        measure = " ".join(filter(None, (word("measure", spec.measure), spec.product)))
        what = (word("kind", spec.kind), measure, word("period", spec.period), f"{spec.limit:,f}", spec.limit_unit)
        since, until = spec.valid_from, spec.valid_to
        valid = say(f"{since} 起", f"{since} on")
        if until:
            valid = say(f"{since} 起，{until} 前", f"{since} before {until}")
        rows.append((spec.code, whom, *what, valid, str(one.version), spec.source))
    return columns(rows, {5, 8}, width, gives_way=0)


def taken_lines(taken: Taken, language: Language) -> Iterator[str]:
    """What became of quotas that were given."""
    say = saying(language)
    named = (
        (taken.new, say("新增", "new")),
        (taken.changed, say("变更", "changed")),
        (taken.same, say("未变", "as they stood")),
    )
    for codes, what in named:
        if codes:
            yield say(f"{what} {len(codes)} 个", f"{len(codes)} {what}")
    if not any(codes for codes, _ in named):
        yield say("没有限额。", "No quotas.")


def warning_lines(warnings: Iterable[Fault], language: Language) -> Iterator[str]:
    """What is seldom meant, a line for each."""
    return (shown(saying(language)(f"注意：{one}", f"warning: {one}")) for one in warnings)
