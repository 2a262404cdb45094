"""Whatever dies and in whatever order: in the end each Alertmanager knows what fires, as it is, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from alerts.delivery.book import Book
from alerts.delivery.ledger import Ledger
from alerts.delivery.model import Acceptance, Change, Notice
from alerts.delivery.notices import expired, notices_of
from alerts.life.model import ACTIVE, AlertState, Reason, Standing
from alerts.verdicts import Colour, Mark, Severity

START = datetime(2026, 3, 1, tzinfo=UTC)
URLS = ("http://a", "http://b")
RESEND_S, KEEP_S, LAPSE_S, CORRECTION_S = 60.0, 900.0, 3600.0, 600.0
MARKS = (Mark(Severity.NOTICE, Colour.BLUE), Mark(Severity.CRITICAL, Colour.RED))
ALERTS = st.integers(1, 3)


class Far:
    """An Alertmanager: alerts by their labels with the time until which they hold; nothing survives its end."""

    def __init__(self) -> None:
        self.alerts: dict[tuple[tuple[str, str], ...], datetime] = {}
        self.ledger = Ledger(RESEND_S, KEEP_S)

    def take(self, notices: Iterable[Notice], now: datetime) -> None:
        """As its API does: the later word counts."""
        for one in notices:
            self.alerts[one.identity] = one.ends_at or now + timedelta(seconds=LAPSE_S)

    def firing(self, now: datetime) -> set[tuple[tuple[str, str], ...]]:
        """What fires there."""
        return {labels for labels, until in self.alerts.items() if until > now}


class Delivering(RuleBasedStateMachine):
    """Alerts live; what is said of them is written down; two Alertmanagers and the service die at any moment."""

    @initialize()
    def begin(self) -> None:
        """Nothing has ever happened."""
        self.seconds = 0.0
        self.alerts: dict[int, Change] = {}
        self.rows: dict[int, Notice] = {}
        self.taken: dict[tuple[int, str], Acceptance] = {}
        self.told_revision: dict[int, int] = {}
        self.transitions = 0
        self.far = {url: Far() for url in URLS}
        self.book = Book(URLS, KEEP_S, LAPSE_S)

    @property
    def now(self) -> datetime:
        """Real time."""
        return START + timedelta(seconds=self.seconds)

    @rule(number=ALERTS, mark=st.sampled_from(MARKS), state=st.sampled_from(sorted(ACTIVE)), escalated=st.booleans())
    def fires(self, number: int, mark: Mark, state: AlertState, *, escalated: bool) -> None:
        """An alert fires, or goes on in another way."""
        standing = Standing(state, self.now, mark, fired_at=self.now, acknowledged_by="x")
        if escalated:
            standing = msgspec.structs.replace(standing, escalated_at=self.now)
        self._move(number, standing, Reason.RAISED)

    @rule(number=ALERTS, state=st.sampled_from([AlertState.RESOLVED, AlertState.CORRECTED]))
    def ends(self, number: int, state: AlertState) -> None:
        """It is over, or what was said of it is corrected."""
        reason = Reason.CORRECTED if state is AlertState.CORRECTED else Reason.CLEARED
        self._move(number, Standing(state, self.now, MARKS[1]), reason)

    @rule()
    def write(self) -> None:
        """What changed is written down, in one transaction."""
        found: list[Notice] = []
        for number, change in self.alerts.items():
            if self.told_revision.get(number) != change.revision:
                found += notices_of(change, self.book.lasting(number), {}, self.now, self.now)
                self.told_revision[number] = change.revision
        for one in self.book.corrections:
            ended = expired(one, self.book.acceptances(one.notice_id), CORRECTION_S, self.now)
            found += [] if ended is None else [ended]
        for one in found:
            known = one if one.notice_id else msgspec.structs.replace(one, notice_id=len(self.rows) + 1)
            self.rows[known.notice_id] = known
            self.book.write([known])
        self.taken |= self.book.unsaved()
        self.book.done(self.now)

    @rule(url=st.sampled_from(URLS), answered=st.booleans())
    def send(self, url: str, *, answered: bool) -> None:
        """One round; its answer may be lost after everything was taken."""
        far = self.far[url]
        due = far.ledger.due(self.book.notices, self.book.taken_by(url), self.seconds, self.now)
        far.take(due, self.now)
        if answered:
            far.ledger.told(due, self.seconds)
            self.book.take(due, url, self.now)

    @rule(url=st.sampled_from(URLS))
    def alertmanager_dies(self, url: str) -> None:
        """It comes back with nothing, which is noticed before anything is sent."""
        self.far[url].alerts.clear()
        self.far[url].ledger.forget()

    @rule()
    def service_dies(self) -> None:
        """The next one knows the tables, and nothing of what was taken but not written down."""
        self.book = Book(URLS, KEEP_S, LAPSE_S)
        self.book.write(self.rows[number] for number in sorted(self.rows))
        for (number, url), acceptance in self.taken.items():
            self.book.restore(number, url, acceptance)
        for far in self.far.values():
            far.ledger = Ledger(RESEND_S, KEEP_S)

    @rule(seconds=st.sampled_from([1.0, RESEND_S, KEEP_S, CORRECTION_S]))
    def time_passes(self, seconds: float) -> None:
        """Less than an alert takes to lapse."""
        self.seconds += seconds

    @precondition(lambda self: self.alerts)
    @rule()
    def comes_to_rest(self) -> None:
        """Nothing dies for a while: each knows what fires and was to be told, as it is, and no more."""
        for _ in range(2):  # at once, and when all was told again
            self.write()
            for url in URLS:
                self.send(url, answered=True)
            for far in self.far.values():
                assert far.firing(self.now) == self._wanted()
            self.seconds += RESEND_S
        lasting = [dict(labels) for labels in self._wanted() if "correction" not in dict(labels)]
        assert len({one["alert_id"] for one in lasting}) == len(lasting)
        for one in lasting:
            alert = self.alerts[int(one["alert_id"])]
            assert alert.state in ACTIVE
            assert one["severity"] == alert.standing.mark.severity
            assert ("escalated" in one) == (alert.standing.escalated_at is not None)
        named = {int(one["alert_id"]) for one in lasting}
        calling = {AlertState.FIRING, AlertState.ACKNOWLEDGED}
        assert {number for number, alert in self.alerts.items() if alert.state in calling} <= named

    def _wanted(self) -> set[tuple[tuple[str, str], ...]]:
        return {one.identity for one in self.rows.values() if one.ends_at is None}

    def _move(self, number: int, standing: Standing, reason: Reason) -> None:
        before = self.alerts.get(number)
        self.transitions += 1
        revision = before.revision + 1 if before else 1
        self.alerts[number] = Change(number, "breach", "quota", revision, standing, self.transitions, reason)


TestDelivering = Delivering.TestCase
