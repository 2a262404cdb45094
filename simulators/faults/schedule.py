"""When faults happen to one unit: on a script, or by chance from a seed. Pure, apart from what it remembers.

Chance strikes answers request by request, and values along data time. Each rule of each unit draws from numbers of its
own: the same requests to a unit meet the same faults, whatever is asked of the others.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from simulators.faults.kinds import MOMENTS, OF_VALUES, FaultKind
from simulators.faults.record import FaultRecord, Injected
from simulators.faults.settings import FaultSettings

_DAY_MS = 86_400_000
_FOR_EVER = math.inf


Place = tuple[str, int]
"""Name of a line, and a unit id."""


class Moment(NamedTuple):
    """When something is asked: data time (ms UTC), and real seconds since serving began."""

    at_ms: int
    real_s: float


class ValueFault(NamedTuple):
    """A fault of values: from `since_ms` to before `until_ms`, data time (ms UTC)."""

    settings: FaultSettings
    since_ms: float
    until_ms: float

    @property
    def kind(self) -> FaultKind:
        """What happens."""
        return self.settings.kind


class Struck(NamedTuple):
    """What happens to one request: faults of its answer, and faults of the values in it."""

    answer: list[FaultSettings]
    values: list[ValueFault]


class UnitFaults:
    """The faults of one unit.

    Args:
        rules: of this unit; more can be added at any time.
        place: its line's name and its unit id: for the record, and so that each unit has chances of its own.
        seed: of everything that is left to chance.
        start_ms: data time from which values are left to chance, ms UTC.
        record: takes note of what happens.
    """

    def __init__(
        self,
        rules: Iterable[FaultSettings] = (),
        *,
        place: Place = ("", 0),
        seed: int = 0,
        start_ms: int = 0,
        record: FaultRecord | None = None,
    ) -> None:
        self._place = place
        self._seed = seed
        self._start_ms = start_ms
        self._rules: list[_AnswerRule | _ValueRule] = []
        self.record = FaultRecord() if record is None else record
        self.requests = 0
        """Requests to the unit so far."""
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultSettings) -> None:
        """Let `rule` hold from the next request."""
        chance = random.Random(f"{self._seed}/{self._place}/{len(self._rules)}")  # noqa: S311 - repeatable on purpose
        made = _ValueRule if rule.kind in OF_VALUES else _AnswerRule
        self._rules.append(made(rule, chance, self._start_ms))

    def clear(self) -> None:
        """Let no fault hold from the next request; what has been injected stays in the record."""
        self._rules.clear()

    def strike(self, moment: Moment) -> Struck:
        """Count a request, and tell what happens to it.

        Faults of values are noted here when they begin; those of answers by the line, which knows what came true.
        """
        self.requests += 1
        struck = Struck([], [])
        for rule in self._rules:
            if isinstance(rule, _AnswerRule):
                if rule.strikes(moment, self.requests):
                    struck.answer.append(rule.settings)
                continue
            for fault in rule.faults(moment, self.requests):
                struck.values.append(fault)
                if rule.is_new(fault, moment.at_ms):
                    self.note(fault.kind, int(fault.since_ms))
        return struck

    def note(self, kind: FaultKind, at_ms: int) -> None:
        """Put a fault that came true into the record."""
        self.record.add(Injected(at_ms, *self._place, self.requests, kind))


class _AnswerRule:
    """A rule for answers."""

    def __init__(self, settings: FaultSettings, chance: random.Random, _start_ms: int) -> None:
        self.settings = settings
        self._chance = chance
        self._left = 0

    def strikes(self, moment: Moment, request: int) -> bool:
        """Whether it strikes this request."""
        if not _in_window(self.settings, moment, request):
            return False
        if self._left:
            self._left -= 1
            return True
        if self._chance.random() >= self.settings.probability:
            return False
        self._left = self.settings.lasts_requests - 1
        return True


class _ValueRule:
    """A rule for values: makes spans of data time of whatever its window is given in."""

    def __init__(self, settings: FaultSettings, chance: random.Random, start_ms: int) -> None:
        self.settings = settings
        self._begun_ms: float | None = None
        self._noted_ms = -_FOR_EVER
        self._random = iter(()) if settings.per_day is None else _at_random(settings, chance, start_ms)
        self._next = next(self._random, None)
        self._past: list[ValueFault] = []

    def is_new(self, fault: ValueFault, at_ms: int) -> bool:
        """Whether `fault` shows for the first time; each is noted once."""
        if not fault.since_ms <= at_ms or fault.since_ms <= self._noted_ms:
            return False
        self._noted_ms = fault.since_ms
        return True

    def faults(self, moment: Moment, request: int) -> list[ValueFault]:
        """What holds at `moment`; a `wrap` shows before its moment too."""
        if self.settings.per_day is not None:
            return self._by_chance(moment.at_ms)
        if self.settings.kind is FaultKind.WRAP:
            return [ValueFault(self.settings, _ms(self.settings.since, -_FOR_EVER), _FOR_EVER)]
        if not _in_window(self.settings, moment, request):
            return []
        if self._begun_ms is None:
            self._begun_ms = _ms(self.settings.since, moment.at_ms)
        return [ValueFault(self.settings, self._begun_ms, _ms(self.settings.until, _FOR_EVER))]

    def _by_chance(self, at_ms: int) -> list[ValueFault]:
        while self._next is not None and self._next.since_ms <= at_ms:
            self._past.append(self._next)
            self._next = next(self._random, None)
        if self.settings.kind in MOMENTS:
            # Only the last one still shows.
            self._past = self._past[-1:]
        else:
            self._past = [fault for fault in self._past if at_ms < fault.until_ms]
        return self._past


def _at_random(settings: FaultSettings, chance: random.Random, start_ms: int) -> Iterator[ValueFault]:
    """Moments with exponential gaps: a Poisson process of `per_day` events a day."""
    at = _ms(settings.since, start_ms)
    end = _ms(settings.until, _FOR_EVER)
    while settings.per_day is not None:
        at += chance.expovariate(settings.per_day / _DAY_MS)
        if at >= end:
            return
        lasts = _FOR_EVER if settings.kind in MOMENTS else settings.lasts_s * 1000
        # On a whole millisecond, as all data time.
        yield ValueFault(settings, math.ceil(at), math.ceil(at) + lasts)


def _in_window(settings: FaultSettings, moment: Moment, request: int) -> bool:
    if settings.from_s is not None or settings.until_s is not None:
        return (settings.from_s or 0.0) <= moment.real_s < _or_for_ever(settings.until_s)
    if settings.from_request is not None or settings.until_request is not None:
        return (settings.from_request or 1) <= request < _or_for_ever(settings.until_request)
    return _ms(settings.since, -_FOR_EVER) <= moment.at_ms < _ms(settings.until, _FOR_EVER)


def _or_for_ever(end: float | None) -> float:
    return _FOR_EVER if end is None else end


def _ms(moment: datetime | None, otherwise: float) -> float:
    return otherwise if moment is None else moment.timestamp() * 1000
