"""Forecasts by a library, statsmodels, from each day on: what the project's own methods are compared with.

Exponential smoothing with a damped trend and a week's season (ETS), and the Theta method with a week's season; both
see the days before yesterday, at most two years of them, those not known filled as the meter's invented load is.
The library comes with the extra `comparison`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel

from alerts.projecting.history import RECENT_DAYS, SETTLED_DAYS
from alerts.series.frame import Floats
from benchmarks.projection_data import Meter

WEEK = 7
LONGEST = 366 + WEEK + SETTLED_DAYS
_MOST_DAYS = 730
_ETS = {
    "trend": "add",
    "damped_trend": True,
    "seasonal": "add",
    "seasonal_periods": WEEK,
    "initialization_method": "heuristic",
}
"""Error, trend and season add up; starting values are guessed, as estimating them takes four times as long."""


def forecasts(meter: Meter, method: str) -> dict[int, Floats]:
    """By the day's number: cumulative use from its start on, day by day, as the method ("ets" or "theta") expects it.

    Once a week, since a fit takes a tenth of a second: what is between two goes by the one before.
    """
    return {
        meter.first + day: _from(meter.used[max(0, day - SETTLED_DAYS - _MOST_DAYS) : day - SETTLED_DAYS], method)
        for day in range(RECENT_DAYS + SETTLED_DAYS, len(meter.used), WEEK)
    }


def _from(past: Floats, method: str) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of every fit that ends early
        ahead: Any = (
            ETSModel(past, **_ETS).fit(disp=0).forecast(LONGEST)
            if method == "ets"
            else ThetaModel(past, period=WEEK, method="additive").fit().forecast(LONGEST)
        )
    days = np.maximum(np.asarray(ahead, np.float64)[SETTLED_DAYS:], 0.0)
    return np.concatenate([[0.0], days.cumsum()])
