"""What the TimescaleDB at hand is and can do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from energy.errors import SetupError
from energy.queries import load_queries
from energy.storage import Connection, translating

_SQL = load_queries("ingest.upkeep", "edition.sql")

FIRST_PASSING = (2, 18, 1)
"""Before this version `on conflict do nothing` into a compressed chunk ends at the first conflict, without an error:
what stands behind it in the same statement is lost. Ingest does not use it, others might. See docs/adr/0012."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A TimescaleDB.

    Attributes:
        version: as the extension names it, such as `2.19.3`.
        license: `apache`, or `timescale` for the community edition.
        functions: whether the community edition's functions are there to be called.
        compressed: number of compressed chunks of `readings`.
    """

    version: str
    license: str
    functions: bool
    compressed: int

    @property
    def has_policies(self) -> bool:
        """Whether it has policies, and a columnstore."""
        return self.license != "apache" and self.functions

    @property
    def passes_conflicts(self) -> bool:
        """Whether rows behind a conflict in a compressed chunk are stored with it, whoever inserts them."""
        return parse_version(self.version) >= FIRST_PASSING


def parse_version(version: str) -> tuple[int, ...]:
    """(2, 19, 3) from `2.19.3`, (2, 30, 0) from `2.30.0-dev`."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


async def read_edition(connection: Connection) -> Edition:
    """What the database says of its TimescaleDB; raises as `energy.storage.translating` says."""
    with translating():
        row = await connection.fetchrow(_SQL.edition)
    if row is None:
        raise SetupError("the database has no extension timescaledb", advice="Run `quotawatt migrate`.")
    return Edition(**row)
