"""Whatever bytes a gateway sends, by MQTT or HTTP: readings, or refusals with a code; never a crash, never much memory.

Each message goes the whole way to the edge of the database, and its answer the whole way back. What is understood is
compared with what another decoder, that of the standard library, makes of the same bytes. The number of cases follows
the hypothesis profile; the loop marked long makes a million by mutation.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import tracemalloc
from collections import Counter
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import WireError
from energy.storage import StorageSettings
from energy.wire import MAX_ENVELOPE_BYTES, Address, RefusalCode
from ingest import metrics
from ingest.following.status import StatusFollower
from ingest.receiving.envelopes import from_topic
from tests.support.envelope_mutants import Writer
from tests.support.envelope_platform import CLOCK, CODES, HttpPlatform, Platform, follow
from tests.support.ingest_world import CARRIER, GATEWAY, OTHER_GATEWAY, STREAM
from tests.support.memory import blocks, resident

TOPICS = (
    *[GATEWAY.up] * 12, *[OTHER_GATEWAY.up] * 3, Address("610303", "gw-x").up,
    "", "\0", GATEWAY.ack, GATEWAY.status, "qw/2/610303/gw-a/up", "qw/1/610303/GW/up", "qw/1/610303/gw-a/up/",
    "点" * 99,
)  # fmt: skip
COMPRESS: dict[str, Any] = {"identity": bytes, "gzip": lambda body: gzip.compress(body, 1), "zstd": zstd.compress}


class Fuzz:
    """Everything that takes messages, and what came of them.

    Args:
        chance: what decides.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.platform = Platform()
        self.http = HttpPlatform(self.platform)
        self.follower = StatusFollower(StorageSettings("postgresql://nobody@127.0.0.1/none"), CLOCK)

    async def cases(self, count: int) -> None:
        """So many mutated messages: of twenty, sixteen come by MQTT together, two by HTTP, and two are statuses."""
        for _ in range(count // 20):
            bodies = [Writer(self.chance).envelope() for _ in range(18)]
            self.platform.take([
                from_topic(CARRIER, None, self.chance.choice(TOPICS), body) for body in bodies[:16]
            ])  # fmt: skip
            for body in bodies[16:]:
                await self.push(body)
            for _ in range(2):
                follow(self.follower, self.chance.choice(STATUS_TOPICS), Writer(self.chance).status())

    async def push(self, body: bytes) -> None:
        """By HTTP, in some encoding, perhaps damaged, cut anyhow."""
        encoding = self.chance.choice(("identity", "gzip", "zstd"))
        sent = COMPRESS[encoding](body)
        if sent and self.chance.random() < 0.2:
            at = self.chance.randrange(len(sent))
            sent = sent[:at] + self.chance.randbytes(self.chance.randrange(3)) + sent[at + self.chance.randrange(3) :]
        cut = self.chance.randrange(len(sent) + 1)
        await self.http.push(encoding, [sent[:cut], sent[cut:]], whole=self.chance.random() < 0.5)


STATUS_TOPICS = (*[GATEWAY.status] * 8, OTHER_GATEWAY.status, "qw/1/610303/GW/status", "/status")


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The codes of the statuses that cannot be read, instead of a line in the log for each."""
    codes: Counter[str] = Counter()

    def count(_: str, error: WireError) -> None:
        codes[RefusalCode(error.code)] += 1

    monkeypatch.setattr(metrics, "status_unreadable", count)
    return codes


def mutant(seed: int) -> bytes:
    """The envelope of a seed."""
    return Writer(random.Random(seed)).envelope()  # noqa: S311 - repeatable, no secret


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["v", "stream", "seq", "readings"]) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
bodies = st.one_of(
    st.binary(max_size=80), st.integers(0, 2**32).map(mutant), documents.map(lambda made: json.dumps(made).encode())
)


@given(st.lists(st.tuples(st.sampled_from(TOPICS), bodies), max_size=12))
def test_any_bytes_give_readings_or_refusals(messages: list[tuple[str, bytes]]) -> None:
    """Those of hypothesis, which shrinks what fails."""
    Platform().take([from_topic(CARRIER, None, topic, body) for topic, body in messages])


@given(st.lists(st.tuples(st.sampled_from(sorted(COMPRESS)), bodies, st.booleans(), st.booleans()), max_size=6))
def test_any_request_is_answered(requests: list[tuple[str, bytes, bool, bool]]) -> None:
    """With an acknowledgement, whether the body is compressed as it says or not."""

    async def push_all() -> None:
        http = HttpPlatform(Platform())
        for encoding, body, compressed, whole in requests:
            await http.push(encoding, [COMPRESS[encoding](body) if compressed else body], whole=whole)

    asyncio.run(push_all())


def fuzz(seed: int, cases: int) -> Fuzz:
    """So many mutated messages."""
    made = Fuzz(random.Random(seed))  # noqa: S311 - repeatable, no secret
    asyncio.run(made.cases(cases))
    return made


def test_some_mutated_messages(unreadable: Counter[str]) -> None:
    """A good part is understood, so that the faults come deep: every code but that of the database is met."""
    made = fuzz(1, 5_000)
    assert made.platform.accepted > 1_500
    assert made.platform.codes.keys() >= CODES - {RefusalCode.STORAGE_REFUSED, RefusalCode.TOO_LARGE}
    assert made.http.statuses.keys() >= {200, 400, 422}
    assert unreadable.keys() >= {RefusalCode.MALFORMED, RefusalCode.UNSUPPORTED_VERSION}
    assert made.follower._pending


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_million_mutated_messages(unreadable: Counter[str]) -> None:
    """The same, a million times; memory is what it was, and every code that we give was given."""
    codes = fuzz(2, 50_000).platform.codes  # loads what is loaded once
    before, taken = blocks(), resident()
    for seed in range(10):
        made = fuzz(1_000 + seed, 100_000)
        assert made.platform.accepted > 30_000
        codes += made.platform.codes
        del made
    assert codes.keys() == CODES - {RefusalCode.STORAGE_REFUSED}
    assert blocks() - before < 20_000
    assert resident() - taken < 100_000_000
    assert unreadable.keys() == {RefusalCode.MALFORMED, RefusalCode.UNSUPPORTED_VERSION}


FRONT = f'{{"v":1,"stream":"{STREAM}","seq":5,"readings":'.encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * MAX_ENVELOPE_BYTES, id="arrays in arrays"),
        pytest.param(b'{"a":' * (MAX_ENVELOPE_BYTES // 5), id="objects in objects"),
        pytest.param(FRONT + b"[" + b"[]," * 87_000, id="readings that are empty"),
        pytest.param(FRONT + b'[["A-1",1,1],' + b'["",1,1],' * 29_000 + b'["",1,1]]}', id="too many readings"),
        pytest.param(FRONT + b'[["A-1",1,1]]' + b',"a":{}' * 37_000 + b"}", id="members that nobody knows"),
        pytest.param(FRONT + b'[["' + b"\\u0001" * 43_000 + b'",1,1]]}', id="a name without an end"),
        pytest.param(FRONT + b'[["A-1",' + b"9" * 260_000 + b",1]]}", id="a time without an end"),
        pytest.param(FRONT + b'[["A-1",1,0.' + b"3" * 260_000 + b"]]}", id="a value without an end"),
        pytest.param(b"\0" * MAX_ENVELOPE_BYTES, id="nothing"),
    ],
)
async def test_a_message_takes_memory_in_proportion_to_its_size(body: bytes) -> None:
    """The largest that is looked at, full of what costs most, and by HTTP compressed."""
    platform = Platform()
    http = HttpPlatform(platform)
    tracemalloc.start()
    platform.take([from_topic(CARRIER, None, GATEWAY.up, body)])
    for encoding, compress in COMPRESS.items():
        await http.push(encoding, [compress(body)], whole=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * MAX_ENVELOPE_BYTES  # what the second decoder makes of it counts too


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_bomb_takes_no_more_than_what_is_looked_at(encoding: str) -> None:
    """A gigabyte of nothing in a megabyte, or less."""
    bomb = COMPRESS[encoding](bytes(1 << 26))
    http = HttpPlatform(Platform())
    tracemalloc.start()
    await http.push(encoding, [bomb], whole=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert http.statuses == {413: 1}
    assert peak < 8 * MAX_ENVELOPE_BYTES
