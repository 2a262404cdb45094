"""Points to edit: a register, a net register, a power, a voltage and interval values of one unit."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from energy.registry import Point, Registry
from energy.registry.store import apply
from energy.storage import Connection
from ingest.accounting.edits.model import EditedPoint, Given, Kind
from tests.support.register_world import instant, registry

NOW = datetime(2026, 4, 1, tzinfo=UTC)
QUANTITIES = {"P-E": "register", "P-N": "net_register", "P-R": "rate", "P-I": "interval", "P-V": "voltage"}


async def populate(connection: Connection) -> dict[str, int]:
    """Register the points; their ids by code."""
    await apply(connection, points())
    return {row["code"]: row["point_id"] for row in await connection.fetch("select code, point_id from point")}


def points() -> Registry:
    """All on meters of electricity."""
    world = registry([(code, "electricity", 1) for code in QUANTITIES])
    units = {"rate": "W", "voltage": "V"}

    def with_quantity(point: Point) -> Point:
        quantity = QUANTITIES[point.code]
        return msgspec.structs.replace(point, quantity=quantity, unit=units.get(quantity, point.unit))

    return msgspec.structs.replace(world, points=tuple(map(with_quantity, world.points)))


def edited(code: str = "P-E", zone: str = "Asia/Shanghai") -> EditedPoint:
    """What checks know of one of the points."""
    return EditedPoint(1, code, QUANTITIES[code], Decimal("0.001"), "kWh", zone)


def anything(chance: random.Random, points: str, minutes: int, beyond: int) -> Given:
    """Anything that a person may say; some of it will be refused.

    Args:
        chance: decides.
        points: their codes, a letter each.
        minutes: from the world's beginning to the last reading.
        beyond: how many minutes before and after the readings it may speak of.
    """
    kind = chance.choice(list(Kind))
    step = 15 if kind is Kind.AMOUNT else 1
    first = chance.randrange(15 - beyond, minutes - 90 + beyond, step)
    last = first + step * chance.choice([1, 2, 5])
    said = {"since": instant(first).isoformat(), "until": instant(last).isoformat()}
    match kind:
        case Kind.RATIO:
            said = {"since": said["since"], "ratio": chance.choice(["0.5", "2", "1.25"])}
        case Kind.REPLACEMENT:
            states = {"old_end": "90000.5", "new_start": "3", "ratio": chance.choice(["1", "3"])}
            said |= {name: state for name, state in states.items() if chance.random() < 0.5}
        case Kind.AMOUNT:
            said["amount"] = chance.choice(["0", "12.5"])
        case _:
            pass
    return Given(kind, chance.choice(points), said, "Li Wei", "work order")


def given(kind: Kind | str, point: str = "P-E", **said: str) -> Given:
    """What a person says of March 2026: times are the wall's, without seconds."""
    return Given(Kind(kind), point, said, "Li Wei", "work order")


async def marks(connection: Connection) -> list[tuple[int, datetime, Any]]:
    """What waits to be derived, in the order of batches: point, since, until."""
    rows = await connection.fetch(
        "select m.point_id, m.began, m.ended from derivation_dirty d cross join unnest(d.points, d.since, d.until)"
        " as m (point_id, began, ended) order by batch, point_id"
    )
    return [tuple(row) for row in rows]


async def clear_marks(connection: Connection) -> None:
    """As if all were derived."""
    await connection.execute("delete from derivation_dirty")
