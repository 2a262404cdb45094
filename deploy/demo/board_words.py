"""The words of the terminal board in its two languages, and how figures and times are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from deploy.demo.board_model import Language
from energy.carriers import carriers

WORDS: Mapping[str, tuple[str, str]] = {
    "flagged": ("预警", "flagged"),
    "pending": ("待定", "pending"),
    "corrected": ("已更正", "corrected"),
    "from to": ("已更正 {} → {}", "corrected: {} → {}"),
    "warned": ("接近限额", "near limit"),
    "unknown": ("无法判断", "no answer"),
    "fine": ("正常", "within"),
    "speed": ("1 秒 = {}", "1 s = {}"),
    "readings": ("条/秒", "readings/s"),
    "stored": ("已入库", "stored"),
    "gateways": ("网关在线", "gateways"),
    "newest": ("最新读数", "newest"),
    "none yet": ("尚无", "none yet"),
    "ago": ("{}前", "{} ago"),
    "waiting": ("排队", "waiting"),
    "unit": ("用能单位", "unit"),
    "district": ("区县", "district"),
    "quota": ("限额", "quota"),
    "use": ("用量 ┃ 时间进度", "use ┃ time elapsed"),
    "short use": ("用量", "use"),
    "share": ("已用", "used"),
    "pace": ("进度比", "pace"),
    "figures": ("用量 / 限额", "used / limit"),
    "remark": ("说明", "why"),
    "exceeded": ("超限 {}", "over {}"),
    "on_course": ("预计超限 {}", "breaks {}"),
    "lasting": ("自 {} 起", "since {}"),
    "stale": ("数据滞后", "late data"),
    "no_data": ("缺数据", "no data"),
    "incomplete": ("数据不全", "data gaps"),
    "waiting for quotas": ("等待第一批限额判定……", "waiting for the first verdicts …"),
    "more": ("…… 另有 {} 家未列出", "… and {} more units"),
    "keys": ("Ctrl-C 停止全部", "Ctrl-C stops everything"),
    "day": ("日", "day"),
    "month": ("月", "month"),
    "quarter": ("季", "quarter"),
    "year": ("年", "year"),
    "tce": ("总能耗", "total"),
    "tce_equal": ("等价能耗", "equal value"),
    "tco2": ("CO₂", "CO₂"),
    "seconds": ("{} 秒", "{} s"),
    "minutes": ("{} 分钟", "{} min"),
    "hours": ("{} 小时", "{} h"),
    "days": ("{} 天", "{} d"),
    "spool": ("断点缓存", "spool"),
    "ingest": ("接收", "ingest"),
    "dirty": ("待计算", "derive"),
}
"""Chinese and English of each; `{}` takes a figure."""

_WEEKDAYS = "一二三四五六日"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MILLION = 1_000_000


def word(key: str, language: Language, *figures: object) -> str:
    """The word called `key`, with its figures in place; what has no translation is shown as it is."""
    pair = WORDS.get(key)
    text = key if pair is None else pair[0 if language == "zh" else 1]
    return text.format(*figures)


def measure_name(measure: str, language: Language) -> str:
    """What a quota counts: an aggregate's word or the carrier's name."""
    carrier = carriers().get(measure)
    if carrier is None:
        return word(measure, language)
    return carrier.name_zh if language == "zh" else carrier.name_en.split()[-1]


def span(seconds: float, language: Language) -> str:
    """A duration in its one largest sensible unit."""
    for key, size in (("days", _DAY), ("hours", _HOUR), ("minutes", _MINUTE)):
        if seconds >= 2 * size or (key == "minutes" and seconds >= size):
            return word(key, language, f"{seconds / size:.0f}")
    return word("seconds", language, f"{seconds:.0f}")


def moment(at: datetime, now: datetime) -> str:
    """A time of day, or the date alone when that is another day."""
    local = at.astimezone(now.tzinfo)
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%m-%d}"


def period_name(period: str, start: datetime, now: datetime, language: Language) -> str:
    """The kind of a period; of a day or month that is over its date, since its line stands beside the present one's."""
    date = {"day": "%m-%d", "month": "%Y-%m"}.get(period)
    if date is None or f"{start:{date}}" == f"{now.astimezone(start.tzinfo):{date}}":
        return word(period, language)
    return f"{start:{date}}"


def date_and_time(now: datetime, language: Language) -> str:
    """Date, weekday and time of day."""
    weekday = f"星期{_WEEKDAYS[now.weekday()]}" if language == "zh" else f"{now:%a}"
    return f"{now:%Y-%m-%d} {weekday} {now:%H:%M}"


def amount(value: float) -> str:
    """A figure with the digits that matter, thousands apart; millions are written as such."""
    if value >= _MILLION:
        return f"{value / _MILLION:.2f}M"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004 - where decimals stop to matter
    return f"{value:,.{digits}f}".replace(",", " ")
