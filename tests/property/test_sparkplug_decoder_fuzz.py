"""Whatever bytes an edge node sends: readings, or faults of a closed list; never another error, never much memory."""

from __future__ import annotations

import base64
import json
import math
import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import MessageError
from energy.readings import Quality
from energy.sparkplug.edge_nodes import EdgeNode
from energy.sparkplug.payload import MOST_BYTES, MOST_METRICS, decode
from energy.sparkplug.topics import Kind
from energy.wire import Address
from ingest.receiving.sparkplug.mapping import MappedNode, Target, understand
from ingest.receiving.sparkplug.ordering import MOST_HELD, Arrived, Ordering
from tests.support.memory import blocks
from tests.support.sparkplug_encoder import DATA

REASONS = {"payload", "size", "type", "range", "unborn", "alias", "repeated", "old_birth", "old_death"}
"""Every reason for which something is not understood; `retained` is seen before."""
STORED = json.loads((DATA / "payloads.json").read_text(encoding="utf-8"))["payloads"]
SESSIONS = json.loads((DATA / "sessions.json").read_text(encoding="utf-8"))
BODIES = [base64.b64decode(one["bytes"]) for one in [*STORED, *(m for s in SESSIONS.values() for m in s["messages"])]]
KINDS = list(Kind)
DEVICES = ("", "D", "unmapped")
NAMES = [one.name for body in BODIES for one in decode(body).metrics if one.name]
MAPPED = MappedNode(
    Address("610303", "gw-a"),
    {(device, name): Target(f"P-{device}-{at}", 1e300) for device in ("", "D") for at, name in enumerate(NAMES)},
    frozenset({"D"}),
)


class Consumer:
    """What the host does with the messages of one edge node, less the network."""

    def __init__(self) -> None:
        self.ordering = Ordering(EdgeNode(), 2.0)
        self.now = 0.0
        self.readings = 0
        self.reasons: set[str] = set()

    def take(self, kind: Kind, device: str, body: bytes) -> None:
        """One message, whatever it is."""
        self.now += 0.1
        try:
            payload = decode(body)
        except MessageError as error:
            self.reasons.add(error.reason)
            return
        told = self.ordering.take(Arrived(kind, device, payload, body, device != "unmapped"), self.now)
        for one in [*told, *self.ordering.expire(self.now)]:
            understood = understand(MAPPED, one.heard)
            self.reasons.update(error.reason for error in (*one.heard.faults, *understood.faults))
            self.readings += len(understood.readings)
            for reading in understood.readings:
                if reading.value is None:
                    assert reading.quality == Quality.NOT_AVAILABLE
                else:
                    assert math.isfinite(reading.value)
                    assert reading.quality in (Quality.MEASURED, Quality.UNCERTAIN)
        self.ordering.node.rebirth_due(self.now)
        assert len(self.ordering._held) <= MOST_HELD
        assert self.reasons <= REASONS


def mutated(chance: random.Random, body: bytes) -> bytes:
    """A body with some bytes changed, lost, doubled, moved, or taken from another one."""
    made = bytearray(body)
    for _ in range(chance.randrange(4)):
        at, length = chance.randrange(len(made) + 1), chance.randrange(1, 9)
        match chance.randrange(5):
            case 0 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(made):
                made[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                del made[at : at + length]
            case 3:
                made[at:at] = chance.randbytes(length)
            case _:
                other = chance.choice(BODIES)
                start = chance.randrange(len(other))
                made[at : at + length] = other[start : start + chance.randrange(64)]
    return bytes(made)


def fuzz(seed: int, cases: int) -> Consumer:
    """So many mutated messages, in sessions of a hundred."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    readings, reasons = 0, set[str]()
    consumer = Consumer()
    for case in range(cases):
        if case % 100 == 0:
            readings += consumer.readings
            reasons |= consumer.reasons
            consumer = Consumer()
        kind = chance.choice(KINDS)
        device = "" if kind.is_of_node else chance.choice(DEVICES[1:])
        consumer.take(kind, device, mutated(chance, chance.choice(BODIES)))
    consumer.readings += readings
    consumer.reasons |= reasons
    return consumer


@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS),
            st.sampled_from(DEVICES),
            st.one_of(
                st.binary(max_size=64),
                st.tuples(st.integers(0, 2**32), st.sampled_from(BODIES)).map(
                    lambda drawn: mutated(random.Random(drawn[0]), drawn[1])  # noqa: S311 - repeatable, no secret
                ),
            ),
        ),
        max_size=12,
    )
)
def test_any_bytes_give_readings_or_faults(messages: list[tuple[Kind, str, bytes]]) -> None:
    """Those of hypothesis, which shrinks what fails."""
    consumer = Consumer()
    for kind, device, body in messages:
        consumer.take(kind, device, body)


def test_some_mutated_messages() -> None:
    """Real payloads with faults: a good part is understood, so that the faults come deep."""
    consumer = fuzz(1, 5_000)
    assert consumer.readings > 1_000
    assert consumer.reasons >= {"payload", "type", "unborn", "alias"}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_million_mutated_messages() -> None:
    """The same, a million times, and all that is held in the end is small."""
    fuzz(2, 1_000)  # loads what is loaded once
    before = blocks()
    for seed in range(10):
        consumer = fuzz(1_000 + seed, 100_000)
        assert consumer.readings > 20_000
        del consumer
    assert blocks() - before < 20_000


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x12\x00" * MOST_METRICS, id="empty metrics"),
        pytest.param(b"\x12\x00" * (MOST_BYTES // 2), id="too many empty metrics"),
        pytest.param(b"\x12\x02\x10\x01" * MOST_METRICS, id="metrics with an alias"),
        pytest.param(b"\x12\x04\x4a\x02\x0a\x00" * MOST_METRICS, id="property sets"),
        pytest.param(b"\x13" * MOST_BYTES, id="groups in groups"),
        pytest.param(b"\x0a\xff\xff\xff\x7f", id="a length beyond the end"),
        pytest.param(b"\x18" + b"\xff" * 10, id="a number without an end"),
    ],
)
def test_a_message_takes_memory_in_proportion_to_its_size(body: bytes) -> None:
    """The largest that is looked at, full of the smallest that there is."""
    consumer = Consumer()
    tracemalloc.start()
    consumer.take(Kind.NODE_BIRTH, "", body)
    consumer.take(Kind.NODE_DATA, "", body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * MOST_BYTES
