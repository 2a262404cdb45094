"""Marks of what changed: taken in a transaction of their own, and kept until they have been judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from energy.storage import Connection, load_queries, translating

_SQL = load_queries("alerts.evaluation", "evaluation.sql")


class Marks:
    """Units that are to be judged, each from which day on something of it changed."""

    def __init__(self) -> None:
        self._since: dict[int, date] = {}
        self._noted: set[int] = set()

    def __len__(self) -> int:
        return len(self._since)

    async def take(self, connection: Connection, today: date) -> int:
        """Take what is marked out of the database; how many units that are.

        A mark that somebody holds, who has not committed what it stands for, stays there. What changed before `today`
        stays noted there until it is judged; what else is lost with this process is made up for by the full evaluation
        that every start begins with.

        Raises:
            StorageError, …: as `energy.storage.translating` says.
        """
        with translating():
            rows = await connection.fetch(_SQL.take_marks, today)
        self._note(rows, today)
        return len({row["unit_id"] for row in rows})

    async def recall(self, connection: Connection) -> None:
        """Begin anew with what whoever led before had taken and not judged.

        Raises as `take` does.
        """
        self.forget()
        with translating():
            rows = await connection.fetch(_SQL.noted_marks)
        self._note(rows, date.max)

    def _note(self, rows: Iterable[Any], before: date) -> None:
        for row in rows:
            unit, since = row["unit_id"], row["since"]
            self._since[unit] = min(since, self._since.get(unit, date.max))
            if since < before:
                self._noted.add(unit)

    def add(self, units: Iterable[int]) -> None:
        """Mark units of which nothing says from when on."""
        for unit in units:
            self._since.setdefault(unit, date.max)

    def pending(self) -> Mapping[int, date]:
        """What is to be judged."""
        return dict(self._since)

    async def judged(self, connection: Connection, marks: Mapping[int, date]) -> None:
        """These have been judged and committed.

        Raises as `take` does.
        """
        done = {unit: since for unit, since in marks.items() if self._since.get(unit) == since}
        for unit in done:
            del self._since[unit]
        if noted := [unit for unit in done if unit in self._noted]:
            with translating():
                await connection.execute(_SQL.drop_noted, noted, [done[unit] for unit in noted])
            self._noted.difference_update(noted)

    def forget(self) -> None:
        """A full evaluation takes the place of all of them."""
        self._since.clear()
        self._noted.clear()
