"""From a Modbus answer to readings."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest

from collector.drivers.line import Answer
from collector.drivers.meters import sent_values
from collector.drivers.modbus.exchange import ModbusExchange, exchanges
from collector.drivers.modbus.settings import ModbusMeter
from collector.errors import PlanError, RatioError
from collector.planning.limits import Limits, limits_of
from collector.profiles import DISPLAY, Confidence, CtPt, Profile, Register
from collector.registers import DataType, WordOrder
from energy.errors import UnitError
from energy.readings import Quality, Reading


def register(name: str, address: int, type_: DataType, **others: Any) -> Register:
    """A register of a made-up meter; kWh unless told otherwise."""
    others = {"quantity": "energy", "unit": "kWh", "function_code": 3, **others}
    return Register(name=name, address=address, type=type_, confidence=Confidence.INVENTED, **others)


PROFILE = Profile(
    maker="none",
    model="none",
    carrier="electricity",
    counter="total",
    source="made up",
    max_hole=4,
    registers=(
        register("total", 0, DataType.U32, scale=0.01, ct_pt=CtPt.CT_PT, not_available=(0xFFFF_FFFF,)),
        register("power", 2, DataType.F32, unit="kW", order=WordOrder.CDAB),
        register("digits", 4, DataType.BCD32),
        register("far", 100, DataType.I16),
        register("input", 4, DataType.U16, function_code=4),
        register("switch", 7, DataType.BIT, function_code=1, unit="1"),
        register("display", 110, DataType.U16, unit=DISPLAY),
        register("maker", 200, DataType.STRING, words=4, unit="1"),
    ),
)


LIMITS = limits_of(PROFILE)


def made(points: dict[str, str], limits: Limits = LIMITS, **others: Any) -> tuple[ModbusExchange, ...]:
    """The exchanges of the made-up meter."""
    meter = ModbusMeter(unit_id=1, profile="none", points=points, **{"ct": 200.0, "pt": 10.0, **others})
    return exchanges(PROFILE, sent_values(meter, PROFILE), limits)


def test_one_read_brings_what_lies_together() -> None:
    """Each value goes to its point, in base units, with its ratios and the answer's time."""
    (exchange,) = made({"power": "P", "total": "E"})
    assert (exchange.request.function_code, exchange.request.address, exchange.request.count) == (3, 0, 4)
    assert exchange.points == ("E", "P")
    low, high = struct.unpack(">HH", struct.pack(">f", 1.5))
    outcome = exchange.take(Answer(struct.pack(">IHH", 12_345, high, low), 7_000))
    assert outcome.readings == [
        Reading("E", 7_000, 246_900.0, Quality.MEASURED),
        Reading("P", 7_000, 1_500.0, Quality.MEASURED),
    ]
    assert not outcome.faults


def test_what_is_not_wanted_is_not_read() -> None:
    """The plan has the wanted values alone; each function code has reads of its own."""
    requests = [
        (each.request.function_code, each.request.address, each.request.count, each.points)
        for each in made({"far": "F", "total": "E", "input": "I"})
    ]
    assert requests == [(3, 0, 2, ("E",)), (3, 100, 1, ("F",)), (4, 4, 1, ("I",))]


def test_no_value_is_a_quality() -> None:
    """Markers and NaN say that the device has none."""
    (exchange,) = made({"power": "P", "total": "E"})
    low, high = struct.unpack(">HH", struct.pack(">f", math.nan))
    outcome = exchange.take(Answer(struct.pack(">IHH", 0xFFFF_FFFF, high, low), 1))
    assert [(reading.value, reading.quality) for reading in outcome.readings] == [(None, Quality.NOT_AVAILABLE)] * 2


def test_a_bad_value_costs_no_other() -> None:
    """The fault names the value."""
    (exchange,) = made({"total": "E", "digits": "D"})
    outcome = exchange.take(Answer(struct.pack(">IIBBBB", 100, 0, 0x12, 0x34, 0x5A, 0x00), 1))
    assert [reading.point for reading in outcome.readings] == ["E"]
    (fault,) = outcome.faults
    assert str(fault).startswith("digits: 12345a00")


def test_coils_are_readings_too() -> None:
    """Zero or one."""
    (exchange,) = made({"switch": "S"})
    assert (exchange.request.function_code, exchange.request.address, exchange.request.count) == (1, 7, 1)
    assert exchange.take(Answer(b"\x01", 1)).readings == [Reading("S", 1, 1.0)]


def test_an_answer_that_is_too_short_is_a_fault() -> None:
    """A line gives none; whoever hands one over is told."""
    (exchange,) = made({"total": "E"})
    outcome = exchange.take(Answer(b"\0\0", 1))
    assert not outcome.readings
    assert len(outcome.faults) == 1


def test_the_unit_of_the_menu_is_the_counters_alone() -> None:
    """A counter set to MWh leaves the power in kW, which is kept in W."""
    (exchange,) = made({"power": "P", "total": "E"}, ct=1.0, pt=1.0, unit="MWh")
    outcome = exchange.take(Answer(struct.pack(">IHH", 100, 0, 0x3F80), 1))
    assert [reading.value for reading in outcome.readings] == [1_000.0, 1_000.0]


@pytest.mark.parametrize(
    ("points", "others", "error"),
    [
        ({"none": "N"}, {}, KeyError),
        ({"total": "E"}, {"ct": None}, RatioError),
        ({"total": "E"}, {"unit": "m3"}, UnitError),
        ({"maker": "M"}, {}, UnitError),
        ({"display": "D"}, {}, UnitError),
        ({"total": "E"}, {"limits": Limits(max_words=1)}, PlanError),
    ],
    ids=["no such value", "no ratio", "wrong unit", "text", "unit of the menu", "no legal read"],
)
def test_what_can_never_work_is_refused(points: dict[str, str], others: dict[str, Any], error: type[Exception]) -> None:
    """When the meter is set up, not when it is read."""
    with pytest.raises(error):
        made(points, **others)
