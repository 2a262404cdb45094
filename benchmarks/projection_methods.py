"""How well methods of projection tell the end of a period, on real meters with invented quotas: `docs/projection.md`.

Each month, quarter and year of each meter gets quotas at 90, 100 and 110 % of what was used in the end, seen at the end
of every day. `projection_<kind>_<method>`: mean error half-way through, in per cent of the true total; beside it the
errors after a quarter and three quarters, the interval's coverage, days of warning before the breach of the 90 % quota,
and shares of periods: breaches missed, quotas at 100 and 110 % that it warned of though they held, and how often a
warning came and went. `python -m benchmarks.projection_methods` prints the table of the docs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alerts.projecting.history import courses_of
from alerts.projecting.model import Projection, Watched
from alerts.projecting.project import project
from alerts.quotas.profile import EVEN, LastYear
from alerts.series.frame import Floats
from benchmarks.figures import Figure
from benchmarks.projection_data import ZONE, Kind, Meter, Period, meters
from deploy.stack import Endpoints

KINDS: tuple[Kind, ...] = ("month", "quarter", "year")
LIMITS = (0.9, 1.0, 1.1)
AT = (0.25, 0.5, 0.75)
OWN = {
    "even_pace": (("pace",), EVEN),
    "last_year_pace": (("pace",), LastYear()),
    "last_year": (("last_year",), EVEN),
    "like_days": (("like_days",), EVEN),
    "mixture": (("mixture",), EVEN),
}
"""Method and profile of each; `last_year_pace` is the same period of last year, scaled by how much of each was used."""
SURE = "mixture_low"
"""The mixture, warning only when the low end of its interval is above the limit."""
OWN_OF = {SURE: "mixture"}
LIBRARY = ("ets", "theta")
ALL = (*OWN, SURE, *LIBRARY)
MIN_ELAPSED: dict[Kind, float] = {"month": 0.03, "quarter": 0.03, "year": 0.02}
CLEAR = 0.97
"""As the shipped rule has it: a warning ends below this share of the limit."""
_DAY_US = 86_400_000_000


@dataclass
class Score:
    """What one method came to over the periods of one kind and meter.

    Attributes:
        errors: per period at each of `AT`, as shares of the true total.
        inside: whether each look's interval held the end.
        warned_days: days from the warning to the breach, at the lowest limit; 0 where it was missed.
        held: warned of a quota that held, at 100 and at 110 %.
        flaps: times that a warning came or went after it first came, any limit.
    """

    errors: list[tuple[float, ...]] = field(default_factory=list)
    inside: list[bool] = field(default_factory=list)
    warned_days: list[int] = field(default_factory=list)
    held: list[tuple[bool, bool]] = field(default_factory=list)
    flaps: list[int] = field(default_factory=list)


def watched(meter: Meter, period: Period, profile: object = EVEN) -> Watched:
    """A quota of the true total, looked at at the end of each day but the last."""
    ends = np.arange(period.first + 1, period.until)
    used = meter.used[period.first - meter.first : period.until - meter.first].cumsum()
    same = np.ones(len(ends), np.int64)
    return Watched(
        used=used[:-1],
        limit=np.full(len(ends), used[-1]),
        first_day=same * period.first,
        until_day=same * period.until,
        at_us=ends * _DAY_US,
        zone=same * 0,
        zones=(ZONE,),
        profile=same * 0,
        profiles=(profile,),  # type: ignore[arg-type] # one of the profiles of OWN, which mypy sees as objects
        course=np.arange(len(ends)),
    )


def projected(meter: Meter, period: Period, method: str) -> Projection:
    """What a method of ours says at the end of each day."""
    methods, profile = OWN[OWN_OF.get(method, method)]
    quota = watched(meter, period, profile)
    history = meter.history(np.arange(period.first + 1, period.until), period)
    return project(quota, courses_of(history), methods)


def score(found: Score, kind: Kind, used: Floats, says: Projection | Floats, *, sure: bool = False) -> None:
    """Add what one method said of one period; `used` is by day, `sure` warns by the low end of the interval."""
    ends = says if isinstance(says, np.ndarray) else says.projected
    raises = says.low if sure and isinstance(says, Projection) else ends
    total, elapsed = used.sum(), np.arange(1, len(used)) / len(used)
    found.errors.append(tuple(abs(float(ends[np.argmin(np.abs(elapsed - at))]) / total - 1) for at in AT))
    if isinstance(says, Projection):
        found.inside += [bool(one) for one in ((says.low <= total) & (total <= says.high))[np.isfinite(says.low)]]
    breach = int(np.argmax(used.cumsum() > LIMITS[0] * total))
    judged = elapsed >= MIN_ELAPSED[kind]
    on = [_warned(raises / (limit * total), ends / (limit * total), judged) for limit in LIMITS]
    before = on[0][:breach]
    # The warning that the breach ended: one that had gone again does not count.
    begun = breach - int(np.argmin(before[::-1])) if before.any() and not before.all() else 0
    found.warned_days.append(breach - begun if before.any() and before[-1] else 0)
    found.held.append((bool(on[1].any()), bool(on[2].any())))
    found.flaps += [max(0, int(np.abs(np.diff(one.astype(np.int8))).sum()) - 1) for one in on]


def _warned(raises: Floats, holds: Floats, judged: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """On which days a warning stands, with the shipped rule's hysteresis."""
    stands, days = False, []
    for over, share, may in zip(raises, holds, judged, strict=True):
        stands = bool(may) and bool(over > 1 or (stands and share >= CLEAR))
        days.append(stands)
    return np.array(days)


def scores(kind: Kind, some: Sequence[Meter], names: Iterable[str]) -> dict[tuple[str, str], Score]:
    """By meter and method, over the periods of a kind before which a year is known."""
    found = {(meter.name, name): Score() for meter in some for name in names}
    for number, meter in enumerate(some):
        ahead = {name: _library(number, name) for name in names if name in LIBRARY}
        for period in _comparable(meter, kind):
            used = meter.used[period.first - meter.first : period.until - meter.first]
            for name in names:
                says = _by_library(ahead[name], period, used) if name in LIBRARY else projected(meter, period, name)
                score(found[meter.name, name], kind, used, says, sure=name == SURE)
    return found


def _comparable(meter: Meter, kind: Kind) -> Iterator[Period]:
    """Periods that last year has something to say of, at every look."""
    for period in meter.periods(kind):
        if np.isfinite(projected(meter, period, "last_year").projected).all():
            yield period


@cache
def _library(number: int, name: str) -> dict[int, Floats]:
    from benchmarks.projection_library import forecasts  # noqa: PLC0415 - only whole runs need the library

    return forecasts(meters()[number], name)


def _by_library(ahead: dict[int, Floats], period: Period, used: Floats) -> Floats:
    """Used so far and the forecast of the days that are left."""
    ends = []
    for day, so_far in enumerate(used.cumsum()[:-1], 1):
        made = max(one for one in ahead if one <= period.first + day)
        gone = period.first + day - made
        ends.append(so_far + ahead[made][len(used) - day + gone] - ahead[made][gone])
    return np.array(ends)


HEADINGS = (
    "error at 25 %",
    "50 %",
    "75 %",
    "days of warning",
    "missed",
    "false at 100 %",
    "at 110 %",
    "flaps",
    "in 80 %",
)


def figures(one: Score) -> tuple[float, ...]:
    """A row under `HEADINGS`: per cent, days (median, of those that were not missed), changes per period."""
    errors, held = 100 * np.array(one.errors).mean(axis=0), 100 * np.array(one.held).mean(axis=0)
    days = np.array(one.warned_days)
    warned = float(np.median(days[days > 0])) if (days > 0).any() else 0.0
    inside = 100 * float(np.mean(one.inside)) if one.inside else np.nan
    flaps = sum(one.flaps) / len(one.held)
    return (*errors, warned, 100 * float((days == 0).mean()), *held, flaps, inside)


def table(kind: Kind, found: dict[tuple[str, str], Score]) -> Iterator[str]:
    """Markdown: methods in the order of their mean error over the three looks, each meter weighing the same."""
    names = list(dict.fromkeys(name for _, name in found))
    some = list(dict.fromkeys(meter for meter, _ in found))
    rows = {name: np.mean([figures(found[meter, name]) for meter in some], axis=0) for name in names}
    periods = ", ".join(f"{meter} {len(found[meter, names[0]].held)}" for meter in some)
    yield f"Per {kind} ({periods}):"
    yield ""
    yield f"| method | {' | '.join(HEADINGS)} |"
    yield f"|---|{'---:|' * len(HEADINGS)}"
    for name in sorted(names, key=lambda name: float(rows[name][:3].mean())):
        cells = (f"{value:.1f}" if np.isfinite(value) else "" for value in rows[name])
        yield f"| `{name}` | {' | '.join(cells)} |"
    yield ""


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Every kind of period and method; needs neither the stack nor the directory."""
    del endpoints, directory
    some = meters()
    results = []
    for kind in KINDS:
        found = scores(kind, some, ALL)
        for name in ALL:
            rows = np.mean([figures(found[meter.name, name]) for meter in some], axis=0)
            settings = dict(zip(HEADINGS, (round(float(one), 1) for one in rows), strict=True))
            results.append(Figure(f"projection_{kind}_{name}", float(rows[1]), "%", settings))
    return results


def main() -> int:
    """Print the table."""
    some = meters()
    for kind in KINDS:
        begun = time.monotonic()
        print("\n".join(table(kind, scores(kind, some, ALL))))
        print(f"{kind}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
