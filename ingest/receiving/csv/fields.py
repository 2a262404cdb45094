"""The fields of a line, and what a value and a quality look like in text. Pure."""

from __future__ import annotations

import csv
import math
import re

from energy.errors import WireError
from energy.readings import Quality
from energy.wire import RefusalCode

MOST_FIELD_CHARACTERS = 256
"""Most characters of a field."""
MOST_COLUMNS = 32
"""Most columns of a file."""

_NUMBERS = {
    "point": re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"),
    "comma": re.compile(r"[+-]?(?:[0-9]+(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"),
}
DECIMALS = tuple(_NUMBERS)
"""How a decimal fraction may be written: `1.5` or `1,5`."""

_QUALITIES = {
    **{str(int(quality)): quality for quality in Quality},
    "measured": Quality.MEASURED,
    "实测": Quality.MEASURED,
    "uncertain": Quality.UNCERTAIN,
    "存疑": Quality.UNCERTAIN,
    "manual": Quality.MANUAL,
    "人工": Quality.MANUAL,
    "not available": Quality.NOT_AVAILABLE,
    "not_available": Quality.NOT_AVAILABLE,
    "无数据": Quality.NOT_AVAILABLE,
}


def split_fields(text: str, delimiter: str) -> list[str]:
    """The fields of a line without its end, without spaces around them and without their quotes.

    Raises:
        WireError: `malformed`, a quote is not closed or stands within a field; `too_large`, fields that are too many
            or too long.
    """
    if '"' in text:
        try:
            fields = next(csv.reader([text], delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            raise WireError(RefusalCode.MALFORMED, f"quotes that do not match: {error}") from error
    else:
        fields = text.split(delimiter)
    if len(fields) > MOST_COLUMNS:
        raise WireError(RefusalCode.TOO_LARGE, f"{len(fields)} fields: at most {MOST_COLUMNS}")
    if any(len(field) > MOST_FIELD_CHARACTERS for field in fields):
        raise WireError(RefusalCode.TOO_LARGE, f"a field of more than {MOST_FIELD_CHARACTERS} characters")
    return [field.strip() for field in fields]


def number(text: str, decimal: str) -> float | None:
    """The value that `text` writes with `decimal` (one of `DECIMALS`), None for an empty one.

    Raises:
        WireError: `malformed`, it is no number; `not_finite`, it is beyond what a number can hold.
    """
    if not text:
        return None
    if not _NUMBERS[decimal].fullmatch(text):
        sign = "." if decimal == "point" else ","
        raise WireError(
            RefusalCode.MALFORMED, f"value {text!r}: a number with decimal {sign!r} and no other separator expected"
        )
    value = float(text.replace(",", "."))
    if not math.isfinite(value):
        raise WireError(RefusalCode.NOT_FINITE, f"value {text!r}: beyond the range of a double")
    return value


def quality(text: str, value: float | None) -> int:
    """The quality that `text` names; for an empty one what is usual by hand: manual, or not available without a value.

    Raises:
        WireError: `unknown_quality`.
    """
    if not text:
        return Quality.NOT_AVAILABLE if value is None else Quality.MANUAL
    found = _QUALITIES.get(text.casefold())
    if found is None:
        words = "measured 实测, uncertain 存疑, manual 人工, not available 无数据"
        raise WireError(RefusalCode.UNKNOWN_QUALITY, f"quality {text!r}: 0 to 3, or {words}, expected")
    return found
