"""Simulated meters without a file: a line and its faults from a few words, and what a collector has to be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from collector.profiles import DISPLAY, Library
from energy.errors import SetupError
from simulators.building import shown_in
from simulators.faults.kinds import FaultKind
from simulators.faults.settings import FaultSettings
from simulators.settings import LineSettings, MeterSettings, Transport

LINE = "line"
LAST_UNIT = 247
_START = 1000.0
"""What each counter shows at first, in the base unit of its carrier."""
_WRAP_AFTER = timedelta(minutes=10)
_KINDS = {"tcp": "modbus-tcp", "rtu": "modbus-rtu", "rtu-over-tcp": "modbus-rtu-over-tcp"}

RARELY = 0.01
"""Chance of each kind of spoilt answer under `random_faults`."""
A_DAY = 24.0
"""How often each kind of spoilt value begins under `random_faults`: on average once in an hour of data time."""


def random_faults(start: datetime) -> tuple[FaultSettings, ...]:
    """A little of everything: every kind of spoilt answer and value, by chance; one wrap soon after `start`."""
    answers = (
        FaultKind.SILENCE,
        FaultKind.DELAY,
        FaultKind.WRONG_TRANSACTION,
        FaultKind.WRONG_UNIT,
        FaultKind.WRONG_FUNCTION,
        FaultKind.TRUNCATED,
        FaultKind.MERGED,
        FaultKind.STALE,
        FaultKind.CRC,
        FaultKind.GARBAGE,
    )
    values = (
        FaultKind.FROZEN,
        FaultKind.NOT_AVAILABLE,
        FaultKind.RESET,
        FaultKind.REPLACEMENT,
        FaultKind.DIP,
        FaultKind.SWAPPED_WORDS,
        FaultKind.CLOCK_DRIFT,
    )
    return (
        *(FaultSettings(kind=kind, probability=RARELY) for kind in answers),
        *(FaultSettings(kind=FaultKind.EXCEPTION, code=code, probability=RARELY / 5) for code in range(1, 6)),
        FaultSettings(kind=FaultKind.BUSY, probability=RARELY, lasts_requests=5),
        *(FaultSettings(kind=kind, per_day=A_DAY) for kind in values),
        FaultSettings(kind=FaultKind.WRAP, since=start + _WRAP_AFTER),
    )


def quick_line(
    profiles: Sequence[str], transport: Transport = "tcp", host: str = "127.0.0.1", port: int = 0
) -> LineSettings:
    """One line with one meter for each of `profiles`, unit ids from 1; a profile may be named more than once.

    Args:
        profiles: names of profiles.
        transport: how the line is served.
        host: address to listen on, where it is TCP.
        port: TCP port; 0 for any free one.

    Raises:
        SetupError: more meters than a line has unit ids.
    """
    if len(profiles) > LAST_UNIT:
        raise SetupError(f"{len(profiles)} meters on one line", advice=f"A line has {LAST_UNIT} unit ids: use a file.")
    meters = tuple(MeterSettings(unit_id=at, profile=name, start=_START) for at, name in enumerate(profiles, 1))
    return LineSettings(
        name=LINE, transport=transport, host=host, port=0 if transport == "rtu" else port, meters=meters
    )


def collector_table(line: LineSettings, place: str, library: Library) -> str:
    """The table `[[gateways.lines]]` by which a collector reads `line`, which is served at `place`, as TOML.

    Args:
        line: what is served.
        place: where.
        library: has the meters' profiles.
    """
    rows = ["[[gateways.lines]]", f'kind = "{_KINDS[line.transport]}"']
    if line.transport == "rtu":
        rows.append(f'device = "{place}"')
    else:
        host, _, port = place.rpartition(":")
        rows += [f'host = "{host}"', f"port = {port}"]
    rows.append("interval_s = 10")
    for meter in line.meters:
        profile = library.load(meter.profile)
        counter = profile.counter_register
        rows += ["", "[[gateways.lines.meters]]", f"unit_id = {meter.unit_id}", f'profile = "{meter.profile}"']
        rows += [f"{key} = {getattr(meter, key):g}" for key in counter.ct_pt.ratios]
        if meter.unit or counter.unit == DISPLAY:
            rows.append(f'unit = "{shown_in(profile, meter)}"')
        rows.append(f'point = "P-{meter.unit_id:03}"')
    return "\n".join(rows) + "\n"
