"""A what-if as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from deploy.cli.columns import columns
from deploy.cli.terminal import saying

if TYPE_CHECKING:
    from alerts.rules.messages import Language
    from alerts.trying.whatif import End, Outcome

_HEADINGS: Mapping[Language, tuple[str, ...]] = {
    "en": ("", "EXPECTED", "80 % WITHIN", "OF LIMIT", "USED UP"),
    "zh": ("", "预测值", "80 % 区间", "占限额", "用完日期"),
}
_RIGHT = {1, 2, 3}


def lines(found: Sequence[Outcome], now: datetime, language: Language) -> Iterator[str]:
    """Of each quota where it stands, how it ends without and with the change, and what would have to change.

    `now` is the data time by which it was asked, in the zone to be shown: by another than the data's, nothing is known.
    """
    say = saying(language)
    yield say(f"数据时间 {now:%Y-%m-%d %H:%M}", f"At {now:%Y-%m-%d %H:%M} of data time")
    rows = [_HEADINGS[language]]
    for one in found:
        rows.append((say("  现状", "  as it is"), *_end(one.before, language)))
        rows.append((say("  改变后", "  with the change"), *_end(one.after, language)))
    heading, *told = (line.rstrip() for line in columns(rows, _RIGHT, None))
    for at, one in enumerate(found):
        yield from ("", _standing(one, language), heading)
        yield from told[2 * at : 2 * at + 2]
        yield say(f"  需减比例：{_cut(one, language)}", f"  needed cut: {_cut(one, language)}")


def _standing(one: Outcome, language: Language) -> str:
    from alerts.rules.messages import NOT_KNOWN, WORDS  # noqa: PLC0415 - loaded when called

    unknown = NOT_KNOWN[language]
    used = unknown if one.used is None else f"{one.used:,.1f}"
    method = WORDS["method"].get(one.method, {}).get(language, one.method) or unknown
    return saying(language)(
        f"{one.quota}，至 {one.ends}：已用 {used}，限额 {one.limit:,.1f} {one.limit_unit}；预测方法：{method}",
        f"{one.quota}, until {one.ends}: used {used} of {one.limit:,.1f} {one.limit_unit}; projection: {method}",
    )


def _end(end: End, language: Language) -> tuple[str, str, str, str]:
    from alerts.rules.messages import NOT_KNOWN  # noqa: PLC0415 - loaded when called

    unknown = NOT_KNOWN[language]
    if end.projected is None or end.share is None:
        return unknown, "", "", ""
    to = saying(language)("至", "to")
    within = unknown if end.low is None or end.high is None else f"{end.low:,.1f} {to} {end.high:,.1f}"
    return f"{end.projected:,.1f}", within, f"{end.share:.1%}", f"{end.exhausted_on or ''}"


def _cut(one: Outcome, language: Language) -> str:
    from alerts.rules.messages import NOT_KNOWN  # noqa: PLC0415 - loaded when called

    say, share = saying(language), one.needed_cut
    if one.before.projected is None:
        return NOT_KNOWN[language]
    if share is None:
        return say("本周期内没有可减的此类用能", "no such use is still to come in this period")
    if share > 1:
        return say("全部停用也不够", "not even all of it would be enough")
    return f"{share:.1%}" if share else say("无需", "none, it ends within the limit")
