"""What quotas are judged by is read from totals as it stands there, however it is packed on the way."""

from __future__ import annotations

from datetime import date

import numpy as np

from alerts.series.quota_sums import MEASURES, Carriers, Sums, read_carriers, read_sums
from energy.storage import Connection
from tests.support.quota_world import add_units

NAMES = ("electricity", "natural_gas")
_DAYS = """
insert into unit_day (unit_id, day, carrier, amount, kgce, kgce_equal, kgco2, quality, provisional, covered_s, due_s,
    metered_quality)
select unit_id, '2026-01-31', carrier, n, n * 2, n * 3, n * 4, n % 5, n % 2 = 0, n * 1000, 86400,
    case when n % 3 > 0 then 0 end
from unit cross join unnest(array['electricity', 'natural_gas']) with ordinality as c (carrier, place)
cross join lateral (select unit_id * 2 + place as n) v
"""
_MONTHS = """
insert into unit_month (unit_id, kind, month, carrier, amount, kgce, kgce_equal, kgco2, purchased, renewable, produced,
    sold, feedstock, stock_decrease, feedstock_kgce, feedstock_kgce_equal, quality, provisional, by_hand, covered_s,
    due_s, days, metered_days)
select unit_id, kind, month::date, carrier, n, n * 2, n * 3, n * 4, 0, 0, 0, 0, 0, 0, 0, 0, n % 5, n % 2 = 0, false,
    n * 3000000000, 5000000000, 31, 31 - n % 4
from unit cross join unnest(array['electricity', 'natural_gas']) with ordinality as c (carrier, place)
cross join unnest(array['month', 'statistics_month']) as kind
cross join generate_series(timestamp '2026-01-01', '2026-12-01', interval '1 month') as month
cross join lateral (select unit_id * 2 + place as n) v
where not (unit_id % 3 = 0 and carrier = 'natural_gas')
"""


_STANDS = {
    ("day", date(2026, 1, 31)): ("unit_day where day = $1", "1, (metered_quality is not null)::int4"),
    ("month", date(2026, 1, 1)): ("unit_month where kind = 'month' and month = $1", "days, metered_days"),
    ("statistics_month", date(2026, 2, 1)): (
        "unit_month where kind = 'statistics_month' and month = $1",
        "days, metered_days",
    ),
    ("quarter", date(2026, 4, 1)): ("unit_period where period = 'quarter' and period_start = $1", "days, metered_days"),
    ("year", date(2026, 1, 1)): ("unit_period where period = 'year' and period_start = $1", "days, metered_days"),
}
"""Where the sums of a period stand, and its days and metered days there."""


async def test_sums_are_what_stands_in_totals(undone: Connection) -> None:
    """Every quality, provisional or not, a year of days; of what is not asked for, and not there, nothing."""
    await add_units(undone, [f"u{number}" for number in range(5)], NAMES)
    await undone.execute(_DAYS)
    await undone.execute(_MONTHS)
    carriers = await read_carriers(undone, NAMES, None)
    for period, (source, days) in _STANDS.items():
        for asked in (set(MEASURES), {"kgce"}):
            amounts = ", ".join(f"{name}::float8" if name in asked else "-1" for name in MEASURES)
            query = f"select unit_id, carrier, {amounts}, quality, provisional, {days}, covered_s, due_s from {source}"  # noqa: S608 - names of this module
            stands = {tuple(row) for row in await undone.fetch(query, period[1])}
            assert len(stands) > len(NAMES)
            assert _rows(carriers, await read_sums(undone, carriers, period, asked, None)) == stands


def _rows(carriers: Carriers, sums: Sums) -> set[tuple[object, ...]]:
    """Of the carriers that have any."""
    columns = (
        carriers.unit,
        np.array(["", *NAMES])[carriers.carrier],
        *(np.nan_to_num(sums.amounts[name], nan=-1.0) for name in MEASURES),
        *(sums.quality, sums.provisional, sums.days, sums.metered_days, sums.covered_s, sums.due_s),
    )
    nothing = ~sums.present
    assert (sums.quality[nothing] == -1).all()
    return set(zip(*(column[sums.present].tolist() for column in columns), strict=True))
