"""Two units that fill something in, and what became of it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection
from ingest.accounting.entries.model import Given, Product
from ingest.accounting.entries.products import register

NOW = datetime(2026, 4, 1, 4, tzinfo=UTC)
MARCH = {"first_day": "2026-03-01", "last_day": "2026-03-31"}


async def populate(connection: Connection) -> None:
    """Units U and V, a gateway each, and a product of U."""
    units = tuple(Unit(code, "虚构一厂", "Fictional Works", "610302", "30") for code in ("U", "V"))
    await apply(
        connection,
        Registry(
            units=units,
            gateways=(Gateway("gw-u", "610302", "U"), Gateway("gw-v", "610302", "V")),
            meters=(Meter("M-B", "U", "raw_coal", 2, "any"),),
            points=(Point("P-B", "M-B", "gw-u", "t"),),
        ),
    )
    await register(connection, "U", Product("clinker", "t", "熟料", "clinker", "cement_clinker_energy"))


def given(kind: str, subject: str = "", amount: str = "1", unit_of_measure: str = "t", **said: str) -> Given:
    """An entry of unit U."""
    fields = {
        "unit": "U",
        "kind": kind,
        "subject": subject,
        "amount": amount,
        "unit_of_measure": unit_of_measure,
    } | said
    return Given({name: text for name, text in fields.items() if text}, "Li Wei")


async def marks(connection: Connection) -> list[tuple[str, date, date]]:
    """Days of units whose totals wait, by unit; they are taken away."""
    rows = await connection.fetch("delete from unit_dirty returning unit_id, since, until")
    codes = {row["unit_id"]: row["code"] for row in await connection.fetch("select unit_id, code from unit")}
    return sorted((codes[row["unit_id"]], row["since"], row["until"]) for row in rows)


async def in_force(connection: Connection) -> dict[int, str]:
    """Amounts of the entries in force by number."""
    rows = await connection.fetch("select entry_id, amount from board.entry where in_force order by entry_id")
    return {row["entry_id"]: f"{row['amount'].normalize():f}" for row in rows}
