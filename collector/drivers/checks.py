"""A meter's table with its profile: does it say what the profile needs, and can the meter be asked for it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collector.drivers.meters import conversion_of
from collector.planning.limits import limits_of
from collector.planning.planner import plan
from collector.profiles import RATIOS, Profile
from collector.profiles.conversion import ratio_faults
from collector.profiles.library import Library
from collector.profiles.model import ProfileBase
from collector.profiles.value import Value
from energy.errors import ConfigError, RejectedError
from energy.toml_lines import Path
from energy.toml_tables import Found, Table, number_of, table_of, text_of


def meter_faults(place: Path, meter: Table, kind: str, library: Library) -> Found:
    """Every fault of a meter's table that its profile shows, as (place, message); `kind` is that of its line."""
    name = text_of(meter, "profile")
    if name is None:
        return
    if name not in library.names:
        yield (*place, "profile"), f"unknown profile {name!r} (quotawatt profiles list shows those that are known)"
        return
    try:
        profile = library.load_any(name)
    except ConfigError as error:
        yield from (((*place, "profile"), str(fault)) for fault in error.faults)
        return
    protocol = kind.partition("-")[0]
    if kind and profile.protocol != protocol:
        yield (*place, "profile"), f"{name} is for {profile.protocol}, and this line speaks {protocol}"
        return
    yield from _profile_faults(place, meter, name, profile)


def _profile_faults(place: Path, meter: Table, name: str, profile: ProfileBase) -> Found:
    known = {value.name: value for value in profile.values}
    if "point" not in meter and not table_of(meter, "points"):
        yield place, "no point: give point for the counter, or points for other values"
    for key in table_of(meter, "points"):
        if key not in known:
            yield (*place, "points", key), f"{name} has no value {key!r} (known: {', '.join(known)})"
        elif known[key].is_text:
            yield (*place, "points", key), f"{key} is text, which is no reading"
        elif key == profile.counter and "point" in meter:
            yield (*place, "points", key), f"{key} is the counter, which goes to point already"
    names = [*([profile.counter] if "point" in meter else []), *table_of(meter, "points")]
    sent = [known[key] for key in names if key in known and not known[key].is_text]
    ratios = {key: number for key in RATIOS if (number := number_of(meter, key)) is not None}
    ratio_problems = list(ratio_faults(sent, [key for key in RATIOS if key in meter])) if sent else []
    for key, message in ratio_problems:
        yield (*place, key), f"{name}: {message}"
    # A ratio that is no number is a fault of its own, which decoding reports under the key that was written.
    if not ratio_problems and all(key in ratios for key in RATIOS if key in meter):
        yield from _conversion_faults(place, meter, profile, sent, ratios)
    yield from _unit_faults(place, meter, name, profile, sent)
    if isinstance(profile, Profile) and sent:
        yield from _plan_fault(place, profile, [value.name for value in sent])


def _unit_faults(place: Path, meter: Table, name: str, profile: ProfileBase, sent: list[Value]) -> Found:
    """Units of measure that would change nothing, since nobody sends their values: perhaps they are misspelt."""
    known = {value.name for value in profile.values}
    names = {value.name for value in sent}
    for key in table_of(meter, "units"):
        if key not in known:
            yield (*place, "units", key), f"{name} has no value {key!r} (known: {', '.join(sorted(known))})"
        elif key not in names:
            yield (*place, "units", key), f"{key} is not sent, so that its unit of measure changes nothing"
        elif key == profile.counter and "unit" in meter:
            yield (*place, "units", key), f"{key} is the counter, whose unit of measure is given as unit already"
    if "unit" in meter and profile.counter not in names:
        yield (*place, "unit"), f"it is that of the counter, {profile.counter}, which is not sent"


def _conversion_faults(
    place: Path, meter: Table, profile: ProfileBase, sent: list[Value], ratios: Mapping[str, float]
) -> Found:
    for value in sent:
        at: Path = (
            (*place, "unit") if value.name == profile.counter and "unit" in meter else (*place, "units", value.name)
        )
        unit = text_of(meter, "unit") if at[-1] == "unit" else text_of(table_of(meter, "units"), value.name)
        try:
            conversion_of(profile, value, ct=ratios.get("ct"), pt=ratios.get("pt"), unit=unit or "")
        except RejectedError as error:
            yield at, str(error)


def _plan_fault(place: Path, profile: Profile, names: list[str]) -> Iterator[tuple[Path, str]]:
    try:
        plan([profile.register(name) for name in names], limits_of(profile))
    except RejectedError as error:
        yield (*place, "profile"), str(error)
