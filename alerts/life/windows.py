"""Maintenance windows: times in which alerts fire silently. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

WindowSubject: TypeAlias = Literal["unit", "district", "industry", "all"]


class Window(msgspec.Struct, frozen=True):
    """One window.

    Attributes:
        rule: code of the rule that it silences; None for every rule.
        subject: what it covers:
        key: a unit's code; the first 2, 4 or 6 digits of a district (province, city, county); the first digits of an
            industry; None for all.
        since, until: data time; `until` does not belong to it.
        author, reason: who made it, and why.
        ended_at, ended_by: when and by whom it was ended early.
        window_id: its number; 0 while it has none.
    """

    subject: WindowSubject
    key: str | None
    since: datetime
    until: datetime
    author: str
    reason: str
    rule: str | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    window_id: int = 0

    @property
    def end(self) -> datetime:
        """When it ends, or has ended."""
        return self.until if self.ended_at is None else min(self.until, self.ended_at)


class Place(msgspec.Struct, frozen=True):
    """Where an alert belongs: its rule, and unit, district and industry as far as its subject has them."""

    rule: str
    unit: str = ""
    district: str = ""
    industry: str = ""


def covering(windows: Iterable[Window], place: Place, now: datetime) -> tuple[Window, ...]:
    """The windows that silence an alert at data time `now`."""
    return tuple(window for window in windows if covers(window, place, now))


def covers(window: Window, place: Place, now: datetime) -> bool:
    """Whether a window silences an alert at data time `now`."""
    if not window.since <= now < window.end or window.rule not in {None, place.rule}:
        return False
    match window.subject:
        case "all":
            return True
        case "unit":
            return bool(window.key) and window.key == place.unit
        case "district":
            return _within(window.key, place.district)
        case "industry":
            return _within(window.key, place.industry)


def _within(key: str | None, code: str) -> bool:
    return bool(key) and code.startswith(key or "")
