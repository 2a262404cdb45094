"""What contradicts itself inside one profile, each fault with its place in the file. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from collector.profiles.model import Addresses, Profile, ProfileBase
from collector.profiles.register import Register
from collector.profiles.value import DISPLAY, CtPt, Value
from collector.registers import WORD_RANGE
from energy.carriers import carriers
from energy.errors import UnitError
from energy.toml_lines import Path
from energy.units import UNITS, Dimension, ratio

Found = Iterator[tuple[Path, str]]

_TRANSFORMED = {
    Dimension.VOLTAGE: CtPt.PT,
    Dimension.CURRENT: CtPt.CT,
    Dimension.POWER: CtPt.CT_PT,
    Dimension.REACTIVE_POWER: CtPt.CT_PT,
    Dimension.APPARENT_POWER: CtPt.CT_PT,
    Dimension.ENERGY: CtPt.CT_PT,
    Dimension.REACTIVE_ENERGY: CtPt.CT_PT,
    Dimension.APPARENT_ENERGY: CtPt.CT_PT,
}
"""The ratios that a secondary-side value of each dimension takes; those not named take none."""


def faults(profile: Profile) -> Found:
    """Every fault of a Modbus profile that no single key shows, as (place, message); addresses as they are written."""
    yield from value_faults(profile, "registers")
    first = 1 if profile.addresses is Addresses.ONE_BASED else 0
    yield from _range_faults(profile, first)
    for at, register in enumerate(profile.registers):
        place: Path = ("registers", at)
        if register.start < first:
            yield (*place, "address"), "addresses that count from one have no 0"
        if register.end - first > WORD_RANGE:
            yield (*place, "address"), f"{register.name} ends beyond address {WORD_RANGE - 1 + first}"
        if message := _unreadable(register, profile):
            yield (*place, "address"), message


def value_faults(profile: ProfileBase, key: str) -> Found:
    """What is wrong with the values of a profile of whatever protocol, which stand in the array `key` of its file."""
    names = [value.name for value in profile.values]
    if profile.counter not in names:
        yield ("counter",), f"{profile.counter!r} is none of the values ({', '.join(names)})"
    elif message := _miscounted(profile):
        yield ("counter",), message
    for at, value in enumerate(profile.values):
        place: Path = (key, at)
        if names.index(value.name) < at:
            yield (*place, "name"), f"a second value of the name {value.name!r}"
        yield from _unit_faults(place, value)


def _miscounted(profile: ProfileBase) -> str:
    """Why the counter cannot count the carrier; empty where it can, or where the meter's menu decides."""
    carrier, unit = carriers().get(profile.carrier), profile.counter_value.unit
    if carrier is None or unit not in UNITS:
        return ""
    try:
        ratio(unit, carrier.unit)
    except UnitError as error:
        return f"cannot count {carrier.key} in {carrier.unit}: {error}"
    return ""


def _unit_faults(place: Path, value: Value) -> Found:
    if value.unit != DISPLAY and value.unit not in UNITS:
        yield (*place, "unit"), f"unknown unit of measure {value.unit!r} (known: {', '.join(UNITS)}, {DISPLAY})"
    elif value.ct_pt is not CtPt.NONE:
        due = CtPt.NONE if value.unit == DISPLAY else _TRANSFORMED.get(UNITS[value.unit].dimension, CtPt.NONE)
        if value.ct_pt is not due:
            yield (*place, "ct_pt"), f"a value in {value.unit} takes {due}, not {value.ct_pt}"


def _range_faults(profile: Profile, first: int) -> Found:
    for at, (low, high) in enumerate(profile.forbidden):
        place: Path = ("forbidden", at)
        if low > high:
            yield place, f"the range ends ({high}) before it begins ({low})"
        if low < first:
            yield place, "addresses that count from one have no 0"
        if high - first >= WORD_RANGE:
            yield place, f"the range ends beyond address {WORD_RANGE - 1 + first}"


def _unreadable(register: Register, profile: Profile) -> str:
    """Why no legal read brings a value; empty where one does."""
    most, what = (profile.max_bits, "max_bits") if register.of_bits else (profile.max_words, "max_words")
    if (size := register.end - register.start) > most:
        return f"{register.name} spans {size} registers, more than {what} ({most}): no read can bring it"
    for low, high in profile.forbidden:
        if low < register.end and register.start <= high:
            return f"{register.name} touches the forbidden range {low} to {high}: no read can bring it"
    return ""
