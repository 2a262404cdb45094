"""The checks on the real load of three meters: how often they speak of data in which nothing is known to be wrong."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from ingest.accounting.algebra.columns import INTERVAL_MS
from ingest.accounting.validation.checks.standstill import context_of
from ingest.accounting.validation.loading import shipped_checks
from tests.support.validation_world import day_of, judged, points, with_shown

DAY_MS = 86_400_000

FILES = {
    # hours between stamps, carrier, at most so many findings per hundred days: of one household, of the sum of ten days
    "uk-electricity-hdd-only-hourly-sample-0": (1.0, "electricity", {"spike": 13.0}, {}),
    "uk-electricity-hdd-only-hourly-sample-2": (0.5, "electricity", {"spike": 5.0}, {"spike": 11.0}),
    "uk-gas-hdd-only-hourly-sample-0": (1.0, "natural_gas", {"spike": 22.0}, {"spike": 2.0}),
}
TOGETHER = 10


def _whole_days(name: str, hours: float) -> list[Any]:
    """Quanta per slot of the days that the file has whole, after the day before, which it has whole too."""
    path = files("simulators") / "data" / f"{name}.csv.gz"
    with path.open("rb") as raw, gzip.open(raw, "rt") as text:
        by_stamp = {_ms(row["start"]): float(row["value"]) for row in csv.DictReader(text)}
    step = round(hours * 3_600_000)
    times, per_day = step // INTERVAL_MS, DAY_MS // step
    found = []
    for day in range(min(by_stamp) // DAY_MS + 1, max(by_stamp) // DAY_MS):
        stamps = [day * DAY_MS + n * step for n in range(-per_day, per_day)]
        if all(stamp in by_stamp for stamp in stamps):
            register = np.cumsum([0.0, *(by_stamp[stamp] for stamp in stamps)]) * 1000
            borders = np.interp(np.arange(times * len(stamps) + 1) / times, np.arange(len(register)), register)
            found.append(np.diff(np.rint(borders)).astype(np.int64))
    return found


def _ms(text: str) -> int:
    stamp = datetime.fromisoformat(text)
    return round(stamp.replace(tzinfo=stamp.tzinfo or UTC).timestamp() * 1000)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("together", [1, TOGETHER])
def test_false_alarms_on_real_loads_are_rare(name: str, together: int) -> None:
    """Per hundred days of one household, the hardest case, and of ten days of it at once, smoother as a plant is.

    Checks that are not named say nothing at all.
    """
    hours, carrier, alone, summed = FILES[name]
    bounds = alone if together == 1 else summed
    step = round(hours * 4)
    days = np.array(_whole_days(name, hours))
    days = days[: len(days) // together * together].reshape(-1, together, days.shape[1]).sum(axis=1)
    about = points(len(days), shipped_checks().of("", carrier), interval_ms=step * INTERVAL_MS)
    context = min(context_of(about), 96)
    day = day_of(days[:, 96 - context :], about, context=context)
    at = day.shown.at % (step * INTERVAL_MS) == 0
    kept = {name: getattr(day.shown, name)[at] for name in ("point", "at", "value", "ratio", "doubtful")}
    day = with_shown(day, **kept)
    told = Counter(check for check, _ in {(one.check, one.point) for one in judged(day)})
    rates = {check: 100 * count / len(days) for check, count in told.items()}
    print(name, together, len(days), rates)  # noqa: T201 - with -s: the figures of the report
    assert {check for check, rate in rates.items() if rate > bounds.get(check, 0.0)} == set()
