"""What a DL/T 645 meter is asked, and what its answers mean."""

from __future__ import annotations

import pytest

from collector.drivers.dlt645.exchange import Dlt645Exchange, Dlt645Requests, exchanges
from collector.drivers.dlt645.frames import ReadData
from collector.drivers.dlt645.settings import Dlt645Meter
from collector.drivers.line import Answer
from collector.drivers.meters import sent_values
from collector.errors import RatioError
from collector.profiles import load_any_profile
from collector.profiles.dlt645 import Dlt645Profile
from collector.profiles.library import parse_profile
from energy.errors import ConfigError
from energy.readings import Quality, Reading

TARIFFS = {f"energy_import_t{number}": f"e{number}" for number in range(1, 5)}
# 1234.56, 100.00, 200.00, 300.00 and 634.56 kWh, the last digits first.
BLOCK = bytes.fromhex("56341200 00000100 00000200 00000300 56340600".replace(" ", ""))

PROFILE = """
protocol = "dlt645"
maker = "x"
model = "y"
carrier = "electricity"
counter = "total"
source = "z"
items = [
  { name = "total", quantity = "x", unit = "kWh", data_id = "00010000", length = 4, confidence = "found" },
ITEM
]
"""

AT_START = 'length = 4, block = "0001FF00"'
WITHIN = AT_START + ", block_at = 3"


def three_phase() -> Dlt645Profile:
    """The shipped profile of three-phase meters."""
    profile = load_any_profile("dlt645_2007_three_phase")
    assert isinstance(profile, Dlt645Profile)
    return profile


def ask(points: dict[str, str], *, ct: float | None = None, pt: float | None = None) -> list[Dlt645Exchange]:
    """The exchanges that bring the values to those points, by name."""
    meter = Dlt645Meter(profile="dlt645_2007_three_phase", address="000012345678", points=points, ct=ct, pt=pt)
    return exchanges(three_phase(), sent_values(meter, three_phase()))


def test_one_value_of_a_block_is_asked_for_alone() -> None:
    """The answer is shorter, and no meter can refuse it for want of blocks."""
    (exchange,) = ask({"energy_import_total": "e"}, ct=1, pt=1)
    assert exchange.request == ReadData("00010000", 4, 4)
    assert exchange.points == ["e"]
    assert str(exchange.request) == "data 00010000"


def test_total_and_tariffs_come_with_one_request() -> None:
    """Times CT x PT, as the meter shows the secondary side."""
    (exchange,) = ask({"energy_import_total": "e", **TARIFFS}, ct=200, pt=100)
    assert exchange.request.data_id == "0001FF00"
    outcome = exchange.take(Answer(BLOCK, 7))
    assert outcome.faults == []
    assert outcome.readings == [
        Reading("e", 7, 24_691_200.0),
        Reading("e1", 7, 2_000_000.0),
        Reading("e2", 7, 4_000_000.0),
        Reading("e3", 7, 6_000_000.0),
        Reading("e4", 7, 12_691_200.0),
    ]


def test_voltage_takes_pt_and_current_takes_ct() -> None:
    """And the power both, the power factor none."""
    points = {"voltage_l1": "u", "current_l1": "i", "power_active": "p", "power_factor": "f"}
    asked = ask(points, ct=200, pt=100)
    answers = {"02010100": "0023", "02020100": "505180", "02030000": "001500", "02060000": "9508"}
    readings = [
        reading
        for exchange in asked
        for reading in exchange.take(Answer(bytes.fromhex(answers[exchange.request.data_id]), 1)).readings
    ]
    assert {reading.point: reading.value for reading in readings} == {
        "u": 230.0 * 100,
        "i": -5.15 * 200,
        "p": 150.0 * 200 * 100,
        "f": 0.895,
    }


def test_a_value_that_the_meter_does_not_have_is_said_to_be_so() -> None:
    """FF in all digits means no value; the others of the block are not touched by it."""
    (exchange,) = ask({"energy_import_total": "e", **TARIFFS}, ct=1, pt=1)
    outcome = exchange.take(Answer(BLOCK[:16] + b"\xff\xff\xff\xff", 7))
    assert outcome.readings[-1] == Reading("e4", 7, None, Quality.NOT_AVAILABLE)
    assert outcome.readings[0].value == 1234.56
    assert outcome.faults == []


def test_digits_that_are_none_cost_one_value() -> None:
    """The other values of the answer are kept."""
    (exchange,) = ask({"energy_import_total": "e", **TARIFFS}, ct=1, pt=1)
    outcome = exchange.take(Answer(BLOCK[:4] + b"\x0a\x00\x00\x00" + BLOCK[8:], 7))
    assert [reading.point for reading in outcome.readings] == ["e", "e2", "e3", "e4"]
    assert [str(fault) for fault in outcome.faults] == ["energy_import_t1: 00 00 00 0A holds no decimal digits"]


def test_a_meter_of_two_tariffs_sends_a_short_block() -> None:
    """What it has is kept; what it does not have is a fault of its own."""
    (exchange,) = ask({"energy_import_total": "e", **TARIFFS}, ct=1, pt=1)
    assert exchange.request.least == 4
    outcome = exchange.take(Answer(BLOCK[:12], 7))
    assert [reading.point for reading in outcome.readings] == ["e", "e1", "e2"]
    assert "energy_import_t3: the meter's block 0001FF00 ends before it" in map(str, outcome.faults)


def test_a_refused_block_is_asked_for_item_by_item_from_then_on() -> None:
    """An old meter without blocks costs one refusal, not one at each poll."""
    asked = ask({"power_factor": "f", **TARIFFS, "frequency": "hz"}, ct=1, pt=1)
    requests = Dlt645Requests(asked)
    smaller = requests.replace(asked[1])
    assert [exchange.request.data_id for exchange in smaller] == ["00010100", "00010200", "00010300", "00010400"]
    assert [exchange.points for exchange in requests.exchanges] == [["f"], ["e1"], ["e2"], ["e3"], ["e4"], ["hz"]]
    assert requests.replace(smaller[0]) == []
    assert len(requests.exchanges) == 6


def test_what_only_a_block_brings_has_no_other_way() -> None:
    """Refused, it is gone: there is nothing smaller to ask for."""
    asked = ask({"energy_import_at_midnight": "m"}, ct=1, pt=1)
    requests = Dlt645Requests(asked)
    assert asked[0].request.data_id == "05060101"
    assert requests.replace(asked[0]) == []
    assert requests.exchanges == asked


def test_what_only_a_refused_block_brings_is_still_asked_for() -> None:
    """Its refusal is seen at each poll; the others of the block come one by one."""
    item = (
        'name = "b", quantity = "q", unit = "kWh", confidence = "found", length = 4, block = "0001FF00", block_at = 4'
    )
    text = PROFILE.replace('data_id = "00010000",', 'data_id = "00010000", block = "0001FF00",')
    profile = parse_profile(text.replace("ITEM", f"  {{ {item} }},"), "mine.toml")
    assert isinstance(profile, Dlt645Profile)
    meter = Dlt645Meter(profile="mine", address="000012345678", points={"total": "e", "b": "b"})
    (block,) = exchanges(profile, sent_values(meter, profile))
    smaller = block.apart()
    assert [(exchange.request.data_id, exchange.points) for exchange in smaller] == [
        ("00010000", ["e"]),
        ("0001FF00", ["b"]),
    ]
    assert smaller[1].apart() == []


def test_a_ratio_left_out_is_no_ratio_of_one() -> None:
    """A meter behind transformers would count too little by their ratios."""
    with pytest.raises(RatioError, match="give pt"):
        ask({"energy_import_total": "e"}, ct=200)


def test_the_counter_wraps_at_a_million_on_the_secondary_side() -> None:
    """Six digits before the point, in both profiles."""
    for name in ("dlt645_2007_three_phase", "dlt645_2007_single_phase"):
        counter = load_any_profile(name).counter_value
        assert counter.wrap == 1_000_000


@pytest.mark.parametrize(
    ("item", "place", "what"),
    [
        ('name = "b", length = 4', "items[1]", "give data_id, or the block"),
        ('name = "b", length = 4, data_id = "00020000", block_at = 4', "items[1]", "give block"),
        ('name = "b", length = 4, data_id = "20000"', "items[1].data_id", ""),
        ('name = "b", length = 9, data_id = "00020000"', "items[1].length", ""),
        ('name = "total", length = 4, data_id = "00020000"', "items[1].name", "a second value"),
        (
            f'name = "b", {AT_START} }}, {{ name = "c", quantity = "q", unit = "kWh", confidence = "found", {WITHIN}',
            "items[2].block_at",
            "its place in block 0001FF00 belongs to b already",
        ),
    ],
)
def test_a_contradiction_in_a_profile_is_named_with_its_place(item: str, place: str, what: str) -> None:
    """File, line and key, as for every profile."""
    text = PROFILE.replace("ITEM", f'  {{ quantity = "q", unit = "kWh", confidence = "found", {item} }},')
    with pytest.raises(ConfigError) as error:
        parse_profile(text, "mine.toml")
    (fault,) = error.value.faults
    assert (fault.source, fault.line, fault.path) == ("mine.toml", 10, place)
    assert what in fault.message
