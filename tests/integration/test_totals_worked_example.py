"""The guide's worked example, put into a real database: each of its tables is found again, to the last digit."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from energy.balance import Flow
from energy.product_quotas import Level
from energy.storage import Connection
from ingest.accounting.totals.intensity import product_intensities
from tests.support.deriving import derive_all
from tests.support.register_world import Shown, shown, store
from tests.support.totals_world import Counted, Entry, enter, populate, registry

DOCS = Path(__file__).parents[2] / "docs"
MONTH = date(2026, 3, 1)
WEEK = 7 * 96
"""Quarter hours."""

Rows = list[list[str]]


def tables(page: str) -> list[Rows]:
    """The body of each table of a page, without its heading."""
    found = re.findall(r"(?:^\|.*\|\n)+", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in one.splitlines()[2:]] for one in found]


METERS, ENTRIES, COAL, BALANCE, WORTH, ASSESSED, INTENSITY = tables("worked-example.md")


def test_both_languages_have_the_same_figures() -> None:
    """What differs in a table are words, in its first column, alone."""
    english, chinese = tables("worked-example.md"), tables("worked-example.zh.md")
    for one, other in zip(english, chinese, strict=True):
        assert [row[1:] for row in one] == [row[1:] for row in other]


def _readings() -> list[Shown]:
    """The weighbridge at each midnight, as its slips are added up; all others every quarter hour."""
    first, *rest = METERS
    coal = [
        shown("C1", 0, float(first[4])),
        *(shown("C1", (n + 1) * 1440, float(row[1])) for n, row in enumerate(COAL[:7])),
    ]
    even = [
        shown(point, 15 * n, float(began) + (float(ended) - float(began)) * n / WEEK)
        for point, _, _, _, began, ended, _ in rest
        for n in range(WEEK + 1)
    ]
    return [*coal, *even]


async def _live(connection: Connection) -> None:
    """The works, its week and what it filled in."""
    world = {row[0]: Counted(row[1], Flow(row[2])) for row in METERS}
    await populate(connection, registry(world))
    await connection.execute(
        "insert into product (unit_id, code, unit, quota_key) select unit_id, 'cement', 't', 'cement_energy' from unit"
    )
    await store(connection, _readings())
    await derive_all(connection)
    await enter(
        connection,
        *(
            Entry(kind, subject, date.fromisoformat(first), date.fromisoformat(last), Decimal(amount))
            for kind, subject, first, last, amount, _ in ENTRIES
        ),
    )


def printed(value: Decimal) -> str:
    """A figure as the guide writes it: no trailing zeros, no exponent."""
    return f"{value.normalize():f}"


@pytest.fixture
async def works(undone: Connection) -> Connection:
    """A database in which the example stands."""
    await _live(undone)
    return undone


async def test_the_worked_example_is_reproduced_to_the_last_digit(works: Connection) -> None:
    """Coal day by day, the balance, standard coal and CO2, the assessed total, and intensity."""
    days = await works.fetch("select * from unit_day where carrier = 'raw_coal' order by day")
    columns = ("purchased", "entered_purchased", "stock_decrease", "amount")
    assert [[str(row["day"]), *(printed(row[name]) for name in columns)] for row in days] == [
        [row[0], *row[2:]] for row in COAL[:7]
    ]
    assert [printed(sum((row[name] for row in days), Decimal(0))) for name in columns] == COAL[7][2:]

    months = await works.fetch("select * from unit_month order by carrier")
    flows = ("purchased", "renewable", "stock_decrease", "sold", "amount", "feedstock", "produced")
    assert [[row["carrier"], *(printed(row[name]) for name in flows)] for row in months] == BALANCE
    worth = ("kgce", "kgce_equal", "kgco2")
    factors = {row["carrier"]: row for row in await works.fetch(
        "select * from factor_in_force where valid_from <= $1 and valid_to > $1", MONTH
    )}  # fmt: skip
    assert [
        [
            row["carrier"],
            *(printed(factors[row["carrier"]][name]) for name in worth),
            *(printed(row[name]) for name in worth),
        ]
        for row in months
    ] == WORTH[:-1]
    assert [printed(sum((row[name] for row in months), Decimal(0))) for name in worth] == WORTH[-1][4:]

    (assessed,) = await works.fetch("select * from board.assessed where period = 'month'")
    for (_, *figures), name in zip(ASSESSED, ("tce", "feedstock_tce", "certificate_tce", "assessed_tce"), strict=True):
        equal = name if name == "certificate_tce" else f"{name}_equal"
        assert [printed(assessed[name]), printed(assessed[equal])] == figures

    (product,) = await works.fetch("select * from board.product_intensity where period = 'quarter'")
    (value,) = await works.fetch("select * from board.value_intensity where period = 'year'")
    assert [
        printed(product["output"]),
        str(product["kgce_per_output"]),
        str(product["kgce_equal_per_output"]),
    ] == INTENSITY[0][1:4]
    assert [
        printed(value["output_value"]),
        str(value["tce_per_value"]),
        str(value["tce_equal_per_value"]),
    ] == INTENSITY[1][1:4]
    (judged,) = await product_intensities(works, "U", "month", MONTH)
    assert judged.level is not None
    assert (judged.level.value, judged.level) == (INTENSITY[0][4], Level.LIMIT)


async def test_what_is_measured_and_what_is_not_says_so(works: Connection) -> None:
    """Metered carriers are measured; coal between takings is estimated, diesel by the month's bill substituted."""
    rows = await works.fetch("select carrier, quality, by_hand, provisional from board.unit_month order by carrier")
    assert [tuple(row) for row in rows] == [
        ("diesel", "substituted", True, False),
        ("electricity", "measured", False, True),
        ("low_pressure_steam", "measured", False, False),
        ("natural_gas", "measured", False, False),
        ("raw_coal", "estimated", True, False),
    ]
