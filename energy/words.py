"""What people write for carriers, days and units of measure, in both languages. Pure."""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from energy.carriers import carriers

UNIT_WORDS = {
    "千瓦时": "kWh",
    "万千瓦时": "10^4 kWh",
    "兆瓦时": "MWh",
    "吉焦": "GJ",
    "吨": "t",
    "千克": "kg",
    "公斤": "kg",
    "立方米": "m3",
    "m³": "m3",
    "万立方米": "10^4 m3",
    "元": "yuan",
    "万元": "10^4 yuan",
    "亿元": "10^8 yuan",
}
"""Units of measure by other words."""
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2})|/([0-9]{1,2})/([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)")


def carrier_of(text: str) -> str:
    """The key of the carrier that `text` names, by key or by name; raises ValueError."""
    key = _carrier_words().get(text.casefold())
    if key is None:
        raise ValueError(
            f"{text!r}: a carrier expected, such as {', '.join(list(carriers())[:6])} …, or its Chinese name"
        )
    return key


@cache
def _carrier_words() -> dict[str, str]:
    return {word.casefold(): one.key for one in carriers().values() for word in (one.name_en, one.name_zh, one.key)}


def day_of(text: str) -> date:
    """The day that `text` writes; raises ValueError."""
    match = _DAY.fullmatch(text)
    try:
        year, month, day = (int(part) for part in match.groups() if part) if match else (0, 0, 0)
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"{text!r}: a day such as 2026-03-31, 2026/3/31 or 2026年3月31日 expected") from None


def unit_symbol(text: str) -> str:
    """The symbol of the unit of measure that `text` names; an unknown word stays as it is."""
    return UNIT_WORDS.get(text, text)
