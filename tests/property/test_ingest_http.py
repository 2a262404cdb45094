"""The pure parts of HTTP push: depth, decompression and rates, whatever comes."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import WireError
from ingest.receiving.http.buckets import BURST_S, Buckets
from ingest.receiving.http.decompression import PIECE_BYTES, inflater
from ingest.receiving.http.depth import nested_beyond

texts = st.text(st.sampled_from('[]{}"\\,:a\n é'), max_size=8) | st.sampled_from(['"]"', '"["'])
documents = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=20,
)


def depth_of(value: Any) -> int:
    """The plain way to tell."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(documents, st.integers(0, 8), st.booleans())
def test_depth_is_told_without_parsing(document: Any, most: int, plain: bool) -> None:  # noqa: FBT001 - hypothesis passes it
    """Brackets within strings do not count, whatever is escaped."""
    body = json.dumps(document, ensure_ascii=plain).encode()
    assert nested_beyond(body, most) == (depth_of(document) > most)


@given(st.text(st.sampled_from('[]{}"\\a'), max_size=60).map(str.encode) | st.binary(max_size=60), st.integers(1, 8))
def test_what_is_no_json_has_a_depth_too(body: bytes, most: int) -> None:
    """No error, and what has few enough opening brackets is never too deep."""
    deep = nested_beyond(body, most)
    assert not deep or body.count(b"[") + body.count(b"{") > most


@given(st.lists(st.sampled_from([b"{", b'["x",']), max_size=50), st.integers(0, 60))
def test_a_text_that_ends_too_early_is_deep_only_if_it_is(opened: list[bytes], most: int) -> None:
    """So that its sender is told the true fault."""
    assert nested_beyond(b"[[]],".join(opened), most) == (
        len(opened) > most or (len(opened) > 1 and len(opened) + 1 > most)
    )


def inflated(encoding: str, body: bytes, cuts: list[int]) -> list[bytes]:
    """What `body`, cut into pieces, becomes."""
    stream, borders = inflater(encoding), sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    pieces: list[bytes] = []
    for start, end in itertools.pairwise(borders):
        pieces += stream.feed(body[start:end])
    stream.finish()
    return pieces


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"identity": bytes, "gzip": gzip.compress, "zstd": zstd.compress}
contents = st.binary(max_size=300) | st.integers(0, 400_000).map(bytes)


@given(contents, st.sampled_from(sorted(COMPRESS)), st.lists(st.integers(0, 2_000), max_size=6))
def test_however_it_is_cut_the_whole_comes_out(content: bytes, encoding: str, cuts: list[int]) -> None:
    """In pieces of bounded size where it is compressed."""
    pieces = inflated(encoding, COMPRESS[encoding](content), cuts)
    assert b"".join(pieces) == content
    assert encoding == "identity" or max(map(len, pieces), default=0) <= PIECE_BYTES


@given(
    st.binary(max_size=200), st.sampled_from(["gzip", "zstd"]), st.integers(1, 30), st.binary(min_size=1, max_size=9)
)
def test_what_is_cut_off_or_followed_by_more_is_refused(content: bytes, encoding: str, cut: int, more: bytes) -> None:
    """Only a whole stream, and nothing but it, is what its header says."""
    whole = COMPRESS[encoding](content)
    for body in (whole[: -min(cut, len(whole))], whole + more):
        with pytest.raises(WireError):
            inflated(encoding, body, [len(whole)])


@given(st.binary(max_size=400), st.sampled_from(["gzip", "zstd"]))
def test_no_bytes_break_a_decompressor(body: bytes, encoding: str) -> None:
    """Nor those that begin well."""
    for start in (b"", COMPRESS[encoding](b"x" * 50)[:20]):
        try:
            pieces = inflated(encoding, start + body, [3, 40])
        except WireError:
            continue
        assert all(pieces)


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=60), st.floats(0.5, 50))
def test_nobody_gets_more_than_his_rate(asked: list[tuple[float, int]], rate: float) -> None:
    """Over any time no more than the rate, five seconds' worth, and the one take that went beyond it."""
    buckets, now, taken, most = Buckets(rate), 0.0, 0, 50
    for pause, amount in asked:
        now += pause
        wait = buckets.wait("one", now)
        if not wait:
            buckets.take("one", amount, now)
            taken += amount
        assert taken <= rate * (now + BURST_S) + most + 1e-6
        assert not buckets.wait("another", now)
        if wait:
            assert not buckets.wait("one", now + wait + 1e-9)


@given(st.lists(st.integers(0, 30), max_size=200))
def test_buckets_are_bounded(keys: list[int]) -> None:
    """The one that was just used is never the one that is forgotten."""
    buckets = Buckets(0.01, most=8)
    for key in keys:
        buckets.take(key, 1, 0.0)
        assert buckets.wait(key, 0.0) > 0
        assert len(buckets) <= 8
