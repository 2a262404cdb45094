"""Marks of what changed: taken in a transaction of their own, and kept in memory until they have been judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from energy.storage import Connection, load_queries, translating

_SQL = load_queries("alerts.evaluation", "evaluation.sql")


class Marks:
    """Units that are to be judged, each from which day on something of it changed."""

    def __init__(self) -> None:
        self._since: dict[int, date] = {}

    def __len__(self) -> int:
        return len(self._since)

    async def take(self, connection: Connection) -> int:
        """Take what is marked out of the database; how many units that are.

        A mark that somebody holds, who has not committed what it stands for, stays there. What has been taken and is
        lost with this process is made up for by the full evaluation that every start begins with.

        Raises:
            StorageError, …: as `energy.storage.translating` says.
        """
        with translating():
            rows = await connection.fetch(_SQL.take_marks)
        self.add({row["unit_id"] for row in rows})
        for row in rows:
            self._since[row["unit_id"]] = min(row["since"], self._since[row["unit_id"]])
        return len(rows)

    def add(self, units: Iterable[int]) -> None:
        """Mark units of which nothing says from when on."""
        for unit in units:
            self._since.setdefault(unit, date.max)

    def pending(self) -> Mapping[int, date]:
        """What is to be judged."""
        return dict(self._since)

    def judged(self, marks: Mapping[int, date]) -> None:
        """These have been judged and committed."""
        for unit, since in marks.items():
            if self._since.get(unit) == since:
                del self._since[unit]

    def forget(self) -> None:
        """A full evaluation takes the place of all of them."""
        self._since.clear()
