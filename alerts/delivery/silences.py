"""Silences of alerts that somebody has, or that a maintenance window covers: which are missing, which too many. Pure.

Nothing is remembered of them: Alertmanager is asked which there are, and ours are known by their matchers together with
the first word of their comment, so that a silence that a person made by hand is never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from alerts.delivery.model import Notice

MARK = "Quotawatt: "
LASTS = timedelta(days=1)
"""How long a silence is made for; it is made longer in time, and outlives us by half of that at least."""


class Matcher(msgspec.Struct, frozen=True, rename="camel", order=True):
    """One label that an alert must have."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class SilenceStatus(msgspec.Struct, frozen=True):
    """Whether it is active, pending or expired."""

    state: str


class KnownSilence(msgspec.Struct, frozen=True, rename="camel"):
    """A silence that Alertmanager has."""

    id: str
    matchers: tuple[Matcher, ...]
    created_by: str
    comment: str
    ends_at: datetime
    status: SilenceStatus


class WantedSilence(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A silence to make, or with an `id` to make longer."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str = ""


Key = tuple[tuple[Matcher, ...], str, str]


def reconcile(
    notices: Iterable[Notice], extra: Mapping[str, str], known: Iterable[KnownSilence], now: datetime
) -> tuple[list[WantedSilence], list[str]]:
    """What to make, and the ids of those to take away.

    Args:
        notices: all that are not done.
        extra: labels of the settings.
        known: what Alertmanager has.
        now: real time.
    """
    wanted: dict[Key, WantedSilence] = {}
    for notice in notices:
        if notice.silence is not None and notice.ends_at is None:
            made = _wanted(notice, extra, now)
            wanted[made.matchers, made.created_by, made.comment] = made
    surplus: list[str] = []
    for one in known:
        if one.status.state == "expired" or not one.comment.startswith(MARK):
            continue
        key = (tuple(sorted(one.matchers)), one.created_by, one.comment)
        if key in wanted:
            if one.ends_at - now > LASTS / 2:
                del wanted[key]
            else:
                wanted[key] = msgspec.structs.replace(wanted[key], id=one.id)
        elif _is_ours(one, extra):
            surplus.append(one.id)
    return list(wanted.values()), surplus


def _wanted(notice: Notice, extra: Mapping[str, str], now: datetime) -> WantedSilence:
    if notice.silence is None:
        raise ValueError("the notice has no silence")
    names = ["alertname", "alert_id", *(name for name in extra if name in notice.labels)]
    matchers = tuple(sorted(Matcher(name, notice.labels[name]) for name in names))
    return WantedSilence(matchers, now, now + LASTS, notice.silence.author, MARK + notice.silence.reason)


def _is_ours(silence: KnownSilence, extra: Mapping[str, str]) -> bool:
    """Whether this installation made it: several may share an Alertmanager."""
    values = {matcher.name: matcher.value for matcher in silence.matchers}
    return {"alertname", "alert_id"} <= set(values) and all(values.get(name) == value for name, value in extra.items())
