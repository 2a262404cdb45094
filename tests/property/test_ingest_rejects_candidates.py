"""What is kept of whatever a sender writes, and what it becomes when it is tried again."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from energy.readings import Reading
from ingest.rejects.candidates import Candidate, Taken, candidate
from ingest.rejects.keep import storable

TEXTS = st.lists(st.text(max_size=5) | st.sampled_from(["\0", "\ud800", "\udfff"]), max_size=10).map("".join)
"""Half surrogate pairs and NUL among them, more often than by chance."""
READINGS = st.builds(
    Reading,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.integers(),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
)


@given(TEXTS, st.integers(0, 50))
def test_any_text_can_be_stored(text: str, most: int) -> None:
    """PostgreSQL takes UTF-8 without NUL; what is that already is not changed, only cut."""
    kept = storable(text, most)
    assert len(kept) <= most
    assert b"\0" not in kept.encode()
    if all(character != "\0" and not 0xD800 <= ord(character) < 0xE000 for character in text):
        assert kept == text[:most]


@given(READINGS)
def test_a_refused_reading_is_tried_again_as_it_was(reading: Reading) -> None:
    """Whatever time, value and quality it has: what is kept as JSON is the same reading."""
    taken = Taken(1, "mqtt", "gw-a", "qw/1/610303/gw-a/up", 0, msgspec.json.encode(reading))
    found = candidate(taken)
    assert isinstance(found, Candidate)
    assert list(found.delivery.readings) == [reading]
    assert not found.whole


@given(
    st.sampled_from(["mqtt", "http", "sparkplug", "csv", "replay"]),
    st.none() | st.just("gw-a"),
    TEXTS,
    st.none() | st.integers(0, 999),
    st.binary(max_size=60),
)
def test_nothing_that_is_kept_breaks_a_replay(
    carrier: str, gateway: str | None, source: str, index: int | None, payload: bytes
) -> None:
    """It can be tried, or it is said why not; it names no envelope, since that is accounted for."""
    found = candidate(Taken(1, carrier, gateway, source, index, payload))
    if isinstance(found, Candidate):
        assert (found.delivery.stream, found.delivery.seq) == (None, None)
        assert found.delivery.readings or found.delivery.refusal
    else:
        assert found
