"""Rules over frames, with the evidence of what they come to; and the frames of units and meters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

import msgspec

from alerts.consequences.model import Estimate
from alerts.evaluation import proving
from alerts.evaluation.looking import changes
from alerts.evaluation.standing import Alerts
from alerts.life import store
from alerts.life.evidence import Evidence
from alerts.life.store import Outcome
from alerts.life.windows import Window
from alerts.rules.judging import Judge
from alerts.series import meters, units
from alerts.series.frame import Frame, Scope
from energy.storage import Connection, load_queries, plan_anew

Attached: TypeAlias = Callable[[Evidence], tuple[Estimate, ...]]
"""What policies attach to a breach on such evidence; see `alerts.consequences.attaching`."""

_SQL = load_queries("alerts.evaluation", "evaluation.sql")
_READERS = {"unit": units.read, "meter": meters.read}


@dataclass(frozen=True)
class Looking:
    """One look, in one transaction: `now` is its data time."""

    connection: Connection
    now: datetime
    windows: Sequence[Window]
    attached: Attached

    @classmethod
    @asynccontextmanager
    async def begin(cls, connection: Connection, now: datetime, attached: Attached) -> AsyncIterator[Looking]:
        """Look for the length of the block, in which all that is read is of one moment."""
        # Within a transaction of the caller's it is that one's isolation which counts.
        isolation: Literal["repeatable_read"] | None = None if connection.is_in_transaction() else "repeatable_read"
        async with connection.transaction(isolation=isolation):
            await plan_anew(connection)
            rows = [dict(row) for row in await connection.fetch(_SQL.windows, now)]
            yield cls(connection, now, [msgspec.convert(row, Window) for row in rows], attached)

    async def outcomes(self, judges: Sequence[Judge], frame: Frame, standing: Alerts) -> list[Outcome]:
        """What becomes of the alerts of a frame's subjects, which stand as was read."""
        found = list(changes(judges, frame, standing, self.windows, self.now))
        return [self._with_consequences(one) for one in await proving.outcomes(self.connection, found, self.now)]

    async def beside_quotas(
        self, judges: Sequence[Judge], units: tuple[int, ...] | None
    ) -> tuple[list[Frame], list[Outcome]]:
        """Look at units and meters (of `units`; None: all) by those of the rules that are about them."""
        frames: list[Frame] = []
        found: list[Outcome] = []
        for subject, read in _READERS.items():
            if of := [judge for judge in judges if judge.rule.subject == subject]:
                names = frozenset[str]().union(*(judge.series for judge in of))
                frame = await read(self.connection, Scope(self.now, units), names)
                ids = None if units is None else frame.ids.tolist()
                standing = await store.read_standings(self.connection, frame.subject, since=date.max, ids=ids)
                frames.append(frame)
                found += await self.outcomes(of, frame, Alerts.of(standing))
        return frames, found

    def _with_consequences(self, one: Outcome) -> Outcome:
        if not isinstance(one.evidence, Evidence) or not (attached := self.attached(one.evidence)):
            return one
        return msgspec.structs.replace(one, evidence=msgspec.structs.replace(one.evidence, consequences=attached))
