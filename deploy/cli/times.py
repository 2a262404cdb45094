"""Times that people write as options of commands."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import click


def moment(option: str, text: str, zone: str) -> datetime:
    """The time that somebody wrote behind `option`; a day means its beginning in `zone`.

    Raises:
        UsageError: it is none.
    """
    from energy.instants import instant_ms  # noqa: PLC0415 - loaded when called
    from energy.periods import day_start  # noqa: PLC0415 - likewise

    try:
        return day_start(date.fromisoformat(text), zone)
    except ValueError:
        pass
    try:
        return datetime.fromtimestamp(instant_ms(text, ZoneInfo(zone)) / 1000, UTC)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from None
