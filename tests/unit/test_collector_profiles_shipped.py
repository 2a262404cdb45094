"""The profiles that come along: what holds for each of them, and what they say where their sources do not agree."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

import pytest

from collector.profiles import DISPLAY, CtPt, Profile, Register, load_any_profile, load_profile, profile_names
from collector.registers import DataType, WordOrder, encode
from energy.carriers import carriers
from energy.units import ratio, unit_of_measure

NAMES = tuple(name for name in profile_names() if isinstance(load_any_profile(name), Profile))
"""Those that speak Modbus: each is one model, whose facts were gathered one by one."""
CUMULATIVE = {
    "electricity": {"energy_import_total", "energy_total"},
    "heat": {"energy_heat"},
    "natural_gas": {"volume_standard"},
    "low_pressure_steam": {"mass"},
    "raw_coal": {"mass"},
    "water": {"volume"},
}
"""By carrier, the quantities that only grow, so that their differences are consumption."""
CONTRADICTED = {
    *("acrel_adl400_primary", "acrel_adw300", "acrel_dtsd1352", "carlo_gavazzi_em24", "chint_ddsu666"),
    *("chint_dtsu666", "chint_dtsu666_old", "finder_7m24", "hiking_dds238", "igen_dtsd422", "kamstrup_multical_403"),
    *("lovato_dmg610", "peacefair_pzem016", "phoenix_contact_eem_ma370", "schneider_iem3155", "schneider_pm5560"),
    *("schneider_pm5561", "siemens_7kt1665", "siemens_pac2200", "siemens_pac3200", "socomec_countis_e24"),
    *("socomec_countis_e44", "socomec_diris_a20", "weidmueller_em525"),
}
"""The models about which sources are known to say different things."""
LEAST = 45
INVENTED = "generic_belt_scale"


def registers() -> list[tuple[str, Register]]:
    """Every register of every profile, with the profile's name."""
    return [(name, register) for name in NAMES for register in load_profile(name).registers]


def test_as_many_models_as_promised_come_along() -> None:
    """Real ones: what is invented does not count, and two names are two models."""
    real = [load_profile(name) for name in NAMES if name != INVENTED]
    assert len(real) >= LEAST
    assert len({(profile.maker, profile.model) for profile in real}) == len(real)


def test_every_carrier_of_a_plant_has_a_meter() -> None:
    """Electricity, gas, heat, steam, coal and water."""
    assert {load_profile(name).carrier for name in NAMES} == set(CUMULATIVE)


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_says_where_it_is_from(name: str) -> None:
    """Maker, model, source and what to mind are never empty, and no sentence is left open."""
    profile = load_profile(name)
    assert all((profile.maker, profile.model, profile.source, profile.notes))
    for text in filter(None, (profile.notes, profile.disagreements)):
        assert text.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_the_counter_only_grows(name: str) -> None:
    """Import where the meter counts both directions; no net value, no part of the energy, none that can be reset."""
    profile = load_profile(name)
    counter = profile.counter_register
    quantities = {register.quantity for register in profile.registers}
    assert counter.quantity in CUMULATIVE[profile.carrier]
    if "energy_import_total" in quantities:
        assert counter.quantity == "energy_import_total"


@pytest.mark.parametrize("name", NAMES)
def test_the_counter_counts_its_carrier(name: str) -> None:
    """Its unit of measure converts into the carrier's; where the menu decides, the notes tell to set it."""
    profile = load_profile(name)
    unit = profile.counter_register.unit
    if unit == DISPLAY:
        assert "set `unit`" in profile.notes
        return
    base = carriers()[profile.carrier].unit if profile.carrier in carriers() else "m3"
    assert ratio(unit, base) > 0


def test_confidence_is_claimed_only_with_two_sources() -> None:
    """A profile with a confirmed register names more than one source, and only the invented one is invented."""
    for name, register in registers():
        if register.confidence == "confirmed":
            assert "; " in load_profile(name).source, name
        assert (register.confidence == "invented") == (name == INVENTED), name


def test_what_is_recalled_is_said_in_words() -> None:
    """Whoever reads the notes learns of it, at the register or in the profile."""
    for name, register in registers():
        if register.confidence == "recalled":
            assert re.search("recalled", f"{register.note} {load_profile(name).notes}"), name


def test_contradictions_between_sources_are_told() -> None:
    """Of all models that have some, and of no other."""
    assert {name for name in NAMES if load_profile(name).disagreements} == CONTRADICTED


@pytest.mark.parametrize("name", sorted(CONTRADICTED))
def test_a_contradiction_names_its_object(name: str) -> None:
    """It begins with what it is about, such as the scale, the address or the function code."""
    assert re.match(r"[^.]{4,60}: |on the ", load_profile(name).disagreements)


def test_wraps_are_plausible() -> None:
    """Only totals wrap, at a power of ten, and where the registers can still show the value before."""
    for name, register in registers():
        if register.wrap is None:
            continue
        assert register.quantity in {one for every in CUMULATIVE.values() for one in every} | {
            "energy_export_total",
            "volume_working",
        }, name
        assert re.fullmatch(r"10+", f"{Fraction(register.wrap)}"), name
        last = Fraction(register.wrap) - register.exact_scale
        assert register.decode(register.encode(last)) is not None, name


def test_markers_of_no_value_fit_their_registers() -> None:
    """What a meter cannot show cannot mean anything."""
    for name, register in registers():
        for marker in register.not_available:
            assert encode(marker, register.layout), name


def test_ratios_belong_to_what_transformers_transform() -> None:
    """A frequency, a power factor, a temperature is the same on both sides."""
    dimensions = {unit_of_measure(register.unit).dimension for _, register in registers() if register.ct_pt != "none"}
    assert dimensions <= {"voltage", "current", "power", "reactive power", "energy", "reactive energy"}
    applied = Counter(register.ct_pt for _, register in registers())
    assert all(applied[side] > 0 for side in CtPt)


def test_the_odd_encodings_of_real_meters_are_in_use() -> None:
    """Sign and magnitude, mod-10k, 48-bit BCD, float64, integer and fraction, swapped words and bytes."""
    every = [register for _, register in registers()]
    assert {"sm32", "mod10k_2", "bcd48", "f64", "i64", "u64"} <= {register.type for register in every}
    assert {WordOrder.ABCD, WordOrder.CDAB, WordOrder.DCBA} <= {register.order for register in every}
    assert sum(register.fraction is not None for register in every) >= 4
    assert DataType.F32 in {register.fraction.type for register in every if register.fraction is not None}


def test_facts_that_cost_money_when_wrong() -> None:
    """A sample, worked out from the sources by hand: scale, side and order of counters."""

    def shown(profile: Profile, words: tuple[int, ...]) -> Fraction:
        counter = profile.counter_register
        raw = counter.decode(dict(enumerate(words, counter.start)))
        assert raw is not None
        assert not isinstance(raw, str)
        return Fraction(raw) * counter.exact_scale

    assert shown(load_profile("peacefair_pzem016"), (0x2710, 0x0001)) == Fraction("75.536")
    assert shown(load_profile("socomec_diris_a20"), (5678, 1234)) == 12_345_678
    assert shown(load_profile("flonidan_uniflo1200"), (0x40E2, 0x0100, 0x0000, 0x003F)) == Fraction("123456.5")
    assert shown(load_profile("siemens_pac2200"), (0x4132, 0xD687, 0, 0)) == Fraction("1234.567")
    assert shown(load_profile("abb_b23"), (0, 0, 1, 0xE240)) == Fraction("1234.56")
    assert shown(load_profile("fuxin_gas"), (0x1234, 0x5678, 0x9012)) == Fraction("12345678.9012")
