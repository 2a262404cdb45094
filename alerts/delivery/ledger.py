"""What one Alertmanager has been told since it started, and what is due. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.delivery.model import Acceptance, Notice

_PLACES = {"critical": 0, "warning": 1, "attention": 2, "notice": 3}
"""Of severities in the order in which they are told; all others come last."""


class Ledger:
    """What was told, to be forgotten when the other side forgets.

    Args:
        resend_s: real seconds until something is told again.
        keep_ended_s: real seconds after which an end that was taken is not told again, even if the other side forgets.
    """

    def __init__(self, resend_s: float, keep_ended_s: float) -> None:
        self._resend_s = resend_s
        self._keep = timedelta(seconds=keep_ended_s)
        self._told: dict[int, tuple[Notice, float]] = {}

    def forget(self) -> None:
        """The other side has lost its memory: everything is due."""
        self._told.clear()

    def told(self, notices: Iterable[Notice], mono: float) -> None:
        """These were taken, or refused, at the monotonic time `mono`."""
        for notice in notices:
            self._told[notice.notice_id] = (notice, mono)

    def due(
        self, notices: Iterable[Notice], taken: Mapping[int, Acceptance], mono: float, now: datetime
    ) -> list[Notice]:
        """What is to be told now: what is new or changed, and what lasts and was told long ago.

        News come before repetitions, the louder before the less loud: a breach does not wait for a flood of meters that
        fell silent. What is told of one alert stays together, its end before what it became.

        Args:
            notices: all that are not done.
            taken: what this Alertmanager has taken ever, by the notice's number.
            mono: monotonic time.
            now: real time.
        """
        found = [one for one in notices if self._is_due(one, taken, mono) and not self.is_over(one, taken, now)]
        urgency: dict[int, tuple[bool, int]] = {}
        for one in found:
            mine = not self._is_news(one), _PLACES.get(one.labels.get("severity", ""), len(_PLACES))
            urgency[one.alert_id] = min(mine, urgency.get(one.alert_id, mine))
        return sorted(found, key=lambda one: (urgency[one.alert_id], one.alert_id, one.notice_id))

    def is_over(self, notice: Notice, taken: Mapping[int, Acceptance], now: datetime) -> bool:
        """Whether its end was taken so long ago that it is not told again, whatever the other side forgets."""
        ended_at = _end_taken(notice, taken)
        return ended_at is not None and now >= ended_at + self._keep

    def keep_only(self, numbers: Iterable[int]) -> None:
        """Forget what is done."""
        for number in self._told.keys() - set(numbers):
            del self._told[number]

    def _is_due(self, notice: Notice, taken: Mapping[int, Acceptance], mono: float) -> bool:
        if self._is_news(notice):
            return True
        # An end that was taken is known: told again, it would stand in every later message of its group again.
        return _end_taken(notice, taken) is None and mono >= self._told[notice.notice_id][1] + self._resend_s

    def _is_news(self, notice: Notice) -> bool:
        last = self._told.get(notice.notice_id)
        return last is None or last[0] is not notice


def requests(notices: Sequence[Notice], most: int) -> Iterator[Sequence[Notice]]:
    """What is due in requests of `most` notices, or one more: what is told of one alert goes into one request.

    Else people would hear that it is over before they hear that it goes on under another severity.
    """
    first = 0
    while first < len(notices):
        until = first + most
        while until < len(notices) and notices[until].alert_id == notices[until - 1].alert_id:
            until += 1
        yield notices[first:until]
        first = until


def _end_taken(notice: Notice, taken: Mapping[int, Acceptance]) -> datetime | None:
    acceptance = taken.get(notice.notice_id)
    return acceptance.ended_at if notice.ends_at is not None and acceptance is not None else None
