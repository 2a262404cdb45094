"""The time of a line. Pure."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from energy import instants
from energy.errors import WireError
from energy.wire import RefusalCode


def instant_ms(text: str, zone: ZoneInfo | None) -> int:
    """As `energy.instants.instant_ms`; raises WireError, `malformed`, with what was expected."""
    try:
        return instants.instant_ms(text, zone)
    except ValueError as error:
        raise WireError(RefusalCode.MALFORMED, f"time {error}") from None
