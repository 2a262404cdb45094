"""The notices that are not done, and who has taken them: in memory what the tables say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from alerts.delivery.model import Acceptance, Notice


class Book:
    """Shared by the one who writes notices and the senders.

    Args:
        alertmanagers: their urls.
        keep_ended_s: real seconds for which an end is kept after it was taken.
        lapse_s: real seconds after which an Alertmanager that is away takes what it knew for over by itself: an end is
            kept for it no longer than that, since it may never come back.
    """

    def __init__(self, alertmanagers: Iterable[str], keep_ended_s: float, lapse_s: float) -> None:
        self._alertmanagers = tuple(alertmanagers)
        self._keep = timedelta(seconds=keep_ended_s)
        self._lapse = timedelta(seconds=lapse_s)
        self._notices: dict[int, Notice] = {}
        self._of_alert: dict[int, set[int]] = {}
        self._taken: dict[str, dict[int, Acceptance]] = {url: {} for url in self._alertmanagers}
        self._unsaved: dict[tuple[int, str], Acceptance] = {}

    @property
    def notices(self) -> Iterable[Notice]:
        """All that are not done."""
        return self._notices.values()

    def lasting(self, alert_id: int) -> Notice | None:
        """What is said of an alert while it lasts, a correction apart."""
        of_alert = (self._notices[number] for number in self._of_alert.get(alert_id, ()))
        return next((one for one in of_alert if one.kind == "alert" and one.ends_at is None), None)

    @property
    def corrections(self) -> list[Notice]:
        """Those that last."""
        return [one for one in self._notices.values() if one.kind == "correction" and one.ends_at is None]

    def taken_by(self, url: str) -> Mapping[int, Acceptance]:
        """What an Alertmanager has taken, by the notice's number."""
        return self._taken[url]

    def acceptances(self, notice_id: int) -> dict[str, Acceptance]:
        """Who has taken a notice."""
        return {url: taken[notice_id] for url, taken in self._taken.items() if notice_id in taken}

    def write(self, notices: Iterable[Notice]) -> None:
        """Add notices, or replace them; a later one under the same labels takes the place of an earlier one.

        Alertmanager knows them by their labels: to tell it of the end of the earlier one would end the later one.
        """
        for notice in notices:
            of_alert = self._of_alert.setdefault(notice.alert_id, set())
            for number in of_alert - {notice.notice_id}:
                if self._notices[number].labels == notice.labels:
                    self._remove(number)
            self._notices[notice.notice_id] = notice
            self._of_alert.setdefault(notice.alert_id, set()).add(notice.notice_id)

    def restore(self, notice_id: int, url: str, acceptance: Acceptance) -> None:
        """Add what the table says; an Alertmanager that is not configured any more does not count."""
        if url in self._taken and notice_id in self._notices:
            self._taken[url][notice_id] = acceptance

    def take(self, notices: Iterable[Notice], url: str, now: datetime) -> None:
        """An Alertmanager has taken these at the real time `now`."""
        for notice in notices:
            before = self._taken[url].get(notice.notice_id, Acceptance())
            after = Acceptance(
                active_at=before.active_at or (now if notice.ends_at is None else None),
                ended_at=before.ended_at or (None if notice.ends_at is None else now),
            )
            if after != before and notice.notice_id in self._notices:
                self._taken[url][notice.notice_id] = after
                self._unsaved[notice.notice_id, url] = after

    def unsaved(self) -> dict[tuple[int, str], Acceptance]:
        """What the table does not know yet, by notice and Alertmanager; from now on it does."""
        found, self._unsaved = self._unsaved, {}
        return found

    def done(self, now: datetime) -> list[int]:
        """Remove those whose end each Alertmanager has known, or missed, for long enough; their numbers."""
        found = [one.notice_id for one in self._notices.values() if self._is_done(one, now)]
        for number in found:
            self._remove(number)
        return found

    def _is_done(self, notice: Notice, now: datetime) -> bool:
        if notice.ends_at is None:
            return False
        acceptances = (taken.get(notice.notice_id, Acceptance()) for taken in self._taken.values())
        return all(now >= _forgotten(notice.ends_at, one, self._keep, self._lapse) for one in acceptances)

    def _remove(self, notice_id: int) -> None:
        alert_id = self._notices.pop(notice_id).alert_id
        self._of_alert[alert_id].discard(notice_id)
        if not self._of_alert[alert_id]:
            del self._of_alert[alert_id]
        for taken in self._taken.values():
            taken.pop(notice_id, None)


def _forgotten(ends_at: datetime, acceptance: Acceptance, keep: timedelta, lapse: timedelta) -> datetime:
    """From when on an Alertmanager need not be told of an end any more."""
    return ends_at + lapse if acceptance.ended_at is None else acceptance.ended_at + keep
