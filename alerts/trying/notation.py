"""Values of a series as promtool writes them. Pure.

    12 13.5 -1e3      one value after the other
    0+10x20           0, 10, 20, … 200: twenty steps after the first value
    5-1x3             5, 4, 3, 2
    7x3               7, four times
    _                 no value, _x3: three times none
    stale             the series ends here: no value

"No value" is "not known" at once; promtool keeps the last one for five minutes.
"""

from __future__ import annotations

import re
from itertools import accumulate, repeat

MOST_VALUES = 100_000
"""Of one series: a slip of the finger in a count is a fault, not an exhausted memory."""

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?"
_PART = re.compile(
    rf"(?P<first>{_NUMBER})(?:(?P<step>[+-](?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)?x(?P<times>[0-9]{{1,6}}))?"
    r"|(?P<none>_)(?:x(?P<nones>[0-9]{1,6}))?"
    r"|(?P<stale>stale)",
    re.IGNORECASE,
)


def values_of(text: str) -> list[float | None]:
    """The values; None is "not known".

    Raises:
        ValueError: a part is none of the above, or there are too many.
    """
    values: list[float | None] = []
    for part in text.split():
        values += _values(part)
        if len(values) > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES:,} values")
    return values


def _values(part: str) -> list[float | None]:
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"{part!r} is no value: write 12, 0+10x20, 7x3, _, _x3 or stale")
    if match["stale"]:
        return [None]
    if match["none"]:
        return [None] * int(match["nones"] or 1)
    first, step, times = float(match["first"]), float(match["step"] or 0), int(match["times"] or 0)
    # Added up, as promtool does, not multiplied: both then have the very same values.
    return list(accumulate(repeat(step, times), initial=first))
