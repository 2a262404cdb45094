"""Local days made by hand for the checks: a few points, amounts in quanta, readings that agree with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from energy.periods import day_start
from ingest.accounting.algebra.columns import INTERVAL_MS, Kind
from ingest.accounting.validation.checks.balance import Children
from ingest.accounting.validation.checks.standstill import Before, zero_runs
from ingest.accounting.validation.day import Contested, Day, Finding, Points, Shown, Siblings
from ingest.accounting.validation.judge import judge
from ingest.accounting.validation.loading import shipped_checks
from ingest.accounting.validation.parameters import Rules

DAY = date(2026, 3, 4)
"""A working Wednesday."""
ZONE = "Asia/Shanghai"
SINCE = round(day_start(DAY, ZONE).timestamp() * 1000)
CONTEXT = 32
SLOTS = 96
DEFAULT = shipped_checks().default


def rules(**changes: dict[str, Any]) -> Rules:
    """The shipped defaults with some parameters of some checks changed: `spike={"over": 1.0}`."""
    checks: dict[str, Any] = {
        name: type(getattr(DEFAULT, name))(
            **{
                **{field: getattr(getattr(DEFAULT, name), field) for field in getattr(DEFAULT, name).__struct_fields__},
                **given,
            }
        )
        for name, given in changes.items()
    }  # fmt: skip - one table
    return Rules(**{**{name: getattr(DEFAULT, name) for name in Rules.__struct_fields__}, **checks})


def only(check: str, **given: Any) -> Rules:
    """Rules with one check on, and all others off."""
    off: dict[str, dict[str, Any]] = {name: {"enabled": False} for name in Rules.__struct_fields__}
    return rules(**{**off, check: {"enabled": True, **given}})


def points(count: int = 1, chosen: Rules = DEFAULT, **columns: Any) -> Points:
    """Registers in kWh with quanta of 0.001, read every quarter hour."""
    usual: dict[str, Any] = {
        "kind": int(Kind.REGISTER),
        "quantum": 0.001,
        "resolution": 0.0,
        "float32": False,
        "interval_ms": INTERVAL_MS,
        "most_per_hour": np.nan,
        "may_fall": False,
        "backward": False,
    }
    values = {**usual, **columns}
    kinds = {"kind": np.int64, "interval_ms": np.int64, "float32": np.bool_, "may_fall": np.bool_, "backward": np.bool_}
    arrays: dict[str, Any] = {
        name: np.full(count, value, kinds.get(name, np.float64)) for name, value in values.items()
    }
    return Points(id=np.arange(1, count + 1), rules=[chosen] * count, **arrays)


def day_of(
    quanta: Sequence[Sequence[int]] | np.ndarray[Any, Any],
    about: Points,
    *,
    context: int = CONTEXT,
    start: int = 5_000_000,
    **columns: Any,
) -> Day:
    """A day whose slots (those of the context first) are all measured, with readings on every border."""
    amounts = np.array(quanta, np.int64)
    count, slots = amounts.shape
    since = columns.pop("since", SINCE)
    first = since - context * INTERVAL_MS
    register = start + np.pad(np.cumsum(amounts, axis=1), ((0, 0), (1, 0)))
    borders = first + INTERVAL_MS * np.arange(slots + 1)
    shown = Shown(
        point=np.repeat(np.arange(count), slots + 1),
        at=np.tile(borders, count),
        value=(register * about.quantum[:, None]).ravel(),
        ratio=np.ones(count * (slots + 1)),
        doubtful=np.zeros(count * (slots + 1), np.bool_),
    )
    nothing = np.full((count, slots), np.nan)
    usual: dict[str, Any] = {
        "quality": np.zeros((count, slots), np.int64),
        "flags": np.zeros((count, slots), np.int64),
        "method": np.zeros((count, slots), np.int64),
        "covered_s": np.full((count, slots), 900),
        "present": np.ones((count, slots), np.bool_),
        "horizon": np.full(count, since),
        "shown": shown,
        "contested": Contested(np.empty(0, np.int64), np.empty(0, np.int64)),
        "siblings": Siblings(nothing, nothing, np.stack([nothing] * 3), np.stack([nothing] * 3)),
    }
    return Day(date=DAY, points=about, since=since, context=context, quanta=amounts, **{**usual, **columns})


def ordinary(count: int = 1, *, slots: int = CONTEXT + SLOTS, seed: int = 7) -> np.ndarray[Any, Any]:
    """Amounts of a load that changes all the time and does nothing odd."""
    rng = np.random.default_rng(seed)
    return np.asarray(20_000 + rng.integers(-4_000, 4_000, (count, slots)), np.int64)


def nothing_before(candidates: int = 0) -> Before:  # noqa: ARG001 - reads well where there are candidates
    """No comparable weeks."""
    return Before(np.empty(0, np.int64), np.empty(0))


def no_children(day: Day) -> Children:
    """No meters below."""
    count, slots = len(day.points), day.slots - day.context
    empty = np.zeros((count, slots))
    return Children(empty, empty > 0, np.zeros(count, np.int64), np.zeros(count, np.bool_), np.zeros(count))


def judged(day: Day) -> list[Finding]:
    """What all checks find of a day without history and children."""
    return judge(day, zero_runs(day), nothing_before(), no_children(day))


def names(found: Iterable[Finding]) -> list[str]:
    """Which checks found something."""
    return sorted({one.check for one in found})


def with_shown(day: Day, **columns: Any) -> Day:
    """The day with some columns of its readings changed."""
    return replace(day, shown=replace(day.shown, **columns))


def slots(day: Day, one: Finding) -> tuple[int, int]:
    """Begin and end of a finding in slots of the day itself; negative before it."""
    return (one.since - day.since) // INTERVAL_MS, (one.until - day.since) // INTERVAL_MS


def covered(day: Day, found: list[Finding]) -> set[int]:
    """Slots of the day itself, and negative ones before it, that findings cover; each covers at least one."""
    assert all(one.since < one.until for one in found)
    return {slot for one in found for slot in range(*slots(day, one))}


def runs_of(holds: list[bool], context: int, least: int) -> set[int]:
    """Slots of runs that are long enough and reach into the day; not what the day before has found."""
    wanted: set[int] = set()
    at = 0
    while at < len(holds):
        end = at
        while end < len(holds) and holds[end]:
            end += 1
        if end - at >= least and end > context:
            wanted |= set(range(context if context - at >= least else at, end))
        at = max(end, at + 1)
    return {slot - context for slot in wanted}
