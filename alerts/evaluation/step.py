"""One evaluation: read, judge, advance each alert, keep what changed. It has no clock and no loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np

from alerts.evaluation import figures
from alerts.evaluation.figures import Figures, Written, figures_of
from alerts.evaluation.looking import identities
from alerts.evaluation.memory import Known, Memory
from alerts.evaluation.standing import SHIFT, Alerts, Standings
from alerts.evaluation.subjects import Attached, Looking
from alerts.evaluation.withdrawing import rules_of, withdrawn
from alerts.life import store
from alerts.life.store import Outcome
from alerts.rules.judging import Judge
from alerts.rules.model import Rule, Subject
from alerts.series import quotas
from alerts.series.catalogue import Catalogue
from alerts.series.columns import among
from alerts.series.frame import Frame, Ids, Scope
from alerts.series.quotas import QuotaFrame
from energy.storage import Connection, translating

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Wanted:
    """What an evaluation is to look at.

    Attributes:
        recent_days: periods that touch these last days, and any whose alert has not ended.
        touched: units, each from which day on something changed; None: all quotas.
        beside: with all quotas, look at all units and meters too, by the rules that are due by the clock. The service
            does that beside its evaluations, see `watching`.
    """

    recent_days: int
    touched: Mapping[int, date] | None = None
    beside: bool = True


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation found.

    Attributes:
        quotas: figures of the quotas that it looked at.
        written: what was written of alerts.
        again: units whose alerts a person wrote meanwhile: they have to be looked at again.
        changed: quotas, groups or the registry are others than at the evaluation before.
    """

    quotas: Figures
    written: tuple[Outcome, ...]
    again: tuple[int, ...] = ()
    changed: bool = False


@dataclass
class _Found:
    """What was read and judged, to be written."""

    figures: Figures
    rows: np.ndarray[tuple[int], np.dtype[np.int64]]
    outcomes: list[Outcome] = field(default_factory=list)


class Engine:
    """Evaluates rules; remembers what it need not read again, and when each rule that goes by the clock was last due.

    Args:
        rules: from `alerts.rules.files`.
        catalogue: the series that there are.
        stale_s: by how many seconds data may lag behind before pace and projection are not known.
        attached: what policies attach to a breach on such evidence; see `alerts.consequences.attaching`.
        courses_at_once: see `Memory`.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        catalogue: Catalogue,
        *,
        stale_s: float,
        attached: Attached = lambda _: (),
        courses_at_once: int | None = None,
    ) -> None:
        self._judges = [Judge(rule, catalogue) for rule in rules]
        self._rules = rules_of(rules)
        self._stale_s = stale_s
        self._attached = attached
        self._memory = Memory(courses_at_once)
        self._written = Written()
        self._widest = 0
        self._standings = Standings()
        self._last: dict[str, datetime] = {}

    def forget(self) -> None:
        """After an error, or when another instance may have evaluated: nothing that is remembered holds."""
        self._memory.forget()
        self._written.forget()
        self._standings.forget()
        self._last.clear()

    async def evaluate(self, connection: Connection, now: datetime, wanted: Wanted) -> Evaluated:
        """Evaluate; the same data at the same time again writes nothing.

        What is read is one moment's; what is written is one transaction. After an error nothing has been written.

        Raises:
            StorageError, SchemaError, …: as `energy.storage.translating` says; call `forget` then.
        """
        with translating():
            known, changed = await self._memory.renew(connection, now, wanted.touched or {})
            due = self._due(now, everything=wanted.touched is None)
            async with Looking.begin(connection, now, self._attached) as looking:
                found = await self._look(looking, known, wanted, due)
            async with connection.transaction():
                refused = await store.keep(connection, found.outcomes)
                await figures.write(connection, found.figures, found.rows, now)
        widest = wanted.touched is None and wanted.recent_days >= self._widest
        self._widest = wanted.recent_days if widest else self._widest
        self._written.remember(found.figures, found.rows, alone=widest)
        self._last.update(dict.fromkeys((judge.rule.code for judge in due if judge.rule.every_s), now))
        again = {one.unit_id for one in refused if one.unit_id is not None}
        kept = tuple(one for one in found.outcomes if one not in refused) if refused else tuple(found.outcomes)
        return Evaluated(found.figures, kept, tuple(sorted(again)), changed)

    def _due(self, now: datetime, *, everything: bool) -> list[Judge]:
        """Rules that are to be judged: those by the clock when all is looked at and their time has come."""
        return [judge for judge in self._judges if is_due(judge.rule, self._last, now, by_clock=everything)]

    async def _look(self, looking: Looking, known: Known, wanted: Wanted, due: Sequence[Judge]) -> _Found:
        connection, now = looking.connection, looking.now
        frame, standing = await self._quotas(connection, known, now, wanted)
        seen = figures_of(frame)
        found = _Found(seen, self._written.changed(seen))
        of_quotas = [judge for judge in due if judge.rule.subject == "quota"]
        found.outcomes += await looking.outcomes(of_quotas, frame, standing)
        frames: list[Frame] = []
        if wanted.touched is not None or wanted.beside:
            frames, outcomes = await looking.beside_quotas(
                due, None if wanted.touched is None else tuple(wanted.touched)
            )
            found.outcomes += outcomes
        if wanted.touched is None:
            there: dict[Subject, Ids | None] = {"quota": identities(frame)}
            if wanted.beside:
                there |= {"unit": None, "meter": None}
                there |= {one.subject: identities(one) for one in frames}
            found.outcomes += await withdrawn(connection, self._rules, there, now)
        return found

    async def _quotas(
        self, connection: Connection, known: Known, now: datetime, wanted: Wanted
    ) -> tuple[QuotaFrame, Alerts]:
        """The figures of quotas, and where their alerts stand: of the same periods, and any that has not ended."""
        touched = None if wanted.touched is None else tuple(wanted.touched)
        scope = Scope(now, touched, wanted.recent_days)
        due = quotas.concerned(known.book, known.members, scope)
        ids = None if touched is None else np.unique(known.book.ids[due.rows]).tolist()
        starts = [_EPOCH + timedelta(days=one.first) for one in due.stretches]
        standing = await self._standings.read(connection, starts, ids)
        # Of what is looked at anyway nothing has to be said.
        there = known.book.ids[due.rows] * SHIFT + due.column("first")
        keys = [one.key for one in standing.known[standing.open & ~among(standing.identity, there)]]
        also = tuple((key.subject_id, key.period_start) for key in keys if key.period_start is not None)
        scope = Scope(now, touched, wanted.recent_days, also)
        frame = await quotas.read(
            connection, known.book, known.members, scope, stale_s=self._stale_s, projecting=known.projecting
        )
        return frame, standing


def is_due(rule: Rule, last: Mapping[str, datetime], now: datetime, *, by_clock: bool) -> bool:
    """Whether a rule is to be judged: one with `every` only by the clock, and when its time has come since `last`."""
    if rule.every_s == 0:
        return True
    before = last.get(rule.code)
    return by_clock and (before is None or not before <= now < before + timedelta(seconds=rule.every_s))
