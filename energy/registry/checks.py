"""What a registry must satisfy before it goes into the database; all faults at once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from energy.balance import Flow
from energy.carriers import Carrier, carriers
from energy.errors import ConfigError, Fault, UnitError
from energy.quantities import Derived
from energy.registry.model import PRODUCTION, Gateway, Meter, Point, Registry, Unit
from energy.units import per_hour


def check(registry: Registry, *, source: str = "registry") -> None:
    """Refuse a registry that contradicts itself.

    Raises:
        ConfigError: with every fault; `source` says in the messages where the registry came from.
    """
    if found := tuple(Fault(source, 0, path, message) for path, message in faults(registry)):
        raise ConfigError(found)


def faults(registry: Registry, known: Mapping[str, Carrier] | None = None) -> Iterator[tuple[str, str]]:
    """Every fault as (path such as `meters.M-1.carrier`, message); `known` are the carriers, by default ours."""
    known = carriers() if known is None else known
    units = {unit.code for unit in registry.units}
    gateways = {gateway.code for gateway in registry.gateways}
    meters = {meter.code: meter for meter in registry.meters}
    yield from chain(
        _shape(registry),
        *(_repeated(kind, getattr(registry, kind)) for kind in ("units", "gateways", "meters", "points")),
        *(_unit(unit) for unit in registry.units),
        *(_refers(f"gateways.{gateway.code}.unit", gateway.unit, units) for gateway in registry.gateways),
        *(_meter(meter, units, meters, known) for meter in registry.meters),
        *(_point(point, meters, gateways, known) for point in registry.points),
        _counted_twice(registry.points, meters),
    )


def _shape(registry: Registry) -> Iterator[tuple[str, str]]:
    """Bounds and patterns of the fields, which msgspec checks on decoding only: structs may be made in code."""
    for kind in ("units", "gateways", "meters", "points"):
        for one in getattr(registry, kind):
            try:
                msgspec.convert(msgspec.to_builtins(one), type(one))
            except msgspec.ValidationError as error:
                yield f"{kind}.{one.code}", str(error)


def _repeated(kind: str, rows: Collection[Unit | Gateway | Meter | Point]) -> Iterator[tuple[str, str]]:
    for code, count in Counter(row.code for row in rows).items():
        if count > 1:
            yield f"{kind}.{code}.code", f"stands {count} times"


def _refers(path: str, code: str, known: Collection[str]) -> Iterator[tuple[str, str]]:
    if code not in known:
        yield path, f"refers to {code!r}, which does not exist"


def _unit(unit: Unit) -> Iterator[tuple[str, str]]:
    try:
        ZoneInfo(unit.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield f"units.{unit.code}.time_zone", f"{unit.time_zone!r} is not an IANA time zone"


def _meter(
    meter: Meter, units: Collection[str], meters: Mapping[str, Meter], known: Mapping[str, Carrier]
) -> Iterator[tuple[str, str]]:
    yield from _refers(f"meters.{meter.code}.unit", meter.unit, units)
    for field in ("parent", "check_meter"):
        yield from _related(f"meters.{meter.code}.{field}", meter, getattr(meter, field), meters)
    if meter.carrier not in known and meter.carrier != PRODUCTION:
        expected = f"{', '.join(known)}, or {PRODUCTION}"
        yield f"meters.{meter.code}.carrier", f"unknown carrier {meter.carrier!r}; known: {expected}"


def _related(path: str, meter: Meter, code: str, meters: Mapping[str, Meter]) -> Iterator[tuple[str, str]]:
    """A meter above or beside another measures the same carrier in the same unit."""
    if not code:
        return
    yield from _refers(path, code, meters)
    other = meters.get(code)
    if other and (other.code, other.unit, other.carrier) != (other.code, meter.unit, meter.carrier):
        yield (
            path,
            f"{code!r} is of unit {other.unit} and carrier {other.carrier}, not of {meter.unit}, {meter.carrier}",
        )
    if code == meter.code:
        yield path, "is the meter itself"


def _point(
    point: Point, meters: Mapping[str, Meter], gateways: Collection[str], known: Mapping[str, Carrier]
) -> Iterator[tuple[str, str]]:
    yield from _refers(f"points.{point.code}.meter", point.meter, meters)
    yield from _refers(f"points.{point.code}.gateway", point.gateway, gateways)
    if not (point.quantum.is_finite() and point.quantum > 0):
        yield f"points.{point.code}.quantum", f"{point.quantum} is not above 0"
    yield from _bounds(point)
    meter = meters.get(point.meter)
    carrier = known.get(meter.carrier) if meter else None
    if carrier:
        yield from _measured_in(point, carrier)
        if carrier.working_medium and point.flow is Flow.RENEWABLE:
            why = "is a working medium, which counts only when it is bought in: made on site it is produced"
            yield f"points.{point.code}.flow", f"{carrier.key} {why}"
    if meter and meter.carrier == PRODUCTION:
        yield from _counts_product(point)


def _counted_twice(points: Collection[Point], meters: Mapping[str, Meter]) -> Iterator[tuple[str, str]]:
    """Of one meter one point counts as one flow: a register beside its tariffs' registers would count twice."""
    first: dict[tuple[str, Flow], str] = {}
    for point in points:
        flow = _flow(point, meters)
        if flow is Flow.INTERNAL:
            continue
        other = first.setdefault((point.meter, flow), point.code)
        if other != point.code:
            advice = "give all but one the flow internal, or their own"
            yield f"points.{point.code}.flow", f"counts as {flow} of {point.meter}, as {other} does: {advice}"


def _flow(point: Point, meters: Mapping[str, Meter]) -> Flow:
    """How a point counts, as the view `counted_point` has it."""
    if point.flow is not None:
        return point.flow
    meter = meters.get(point.meter)
    gate = meter is not None and meter.level == 1 and meter.carrier != PRODUCTION
    metered = point.quantity in {Derived.REGISTER, Derived.NET_REGISTER, Derived.INTERVAL}
    return Flow.PURCHASED if gate and metered else Flow.INTERNAL


def _counts_product(point: Point) -> Iterator[tuple[str, str]]:
    """The output of a product is counted in any unit of measure, and in no balance."""
    if point.flow not in {None, Flow.INTERNAL}:
        yield f"points.{point.code}.flow", f"{point.flow!r}, but {point.meter} counts a product, which no balance has"
    if point.quantity == Derived.RATE:
        yield f"points.{point.code}.quantity", f"{point.quantity!r}; a product is counted by a register or per interval"


def _measured_in(point: Point, carrier: Carrier) -> Iterator[tuple[str, str]]:
    """Registers and intervals count the carrier, a rate the carrier per time; all others have units of their own."""
    path = f"points.{point.code}.unit"
    if point.quantity == Derived.RATE:
        try:
            per_hour(point.unit, carrier.unit)
        except UnitError as error:
            yield path, f"{error}; rates of {carrier.key} are in {carrier.unit} per time"
    elif point.quantity in tuple(Derived) and point.unit != carrier.unit:
        yield path, f"{point.unit!r}; registers of {carrier.key} are in {carrier.unit}"
    elif point.flow and point.quantity not in tuple(Derived):
        yield f"points.{point.code}.flow", f"{point.flow!r}, but no consumption is derived from a {point.quantity}"


def _bounds(point: Point) -> Iterator[tuple[str, str]]:
    for field in ("low", "high", "max_rate"):
        bound = getattr(point, field)
        if bound is not None and not math.isfinite(bound):
            yield f"points.{point.code}.{field}", f"{bound} is no number; leave it out for no bound"
    if point.low is not None and point.high is not None and not point.low < point.high:
        yield f"points.{point.code}.low", f"{point.low} is not below high, {point.high}"
