"""What is said of an alert, to whom it is due, and what the settings refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from alerts.delivery.alertmanager import PostedAlert
from alerts.delivery.book import Book
from alerts.delivery.ledger import Ledger, requests
from alerts.delivery.model import Acceptance, Change, Notice, Silence
from alerts.delivery.notices import expired, notices_of
from alerts.delivery.settings import AlertmanagerSettings, DeliverySettings, link
from alerts.delivery.silences import LASTS, KnownSilence, Matcher, SilenceStatus, reconcile
from alerts.life.model import AlertState, Reason, Standing
from alerts.verdicts import Colour, Mark, Severity
from energy.config import decode_toml
from energy.errors import ConfigError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RED = Mark(Severity.CRITICAL, Colour.RED)
URL = "http://127.0.0.1:9093"


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOW + timedelta(seconds=seconds)


def notice(number: int = 1, **others: object) -> Notice:
    """A notice that lasts, unless told otherwise."""
    plain = Notice(number, "alert", 1, {"alertname": "breach", "alert_id": str(number)}, {}, NOW, notice_id=number)
    return msgspec.structs.replace(plain, **others)


def severe(alert: int, number: int, severity: str, **others: object) -> Notice:
    """A notice of an alert of some severity."""
    labels = {"alertname": "breach", "alert_id": str(alert), "severity": severity}
    return msgspec.structs.replace(notice(alert), notice_id=number, labels=labels, **others)


def change(state: AlertState, reason: Reason = Reason.RAISED, **standing: object) -> Change:
    """An alert whose evidence nobody can read any more."""
    known = msgspec.structs.replace(Standing(state, NOW, RED, fired_at=NOW), **standing)
    return Change(7, "breach", "quota", 3, known, 11, reason)


def test_an_alert_whose_evidence_cannot_be_read_is_told_all_the_same() -> None:
    """Evidence of another version must not keep people from knowing."""
    (made,) = notices_of(change(AlertState.FIRING), None, {"site": "a"}, at(-60), NOW)
    assert made.labels == {
        "alertname": "breach",
        "subject": "quota",
        "alert_id": "7",
        "severity": "critical",
        "site": "a",
    }
    assert made.starts_at == at(-60)


def test_labels_are_those_of_the_beginning_and_escalation_is_a_label() -> None:
    """Whom it is routed to may change by severity and escalation, and by nothing else."""
    labels = {"alertname": "breach", "alert_id": "7", "severity": "critical", "district": "610303"}
    begun = notice(7, labels=labels, silence=Silence("Li Wei", "acknowledged"))
    (same,) = notices_of(change(AlertState.FIRING), begun, {"site": "new"}, NOW, at(9))
    assert (same.notice_id, same.labels, same.starts_at) == (7, begun.labels, NOW)
    escalated = change(AlertState.FIRING, Reason.ESCALATED, escalated_at=NOW)
    ended, begins = notices_of(escalated, begun, {}, NOW, at(9))
    assert (ended.notice_id, ended.ends_at, ended.silence) == (7, at(9), None)
    assert ended.annotations["ended_en"] == "Goes on as critical, escalated: nobody took it on"
    assert begins.labels == {**begun.labels, "escalated": "yes"}


def test_a_beginning_in_the_future_begins_now() -> None:
    """Where our clock is behind data time Alertmanager must not get an alert that ends before it starts."""
    (made,) = notices_of(change(AlertState.FIRING), None, {}, at(3600), NOW)
    assert made.starts_at == NOW


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (AlertState.SILENCED, Reason.RAISED),
        (AlertState.RESOLVED, Reason.CLEARED),
        (AlertState.INACTIVE, Reason.CLEARED),
        (AlertState.PENDING, Reason.RAISED),
    ],
)
def test_nothing_is_said_of_what_nobody_needs_to_know(state: AlertState, reason: Reason) -> None:
    """What fires first within a window, is pending, or is over before anybody heard of it."""
    assert notices_of(change(state, reason), None, {}, NOW, NOW) == []


def test_a_silence_keeps_its_note_while_the_same_person_has_the_alert() -> None:
    """A change of severity in between is no new acknowledgement."""
    begun = notice(7, silence=Silence("Li Wei", "acknowledged: on it"), labels={"alertname": "breach"})
    later = change(AlertState.ACKNOWLEDGED, Reason.SEVERITY, acknowledged_by="Li Wei")
    assert notices_of(later, begun, {}, NOW, NOW)[-1].silence == begun.silence
    other = change(AlertState.ACKNOWLEDGED, Reason.SEVERITY, acknowledged_by="Wang Fang")
    assert notices_of(other, begun, {}, NOW, NOW)[-1].silence == Silence("Wang Fang", "acknowledged")


def test_a_correction_lasts_until_somebody_has_known_it_for_long_enough() -> None:
    """One that never answers does not keep it; nothing else ends by itself."""
    told = notice(kind="correction")
    assert expired(told, {}, 60, at(3 * 86400 - 1)) is None
    assert expired(told, {}, 60, at(3 * 86400)) is not None  # nobody has come for it
    assert expired(told, {"a": Acceptance(at(10))}, 60, at(69)) is None
    ended = expired(told, {"a": Acceptance(at(10))}, 60, at(70))
    assert ended is not None
    assert ended.ends_at == at(70)
    assert expired(notice(), {"a": Acceptance(at(10))}, 60, at(70)) is None


def test_what_was_told_is_due_again_after_a_while_and_at_once_when_it_changes() -> None:
    """An end that was taken only where the other side has forgotten it; ends before the rest."""
    ledger = Ledger(resend_s=60, keep_ended_s=900)
    first, second = notice(1), notice(2)
    assert ledger.due([first, second], {}, 0, NOW) == [first, second]
    ledger.told([first, second], 0)
    assert ledger.due([first, second], {}, 59, NOW) == []
    assert ledger.due([first, second], {}, 60, NOW) == [first, second]
    ledger.told([first, second], 60)
    ended = notice(2, ends_at=at(1))
    assert ledger.due([first, ended], {}, 61, NOW) == [ended]
    assert ledger.due([first, ended], {}, 120, NOW) == [ended, first]
    ledger.told([ended], 121)
    assert ledger.due([ended], {}, 181, NOW) == [ended]  # it was refused
    taken = {2: Acceptance(NOW, NOW)}
    assert ledger.due([ended], taken, 9999, NOW) == []
    ledger.told([first], 131)
    ledger.forget()
    assert ledger.due([first, ended], taken, 132, at(899)) == [first, ended]
    assert ledger.due([first, ended], taken, 132, at(900)) == [first]


def test_a_breach_is_told_before_a_flood_of_lesser_things_and_a_pair_in_one_request() -> None:
    """News before repetitions, the louder before the less loud; an end together with what the alert became."""
    ledger = Ledger(resend_s=60, keep_ended_s=900)
    known = severe(1, 1, "critical")
    silent = [severe(number, number, "notice") for number in range(2, 6)]
    was, became = severe(6, 6, "attention", ends_at=NOW), severe(6, 8, "critical")
    fresh, odd = severe(7, 7, "critical"), severe(8, 9, "unknown")
    ledger.told([known], 0)
    due = ledger.due([known, *silent, was, fresh, became, odd], {}, 60, NOW)
    assert due == [was, became, fresh, *silent, odd, known]
    assert list(requests(due, 1)) == [[was, became], *([one] for one in due[2:])]
    assert list(requests(due, 4)) == [due[:4], due[4:8], due[8:]]


def test_a_later_notice_takes_the_place_of_an_earlier_one_under_the_same_labels() -> None:
    """To tell of the end of the earlier one again would end the later one."""
    book = Book([URL], 900, 3600)
    labels = {"alertname": "breach", "alert_id": "1"}
    book.write([notice(1, alert_id=1, labels=labels, ends_at=at(1))])
    book.write([notice(2, alert_id=1, labels=labels)])
    assert [one.notice_id for one in book.notices] == [2]


def test_a_notice_is_done_when_all_have_known_its_end_for_long_enough() -> None:
    """One that has not taken it yet is still to be told."""
    book = Book([URL, "http://other:9093"], 900, 7200)
    book.write([notice(1, ends_at=at(1))])
    book.take([notice(1, ends_at=at(1))], URL, at(2))
    assert book.done(at(5000)) == []
    book.take([notice(1, ends_at=at(1))], "http://other:9093", at(3))
    assert book.done(at(902)) == []
    assert book.done(at(903)) == [1]
    assert list(book.notices) == []


def test_an_alertmanager_that_never_comes_back_keeps_no_end() -> None:
    """After `lapse_s` it takes it for over by itself; memory and table must not grow for it."""
    book = Book([URL, "http://lost:9093"], 900, 3600)
    book.write([notice(1, ends_at=at(1)), notice(2)])
    book.take([notice(1, ends_at=at(1))], URL, at(2))
    assert book.done(at(3600)) == []
    assert book.done(at(3601)) == [1]
    assert [one.notice_id for one in book.notices] == [2]


def test_only_the_first_acceptance_is_written() -> None:
    """Of what is told every minute."""
    book = Book([URL], 900, 3600)
    book.write([notice(1)])
    book.take([notice(1)], URL, at(2))
    assert book.unsaved() == {(1, URL): Acceptance(active_at=at(2))}
    book.take([notice(1)], URL, at(62))
    assert book.unsaved() == {}
    book.take([notice(1, ends_at=at(70))], URL, at(71))
    assert book.unsaved() == {(1, URL): Acceptance(active_at=at(2), ended_at=at(71))}


def _known(number: str, comment: str, ends_at: datetime, **values: str) -> KnownSilence:
    matchers = tuple(Matcher(name, value) for name, value in values.items())
    return KnownSilence(number, matchers, "Li Wei", comment, ends_at, SilenceStatus("active"))


def test_silences_are_made_lengthened_and_taken_away_and_others_left_alone() -> None:
    """Ours are known by their matchers and the first word of their comment."""
    labels = {"alertname": "breach", "alert_id": "1", "site": "a"}
    silenced = notice(1, labels=labels, silence=Silence("Li Wei", "acknowledged"))
    missing, surplus = reconcile([silenced, notice(2)], {"site": "a"}, [], NOW)
    assert surplus == []
    (made,) = missing
    assert made.matchers == (Matcher("alert_id", "1"), Matcher("alertname", "breach"), Matcher("site", "a"))
    assert (made.created_by, made.comment, made.id) == ("Li Wei", "Quotawatt: acknowledged", "")
    names = {"alert_id": "1", "alertname": "breach", "site": "a"}
    relabelled, _ = reconcile([silenced], {"site": "a", "new": "b"}, [], NOW)
    assert [one.name for one in relabelled[0].matchers] == ["alert_id", "alertname", "site"]
    fresh = _known("x", "Quotawatt: acknowledged", NOW + LASTS, **names)
    assert reconcile([silenced], {"site": "a"}, [fresh], NOW) == ([], [])
    old = _known("x", "Quotawatt: acknowledged", NOW + LASTS / 2, **names)
    assert [one.id for one in reconcile([silenced], {"site": "a"}, [old], NOW)[0]] == ["x"]
    by_hand = _known("y", "known", NOW + LASTS, **names)
    elsewhere = _known("z", "Quotawatt: acknowledged", NOW + LASTS, **{**names, "site": "b"})
    assert reconcile([], {"site": "a"}, [fresh, by_hand, elsewhere], NOW) == ([], ["x"])
    gone = msgspec.structs.replace(fresh, status=SilenceStatus("expired"))
    assert reconcile([], {"site": "a"}, [gone], NOW) == ([], [])


def test_times_are_written_as_alertmanager_reads_them() -> None:
    """RFC 3339 with a zone, under the names of its API."""
    posted = msgspec.json.decode(msgspec.json.encode(PostedAlert({"a": "b"}, {}, NOW, at(60), "http://x/1")))
    assert posted == {
        "labels": {"a": "b"},
        "annotations": {},
        "startsAt": "2026-03-01T12:00:00Z",
        "endsAt": "2026-03-01T12:01:00Z",
        "generatorURL": "http://x/1",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("alertmanager = []", "alertmanager"),
        ('[[alertmanager]]\nurl = "127.0.0.1:9093"', "url must be as http://host:9093"),
        ('[[alertmanager]]\nurl = "http://me:secret@host:9093"', "carries no user, password"),
        ('[[alertmanager]]\nurl = "http://host"\nusername = "me"', "username and password_file belong together"),
        (
            '[[alertmanager]]\nurl = "http://host"\nusername = "me"\npassword_file = "p"\ntoken_file = "t"',
            "or token_file, not both",
        ),
        ('[[alertmanager]]\nurl = "http://host"\ntls = {}', "tls needs a url that begins with https"),
        (
            '[[alertmanager]]\nurl = "http://host"\n[[alertmanager]]\nurl = "http://host/"',
            "two alertmanagers have the same url",
        ),
        ('lapse_s = 170.0\n[[alertmanager]]\nurl = "http://host"', "at least 3 times resend_s"),
        ('[[alertmanager]]\nurl = "http://host"\n[labels]\n"a-b" = "c"', "'a-b' cannot be the name of a label"),
        ('[[alertmanager]]\nurl = "http://host"\n[labels]\nseverity = "c"', "'severity' says what an alert is"),
        ('alert_url = "http://x/{alert}"\n[[alertmanager]]\nurl = "http://host"', "no {alert}: expected alert_id"),
        ('alert_url = "http://x/{"\n[[alertmanager]]\nurl = "http://host"', "alert_url: "),
    ],
)
def test_settings_that_cannot_work_are_refused(text: str, fault: str) -> None:
    """With what was expected instead."""
    with pytest.raises(ConfigError, match=fault):
        decode_toml(text, DeliverySettings, "alerts.toml")


def test_secrets_are_read_anew(tmp_path: Path) -> None:
    """A password or token that was renewed needs no restart."""
    (tmp_path / "secret").write_text("one\n")
    basic = AlertmanagerSettings(URL, username="me", password_file=tmp_path / "secret")
    bearer = AlertmanagerSettings(URL, token_file=tmp_path / "secret")
    assert basic.authorization() == {"Authorization": "Basic bWU6b25l"}
    assert bearer.authorization() == {"Authorization": "Bearer one"}
    (tmp_path / "secret").write_text("two")
    assert bearer.authorization() == {"Authorization": "Bearer two"}
    assert AlertmanagerSettings(URL).authorization() == {}


def test_a_link_is_filled_and_quoted() -> None:
    """What an alert lacks stays empty."""
    assert link("https://b/{alert_id}?u={unit}&q={quota}", {"alert_id": "7", "unit": "a/b"}) == "https://b/7?u=a%2Fb&q="
    assert link("", {"alert_id": "7"}) == ""
