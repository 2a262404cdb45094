"""Checking columns says of each reading what a plain look at it alone says."""

from __future__ import annotations

import itertools
import math

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from energy.readings import Quality, Reading
from energy.registry.store import PointKey
from energy.wire import Address, RefusalCode
from ingest.checking.code_index import CodeKeys, as_bytes
from ingest.checking.points import PointTable, TableBuilder
from ingest.receiving.carrier import Delivery
from tests.support.ingest_world import BOUNDS, START_MS, batch_of, message

POINTS = {
    "A-free": PointKey(11, 5, "gw-a"),
    "A-low": PointKey(12, 5, "gw-a", low=0.0),
    "A-high": PointKey(13, 5, "gw-a", high=100.0, max_rate=3.0),
    "A-both": PointKey(14, 5, "gw-a", low=-1.0, high=1.0),
    "B-free": PointKey(21, 9, "gw-b"),
    "B-both": PointKey(22, 9, "gw-b", low=-1.0, high=1.0),
}
LATE = {code: POINTS[code] for code in ("A-both", "B-free")}
SENDERS = [Address("610303", gateway) for gateway in ("gw-a", "gw-b", "gw-unknown")]

edges = [BOUNDS.earliest - 1, BOUNDS.earliest, START_MS, BOUNDS.latest, BOUNDS.latest + 1, -1, 10**30, -(10**30)]
borders = [-1.0, math.nextafter(-1.0, -math.inf), 0.0, -0.0, 5e-324, -5e-324, 1.0, math.nextafter(1.0, math.inf)]
codes = [*POINTS, "X-1", "A-fre", "A-free ", "A-free\0", ""]
odd = [None, 100.0, 100.1, math.nan, math.inf, -math.inf]
qualities = [0, 1, 2, 3, 4, -1, 255, 256, 10**30]
readings = st.builds(
    Reading,
    st.sampled_from(codes),
    st.sampled_from(edges),
    st.one_of(st.sampled_from([*borders, *odd]), st.floats()),
    st.sampled_from(qualities),
)
deliveries = st.lists(st.tuples(st.sampled_from(SENDERS), st.lists(readings, min_size=1, max_size=20)), max_size=4)


def bounded_table() -> PointTable:
    """Some of the points read with the registry, the others found one by one."""
    read = {code: key for code, key in POINTS.items() if code not in LATE}
    builder = TableBuilder(CodeKeys.drawn(), len(read))
    for code, key in read.items():
        bounds = np.array([[key.low, key.high, key.max_rate]], np.float64)
        builder.add(as_bytes([code]), np.array([key.point_id], np.int32), np.array([key.gateway_id], np.int32), bounds)
    return builder.table({"gw-a": 5, "gw-b": 9}, version=1).having(LATE)


TABLE = bounded_table()


def verdict(reading: Reading, sender: Address) -> RefusalCode | None:  # noqa: PLR0911 - one line a rule of the contract
    """The contract, rule by rule in its order of precedence."""
    point = POINTS.get(reading.point)
    if point is None:
        return RefusalCode.UNKNOWN_POINT
    if point.gateway != sender.gateway:
        return RefusalCode.NOT_OWNER
    if reading.quality not in list(Quality):
        return RefusalCode.UNKNOWN_QUALITY
    missing = reading.value is None or math.isnan(reading.value)
    if missing != (reading.quality == Quality.NOT_AVAILABLE):
        return RefusalCode.NOT_FINITE
    if reading.value is not None and math.isinf(reading.value):
        return RefusalCode.NOT_FINITE
    if reading.at > BOUNDS.latest:
        return RefusalCode.FUTURE
    if reading.at < BOUNDS.earliest:
        return RefusalCode.TOO_OLD
    if reading.value is not None and not missing and outside(reading.value, point):
        return RefusalCode.OUT_OF_RANGE
    return None


def outside(value: float, point: PointKey) -> bool:
    """Whether a value is beyond a bound that there is."""
    return (point.low is not None and value < point.low) or (point.high is not None and value > point.high)


def delivered(sender: Address, sent: list[Reading]) -> Delivery:
    """A delivery with these very readings, of which JSON could not carry all."""
    return msgspec.structs.replace(message([Reading("A", 1, 1.0)], sender=sender), readings=sent)


@given(deliveries)
def test_each_verdict_is_that_of_the_reading_alone(sent: list[tuple[Address, list[Reading]]]) -> None:
    """Whatever else is in the batch; every refusal has the code that comes first, and names its own reading."""
    agrees(sent)


def test_every_border_from_every_sender() -> None:
    """All combinations of points, times, values and qualities at and beside their bounds, in one batch."""
    combinations = itertools.product(codes, edges, [*borders, *odd], qualities)
    agrees([(sender, list(itertools.starmap(Reading, combinations))) for sender in SENDERS[:1]])
    few = itertools.product(codes, [START_MS, BOUNDS.latest + 1], [0.0, 2.0, None], [0, 3, 4])
    every = list(itertools.starmap(Reading, few))
    agrees([(sender, every) for sender in SENDERS])


def agrees(sent: list[tuple[Address, list[Reading]]]) -> None:
    """Compare a batch with its readings one by one."""
    batch = batch_of(*(delivered(sender, part) for sender, part in sent), table=TABLE)
    found = {(reject.delivery, reject.refusal.index): reject.refusal.code for reject in batch.rejects}
    expected = {
        (number, index): code
        for number, (sender, part) in enumerate(sent)
        for index, reading in enumerate(part)
        if (code := verdict(reading, sender)) is not None
    }
    assert found == expected
    rates = batch.max_rates()
    accepted = [reading for sender, part in sent for reading in part if verdict(reading, sender) is None]
    assert len(batch.accepted) == len(accepted)
    for reading, row in zip(accepted, batch.row_of.tolist(), strict=True):
        key = POINTS[reading.point]
        assert (batch.rows.point[row], batch.rows.at[row]) == (key.point_id, reading.at)
        assert rates[row] == (key.max_rate or math.inf)
    assert batch.unknown_codes() == {r.point for _, part in sent for r in part if r.point not in POINTS}


def test_a_value_out_of_range_is_told_with_the_range() -> None:
    """The sender's operator needs both numbers."""
    (reject,) = batch_of(message([Reading("A-both", START_MS, 1.5)]), table=TABLE).rejects
    assert reject.refusal.detail == "value 1.5 is outside the point's range, -1.0 to 1.0"
