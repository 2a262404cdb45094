"""Products of units: what they are measured in, which quota applies, and which point meters them, if one does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from energy.balance import Flow
from energy.errors import Fault, UnitError
from energy.product_quotas import product_quotas
from energy.records import RecordError, wrong_text
from energy.registry.model import CODE_PATTERN
from energy.registry.store import check_registered
from energy.storage import Connection, load_queries, translating
from energy.units import ratio
from ingest.accounting.entries.model import Product

_SQL = load_queries("ingest.accounting.entries", "products.sql")
_UNITS = load_queries("ingest.accounting.entries", "entries.sql")
_CODE = re.compile(CODE_PATTERN)


class Listed(msgspec.Struct, frozen=True):
    """A product as it is registered."""

    of_unit: str
    code: str
    name_zh: str
    name_en: str
    unit: str
    quota_key: str
    point: str | None


@dataclass(frozen=True, slots=True)
class ProductMeter:
    """What must be known of a point that meters a product.

    Attributes:
        unit: code of the unit that it belongs to.
        measured_in: unit of measure of the amounts that are derived from it.
        flow: as in `counted_point`.
    """

    point_id: int
    unit: str
    measured_in: str
    flow: str


async def register(connection: Connection, unit: str, product: Product) -> None:
    """Register a product of `unit` (a code), or change it.

    Raises:
        RecordError: with everything that is wrong with it.
        StorageError and its like: as `energy.storage.translating` says.
    """
    with translating():
        async with connection.transaction():
            row = await connection.fetchrow(_UNITS.units, [unit])
            if row is None:
                raise RecordError([Fault(product.code, 0, "unit", f"{unit!r} is not registered")])
            found = await connection.fetchrow(_SQL.meter_of, product.point)
            meter = ProductMeter(**found) if found else None
            before = await connection.fetchval(_SQL.unit_of, row["unit_id"], product.code)
            filled_in = await connection.fetchval(_SQL.filled_in, row["unit_id"], product.code)
            faults = list(faults_of(unit, product, meter, before if filled_in else None))
            if faults:
                raise RecordError(Fault(product.code, 0, *one) for one in faults)
            fields = (product.code, product.name_zh, product.name_en, product.unit, product.quota_key)
            await connection.execute(_SQL.write, row["unit_id"], *fields, meter.point_id if meter else None)


def faults_of(
    unit: str, product: Product, meter: ProductMeter | None, measured_in: str | None
) -> Iterator[tuple[str, str]]:
    """Fields of a product and what is wrong with them; pure.

    Args:
        unit: code of the unit whose product it is.
        product: what is to be registered.
        meter: the point that it names; None for an unknown one.
        measured_in: the unit of measure in which output of it was filled in, None where none was.
    """
    if not _CODE.match(product.code):
        yield "product", f"{product.code!r}: letters, digits, dots, hyphens and underscores expected, at most 64"
    if not product.unit.strip():
        yield "unit_of_measure", "must not be empty"
    elif measured_in not in {None, product.unit}:
        yield "unit_of_measure", f"output was filled in in {measured_in}: give the product another code"
    for name in ("unit", "name_zh", "name_en"):
        if wrong := wrong_text(getattr(product, name)):
            yield name, wrong
    if product.quota_key:
        yield from _quota_faults(product)
    if product.point:
        yield from _meter_faults(unit, product, meter)


async def listed(connection: Connection, unit: str | None) -> list[Listed]:
    """The products of a unit, or of all.

    Raises:
        RejectedError: the unit is not registered.
        StorageError and its like: as `energy.storage.translating` says.
    """
    await check_registered(connection, unit=unit)
    with translating():
        rows = await connection.fetch(_SQL.listed, unit)
    return [Listed(**row) for row in rows]


def _quota_faults(product: Product) -> Iterator[tuple[str, str]]:
    per = {quota.key: quota.unit.partition("/")[2] for quota in product_quotas()}
    if product.quota_key not in per:
        yield "quota_key", f"{product.quota_key!r}: one of {', '.join(per)} expected"
        return
    try:
        ratio(product.unit, per[product.quota_key])
    except UnitError as error:
        yield "quota_key", f"{product.quota_key} is per {per[product.quota_key]}: {error}"


def _meter_faults(unit: str, product: Product, meter: ProductMeter | None) -> Iterator[tuple[str, str]]:
    if meter is None or meter.unit != unit:
        yield "point", f"{product.point!r} is no point of {unit} from which an amount is derived"
        return
    if meter.flow != Flow.INTERNAL:
        yield "point", f"{product.point} counts as {meter.flow} in the balance: give it the flow internal"
    if meter.measured_in != product.unit:
        yield "point", f"{product.point} counts in {meter.measured_in}, not in {product.unit}"
