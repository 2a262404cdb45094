"""Units of measure, carriers and the checks of a registry: what fits together, and what says so when it does not."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from energy.balance import Flow
from energy.carriers import Co2Rule, carrier, carriers, parse_carriers
from energy.data import DataFiles, shipped
from energy.errors import ConfigError, FactorError, RejectedError, UnitError
from energy.registry import PRODUCTION, Gateway, Meter, Point, Registry, Unit, check, faults
from energy.units import UNITS, canonical_unit, convert, unit_of_measure


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("1", "MWh", "kWh", "1000"),
        ("1", "kWh", "MJ", "3.6"),
        ("1", "GJ", "MJ", "1000"),
        ("2.5", "10^4 kWh", "MWh", "25"),
        ("1", "Nm3", "m3", "1.0732"),
        ("1", "10^4 Nm3", "m3", "10732"),
        ("1.0732", "m3", "Nm3", "1"),
        ("1234.5", "kg", "t", "1.2345"),
        ("29307.6", "kgce", "tce", "29.3076"),
        ("7", "tCO2", "kgCO2", "7000"),
        ("3", "Wh", "Wh", "3"),
        ("3.6", "MJ/h", "W", "1000"),
        ("0.036", "GJ/h", "kW", "10"),
        ("1", "MPa", "bar", "10"),
        ("1013.25", "mbar", "kPa", "101.325"),
        ("1", "Nm3/h", "m3/h", "1.0732"),
        ("2", "l/s", "m3/h", "7.2"),
        ("30", "l/min", "m3/h", "1.8"),
        ("1", "kg/s", "t/h", "3.6"),
        ("250", "l", "m3", "0.25"),
        ("1500", "varh", "kvarh", "1.5"),
        ("1", "MVAh", "kVAh", "1000"),
        ("50", "%", "1", "0.5"),
        ("1.5", "d", "h", "36"),
    ],
)
def test_conversions(value: str, source: str, target: str, expected: str) -> None:
    """Conversions are exact."""
    assert convert(Decimal(value), source, target) == Decimal(expected)


@pytest.mark.parametrize(
    ("source", "target"),
    [("kWh", "kgce"), ("t", "tce"), ("m3", "GJ"), ("kgCO2", "kg"), ("kW", "kWh"), ("VA", "W"), ("kvarh", "kWh")],
)
def test_a_conversion_that_needs_a_factor_is_refused(source: str, target: str) -> None:
    """Energy becomes coal by a dated factor, never by a unit conversion."""
    with pytest.raises(UnitError, match=f"{target} is "):
        convert(1, source, target)


@pytest.mark.parametrize("symbol", UNITS)
def test_each_unit_has_a_usual_one_of_its_dimension(symbol: str) -> None:
    """What no carrier decides is kept in one unit everywhere; the usual unit's usual one is itself."""
    usual = canonical_unit(symbol)
    assert unit_of_measure(usual).dimension is unit_of_measure(symbol).dimension
    assert canonical_unit(usual) == usual


def test_an_unknown_unit_of_measure_names_those_that_are_known() -> None:
    """The advice lists them."""
    with pytest.raises(UnitError, match="'furlong'") as caught:
        unit_of_measure("furlong")
    assert "kWh" in caught.value.advice


def test_every_carrier_of_the_project() -> None:
    """Those that the demo city meters, with their base units of measure."""
    units = {key: carriers()[key].unit for key in carriers()}
    assert (
        units
        | {
            "electricity": "kWh",
            "natural_gas": "m3",
            "heat": "GJ",
            "low_pressure_steam": "t",
            "raw_coal": "t",
        }
        == units
    )
    assert all(one.unit in UNITS and one.quantum == Decimal("0.001") for one in carriers().values())
    assert carrier("electricity").co2_rule is Co2Rule.GRID
    with pytest.raises(RejectedError, match="charcoal"):
        carrier("charcoal")


def _with(table: str, old: str, new: str) -> DataFiles:
    """The shipped tables, `old` in one of them replaced once."""
    assert old in shipped().texts[table]
    return shipped().replaced({table: shipped().texts[table].replace(old, new, 1)})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("heat,GJ,0.001", "heat,GJ,0", "quantum: must be above 0"),
        ("heat,GJ,0.001", "heat,BTU,0.001", "unit: unknown unit of measure"),
        ("heat,heat,heat,default", "heat,heat,steam,default", "co2_rule: 'steam' is none of fuel, grid, heat, none"),
        ("heat,heat,heat,default", "heat,heat,heat,", "co2_key: must not be empty"),
        ("heat,heat,heat,default", "heat,heat,none,", "co2_reason: must not be empty"),
        ("heat,heat,heat,default", "heat,heat,none,default", "co2_key: the rule none needs none"),
        ("default,,30,40", "default,hot,30,40", "co2_reason: the rule heat needs none"),
        ("default,,30,40", "default,,30,300", "kgce_high: 300 must be above kgce_low, 30, by less than ten times"),
        ("default,,30,40,,,", "default,,30,40,no,,", "working_medium: 'no' is neither yes nor empty"),
        ("default,,30,40,,,", "default,,30,40,,0,", "t_per_m3: must be above 0"),
        ("heat,32,", "heat,40,", "number: '40' is no number of the national list, 01 to 39"),
        ("\nheat,", "\nelectricity,", "key: electricity stands twice"),
        ("\nheat,", "\nwarmth,", "key: warmth is no carrier of the project"),
        ("heat,GJ,", "heat,MJ,", "unit: MJ, but it is stored in GJ"),
    ],
)
def test_a_broken_table_of_carriers_names_line_and_field(old: str, new: str, message: str) -> None:
    """Nothing half-known is loaded."""
    with pytest.raises(FactorError, match=rf"carriers.csv:4: {message}"):
        parse_carriers(_with("carriers.csv", old, new))


UNIT = Unit("U-1", "虚构", "Fictional", "610302", "32")
WHOLE = Registry(
    units=(UNIT,),
    gateways=(Gateway("gw-1", "610302", "U-1"),),
    meters=(Meter("M-1", "U-1", "electricity", 1, "sdm630"),),
    points=(Point("P-1", "M-1", "gw-1", "kWh"),),
)


def bounded(**bounds: float) -> Point:
    """A point of the registry above with these bounds."""
    return msgspec.structs.replace(Point("P-1", "M-1", "gw-1", "kWh"), **bounds)


GAS = Meter("M-2", "U-1", "natural_gas", 1, "any")
CLINKER = Meter("M-1", "U-1", PRODUCTION, 1, "any")


def _related(**other: str) -> Meter:
    return msgspec.structs.replace(WHOLE.meters[0], **other)


def _counted(unit: str, code: str = "P-1", quantity: str = "register", flow: Flow | None = None) -> Point:
    return Point(code, "M-1", "gw-1", unit, quantity, flow=flow)


def test_a_registry_without_faults() -> None:
    """Nothing to say, also of an empty one, and of one with bounds."""
    check(WHOLE)
    check(msgspec.structs.replace(WHOLE, points=(bounded(low=0.0, high=1e9, max_rate=500.0),)))
    both = (_counted("kWh"), _counted("kWh", "X-1", flow=Flow.SOLD), _counted("kWh", "T-1", flow=Flow.INTERNAL))
    check(msgspec.structs.replace(WHOLE, points=both))
    check(msgspec.structs.replace(WHOLE, meters=(CLINKER,), points=(_counted("t"), _counted("件", "P-2", "interval"))))
    check(Registry())


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"units": (UNIT, UNIT)}, "units.U-1.code", "stands 2 times"),
        ({"units": (msgspec.structs.replace(UNIT, district="6103"),)}, "units.U-1", "Expected `str` matching"),
        ({"units": (msgspec.structs.replace(UNIT, time_zone="Asia/Baoji"),)}, "units.U-1.time_zone", "not an IANA"),
        ({"gateways": (Gateway("gw-1", "610302", "U-2"),)}, "gateways.gw-1.unit", "'U-2', which does not exist"),
        ({"meters": (Meter("M-1", "U-1", "charcoal", 1, "x"),)}, "meters.M-1.carrier", "unknown carrier"),
        ({"meters": (Meter("M-1", "U-1", "heat", 4, "x"),)}, "meters.M-1", "Expected `int` <= 3"),
        ({"points": (Point("P-1", "M-1", "gw-1", "MWh"),)}, "points.P-1.unit", "registers of electricity are in kWh"),
        ({"points": (Point("P-1", "M-2", "gw-1", "kWh"),)}, "points.P-1.meter", "'M-2', which does not exist"),
        ({"points": (Point("P-1", "M-1", "gw-2", "kWh"),)}, "points.P-1.gateway", "'gw-2', which does not exist"),
        ({"points": (Point("P-1", "M-1", "gw-1", "kWh", quantum=Decimal(0)),)}, "points.P-1.quantum", "not above 0"),
        ({"points": (bounded(low=2.0, high=2.0),)}, "points.P-1.low", "2.0 is not below high, 2.0"),
        ({"points": (bounded(low=float("nan")),)}, "points.P-1.low", "nan is no number; leave it out for no bound"),
        ({"points": (bounded(high=float("inf")),)}, "points.P-1.high", "inf is no number"),
        ({"points": (bounded(max_rate=float("inf")),)}, "points.P-1.max_rate", "inf is no number"),
        ({"points": (bounded(max_rate=0.0),)}, "points.P-1", "Expected `float` > 0.0"),
        ({"meters": (_related(parent="M-9"),)}, "meters.M-1.parent", "'M-9', which does not exist"),
        ({"meters": (_related(check_meter="M-1"),)}, "meters.M-1.check_meter", "is the meter itself"),
        (
            {"meters": (_related(parent="M-2"), GAS)},
            "meters.M-1.parent",
            "carrier natural_gas, not of U-1, electricity",
        ),
        (
            {"points": (_counted("kW"), _counted("kWh", code="P-2"))},
            "points.P-1.unit",
            "registers of electricity are in",
        ),
        (
            {"points": (_counted("m3/h", quantity="rate"),)},
            "points.P-1.unit",
            "rates of electricity are in kWh per time",
        ),
        ({"points": (_counted("V", quantity="voltage_l1", flow=Flow.SOLD),)}, "points.P-1.flow", "no consumption is"),
        ({"points": (_counted("kWh"), _counted("kWh", code="T-1"))}, "points.T-1.flow", "of M-1, as P-1 does"),
        ({"meters": (CLINKER,), "points": (_counted("t", flow=Flow.SOLD),)}, "points.P-1.flow", "which no balance has"),
        ({"meters": (CLINKER,), "points": (_counted("t", quantity="rate"),)}, "points.P-1.quantity", "by a register"),
    ],
)
def test_each_fault_of_a_registry_is_named(change: dict[str, tuple[object, ...]], path: str, message: str) -> None:
    """The path says where, the message what."""
    found = dict(faults(msgspec.structs.replace(WHOLE, **change)))
    assert message in found[path]


def test_all_faults_of_a_registry_come_at_once() -> None:
    """Mending one at a time wastes a person's day."""
    broken = Registry(meters=(Meter("M-1", "U-1", "charcoal", 1, "x"),), points=(Point("P 1", "M-2", "gw-1", "kWh"),))
    with pytest.raises(ConfigError) as caught:
        check(broken, source="city.toml")
    assert len(caught.value.faults) == 5
    assert all(fault.source == "city.toml" for fault in caught.value.faults)
