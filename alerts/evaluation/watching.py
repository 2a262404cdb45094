"""Rules of units and meters by the clock, beside the evaluations of quotas: these must not wait for all meters."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from alerts import metrics
from alerts.consequences.attaching import attaching
from alerts.evaluation.beside import BesideService
from alerts.evaluation.looking import identities
from alerts.evaluation.step import is_due
from alerts.evaluation.subjects import Looking
from alerts.evaluation.withdrawing import rules_of, withdrawn
from alerts.life import store
from alerts.life.store import Outcome
from alerts.rules.judging import Judge
from alerts.rules.model import Rule, Subject
from alerts.series.catalogue import Catalogue
from alerts.series.frame import Frame, Ids
from alerts.settings import AlertsSettings
from energy.clocks import DataClock
from energy.storage import Connection, load_queries, translating

_AT_ONCE = 200
"""Units in one transaction, with all of their meters: what is computed at once holds up the rest of the process."""
_TRIES = 3
"""Looks at the same units where a person wrote of their alerts meanwhile; what is left then waits for the next pass."""
_SQL = load_queries("alerts.evaluation", "evaluation.sql")


class WatchService(BesideService):
    """See `BesideService`; a step is a pass over all units and meters by the rules that are due.

    Its lock is its own: it need not be done where quotas are evaluated. Alerts are written over the revision that was
    read, so that neither writes what the other has not seen.

    Args:
        settings: of the alerts service.
        rules: those of units and meters are judged; all are known, so that an alert of none of them is withdrawn.
        catalogue: of their series.
        clock: data time.

    Raises:
        ConfigError: a file of policies has faults.
    """

    name = "watch"
    lock = 0x71775F7761746368  # "qw_watch"

    def __init__(self, settings: AlertsSettings, rules: Sequence[Rule], catalogue: Catalogue, clock: DataClock) -> None:
        super().__init__(settings, clock)
        self._judges = [Judge(rule, catalogue) for rule in rules if rule.subject != "quota"]
        self._rules = rules_of(rules)
        self._attached = attaching(settings.consequences)
        self.begin()

    def begin(self) -> None:
        """All rules are due."""
        self._last: dict[str, datetime] = {}
        self._passes = 0

    async def step(self, connection: Connection) -> int:
        """One pass; how many alerts were written."""
        loop = asyncio.get_running_loop()
        began, now = loop.time(), self._clock.now()
        due = [judge for judge in self._judges if is_due(judge.rule, self._last, now, by_clock=True)]
        if self._passes and not due:
            return 0
        there: dict[Subject, list[Ids]] = {judge.rule.subject: [] for judge in due}
        written = 0
        with translating():
            units = [row["unit_id"] for row in await connection.fetch(_SQL.unit_ids)] if due else []
            for first in range(0, len(units), _AT_ONCE):
                frames, some = await self._look(connection, due, tuple(units[first : first + _AT_ONCE]))
                written += some
                for frame in frames:
                    there[frame.subject].append(identities(frame))
                if self._stopping.is_set():
                    return written
            written += await self._withdraw(connection, there)
        self._last.update(dict.fromkeys((judge.rule.code for judge in due), now))
        self._passes += 1
        metrics.evaluated("watch", loop.time() - began)
        return written

    async def _look(
        self, connection: Connection, due: Sequence[Judge], units: tuple[int, ...]
    ) -> tuple[list[Frame], int]:
        frames: list[Frame] = []
        written = 0
        for _ in range(_TRIES):
            async with Looking.begin(connection, self._clock.now(), self._attached) as looking:
                frames, found = await looking.beside_quotas(due, units)
            refused = await _keep(connection, found)
            written += len(found) - len(refused)
            if not refused:
                break
        return frames, written

    async def _withdraw(self, connection: Connection, there: dict[Subject, list[Ids]]) -> int:
        """End alerts of rules that are gone, and of subjects that the pass did not meet."""
        known: dict[Subject, Ids | None] = {"unit": None, "meter": None}
        known |= {subject: np.concatenate([np.zeros(0, np.int64), *some]) for subject, some in there.items()}
        found = await withdrawn(connection, self._rules, known, self._clock.now())
        return len(found) - len(await _keep(connection, found))


async def _keep(connection: Connection, found: Sequence[Outcome]) -> list[Outcome]:
    """Write them; those that were refused."""
    refused = await store.keep(connection, found)
    for one in found:
        if one not in refused:
            metrics.moved(one)
    return refused
