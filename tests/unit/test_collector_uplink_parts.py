"""The uplink's small pure parts: the route between addresses, clocks compared, settings, an envelope's last time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec
import pytest

from collector.spool.file import SpoolFile
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from collector.uplink.outgoing import MOST_WAIT_S, Outgoing, last_reading_at
from collector.uplink.route import Route
from collector.uplink.settings import HttpsPlatform, MqttPlatform, Platform, ResendSettings, UplinkSettings
from collector.uplink.skew import compare
from energy.backoff import Backoff
from energy.clocks import DataClock
from energy.config import decode_toml
from energy.errors import ConfigError
from energy.readings import Reading
from energy.transport.http import retry_after
from energy.wire import encode_envelope


def route(count: int, *, switch_after: int = 2) -> Route:
    """Delays of 1, 2, 4 and 8 seconds, without chance."""
    return Route(
        count, switch_after=switch_after, prefer_first_after=100.0, backoff=partial(Backoff, 1.0, 8.0, jitter=0.0)
    )


def test_a_single_address_is_tried_with_growing_delay() -> None:
    """There is no other, whatever happens."""
    way = route(1)
    assert [way.failed(0.0) for _ in range(5)] == [1, 2, 4, 8, 8]
    way.worked()
    assert way.failed(0.0, at_once=True) == 1
    assert way.failed(0.0, least=60.0) == 60
    assert (way.at, way.alone, way.probe_after) == (0, True, None)


def test_addresses_are_gone_round_each_with_its_own_delay() -> None:
    """One that was never tried is tried at once; one that failed has its time."""
    way = route(3)
    assert (way.failed(0.0), way.at) == (1, 0)
    assert (way.failed(1.0), way.at) == (0, 1)
    assert (way.failed(1.0, at_once=True), way.at) == (0, 2)
    assert (way.failed(1.0), way.at) == (1, 2)
    assert (way.failed(2.0), way.at) == (1, 0)  # due at 3, two seconds after its last failure
    assert (way.failed(3.0), way.at) == (0, 1)  # and is left at its first failure now


def test_the_first_address_is_probed_more_and_more_seldom_until_it_works() -> None:
    """One that opens and confirms nothing must not cost a switch every few minutes for ever."""
    way = route(2)
    waits = []
    for _ in range(6):
        way.failed(0.0, at_once=True)
        waits.append(way.probe_after)
        way.back_to_first()
        assert (way.at, way.probe_after) == (0, None)
    assert waits == [100, 200, 400, 800, 1600, 1600]
    way.worked()
    way.failed(0.0, at_once=True)
    assert way.probe_after == 100


def test_a_first_address_that_was_taken_back_is_left_at_its_first_failure() -> None:
    """It opened in a probe and fails again: the others have waited long enough."""
    way = route(2, switch_after=5)
    way.failed(0.0, at_once=True)
    way.back_to_first()
    way.failed(0.0)
    assert way.at == 1


@pytest.mark.parametrize(
    ("own_ms", "round_trip", "seconds", "exceeds"),
    [
        (100_000, 0.0, 0.0, False),
        (170_000, 0.2, 69.9, True),
        (30_000, 0.2, -70.1, True),
        (170_000, 30.0, 55.0, False),  # the answer may have been on its way for all of the 30 s
        (240_000, 30.0, 125.0, True),
    ],
)
def test_clocks_differ_only_beyond_what_the_way_may_have_taken(
    own_ms: int,
    round_trip: float,
    seconds: float,
    exceeds: bool,  # noqa: FBT001 - pytest passes it
) -> None:
    """An answer that was long under way proves little."""
    skew = compare(own_ms, 100_000, round_trip)
    assert skew.seconds == pytest.approx(seconds)
    assert skew.exceeds(60.0) is exceeds


@pytest.mark.parametrize(
    "readings",
    [
        [Reading("P-1", 1_772_294_400_000, 1.5)],
        [Reading("P-1", 5, 1.5), Reading("P-2", 1_772_294_400_000, None, 3)],
        [Reading("P-1", 5, 1.5, 2), Reading("P-2", 1_772_294_400_000, 1e-9, 1)],
    ],
)
def test_the_time_of_an_envelopes_last_reading_is_found_without_decoding(readings: list[Reading]) -> None:
    """Whatever its value and quality."""
    assert last_reading_at(encode_envelope("a" * 32, 7, readings)) == 1_772_294_400_000


def test_an_envelope_of_another_version_has_no_last_reading() -> None:
    """A spool may be older than the code."""
    assert last_reading_at(b'{"v":1,"readings":[]}') is None
    assert last_reading_at(b"") is None


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        (None, None, None),
        ("120", None, 120),
        (" 0 ", None, 0),
        ("-5", None, None),
        ("soon", "Wed, 25 Nov 2026 17:00:00 GMT", None),
        ("²", None, None),
        ("Wed, 25 Nov 2026 17:01:30 GMT", "Wed, 25 Nov 2026 17:00:00 GMT", 90),
        ("Wed, 25 Nov 2026 16:00:00 GMT", "Wed, 25 Nov 2026 17:00:00 GMT", 0),
        ("Wed, 25 Nov 2026 17:01:30 GMT", None, None),
    ],
)
def test_retry_after_in_both_of_its_forms(value: str | None, date: str | None, seconds: float | None) -> None:
    """RFC 9110 has seconds and dates; nonsense is as if nothing were said."""
    assert retry_after(value, date) == seconds


def test_a_platform_cannot_silence_a_gateway_for_years(tmp_path: Path) -> None:
    """What it asks for is kept up to ten minutes; where it asks for nothing, the delay of a resend is."""
    settings = UplinkSettings(resend=ResendSettings(first_s=8.0, most_s=8.0))
    with ThreadPoolExecutor(1) as thread:
        spool = Spool("gw-busy", SpoolFile(tmp_path / "spool.sqlite3", SpoolSettings()), DataClock(), thread)
        outgoing = Outgoing(spool, settings, DataClock())
        assert outgoing.busy_until(5.0, 100.0) == 105
        assert outgoing.busy_until(1e9, 100.0) == 100 + MOST_WAIT_S == 700
        assert 108 <= outgoing.busy_until(None, 100.0) <= 112


class File(msgspec.Struct):
    """A file with platforms."""

    platforms: tuple[Platform, ...]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ('kind = "http"', "unknown value 'http', did you mean 'https'"),
        ('kind = "https"', "missing key"),
        ('kind = "https"\nurl = "ftp://a"', "https://HOST[:PORT][/PATH] expected"),
        ('kind = "https"\nurl = "https://"', "https://HOST[:PORT][/PATH] expected"),
        ('kind = "https"\nurl = "https://a..b/"', "https://HOST[:PORT][/PATH] expected"),
        ('kind = "https"\nurl = "https://a b/"', "https://HOST[:PORT][/PATH] expected"),
        ('kind = "https"\nurl = "https://a:0"', "https://HOST[:PORT][/PATH] expected"),
        ('kind = "https"\nurl = "https://a:99999"', "Port out of range"),
        ('kind = "https"\nurl = "https://a/?b=c"', "no query"),
        ('kind = "https"\nurl = "https://me:secret@a"', "no password belong here"),
        ('kind = "https"\nurl = "http://example.org"', "needs allow_plain = true"),
        ('kind = "https"\nurl = "http://127.0.0.1:8080"\n[platforms.tls]', "tls belongs to https:// only"),
        ('kind = "mqtt"\nurl = "https://a"', "unknown key"),
    ],
)
def test_an_address_that_cannot_work_is_a_fault_of_the_file(lines: str, fault: str) -> None:
    """With its place; a plain line to another machine must be wanted."""
    with pytest.raises(ConfigError) as caught:
        decode_toml(f"[[platforms]]\n{lines}\n", File, "f")
    assert fault in str(caught.value)


def test_both_kinds_of_addresses_are_read_in_their_order() -> None:
    """The first is the preferred one; each has a label without a secret."""
    text = """
[[platforms]]
kind = "mqtt"
host = "broker.example.org"
[platforms.tls]
[[platforms]]
kind = "https"
url = "https://push.example.org/energy"
token_file = "token"
[[platforms]]
kind = "https"
url = "http://[::1]:80"
[[platforms]]
kind = "https"
url = "http://10.0.0.1"
allow_plain = true
"""
    first, second, *_ = decode_toml(text, File, "f").platforms
    assert isinstance(first, MqttPlatform)
    assert isinstance(second, HttpsPlatform)
    assert second.token_file == Path("token")
    assert (first.label, second.label) == ("mqtts://broker.example.org:1883", "https://push.example.org/energy")
