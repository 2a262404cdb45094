"""What the TimescaleDB at hand is and can do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from energy.errors import SetupError
from energy.queries import load_queries
from energy.storage import Connection, translating

_SQL = load_queries("ingest.upkeep", "edition.sql")

FIRST_WHOLE = (2, 18, 1)
"""Before this version `on conflict do nothing` into a compressed chunk ends at the first conflict: what stands behind
it in the same statement is lost. See docs/adr/0012."""


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
    def keeps_late_readings(self) -> bool:
        """Whether late readings into compressed chunks are safe with it."""
        return parse_version(self.version) >= FIRST_WHOLE

    def require_whole(self) -> None:
        """Refuse to write into chunks in which readings would be lost.

        Raises:
            SetupError: there are compressed chunks, and this version loses late readings in such.
        """
        if self.compressed and not self.keeps_late_readings:
            raise SetupError(
                f"TimescaleDB {self.version} loses late readings in compressed chunks, and `readings` has some "
                f"({self.compressed})",
                advice=f"Update the extension to {'.'.join(map(str, FIRST_WHOLE))} or later, or decompress the chunks.",
            )


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
