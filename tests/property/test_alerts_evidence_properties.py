"""Evidence: what is stored is enough to reach the same verdict again, from any data."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts.evidence import CarrierUse, Evidence, WatchedPeriod, observe, rejudge
from alerts.quotas import QuotaRule
from alerts.verdicts import Verdict
from energy.periods import day_start, period_of

ZONE = "Asia/Shanghai"
FIRST = date(2026, 3, 1)
CARRIERS = ("electricity", "heat", "natural_gas")


def watched(measure: str = "tce", limit: str = "100", period: str = "month") -> WatchedPeriod:
    """March 2026 of an invented unit."""
    span = period_of(day_start(FIRST, ZONE), period, ZONE)
    unit = {"tce": "tce", "tce_equal": "tce", "tco2": "tCO2"}.get(measure, "kWh")
    return WatchedPeriod(
        code="q",
        source="invented document",
        measure=measure,
        period="month",
        limit=Decimal(limit),
        limit_unit=unit,
        rule=QuotaRule(),
        unit="u",
        zone=ZONE,
        day=FIRST,
        start=span.start,
        end=span.end,
    )


amounts = st.decimals(0, 10**6, places=3)


@st.composite
def carrier_uses(draw: st.DrawFn) -> tuple[CarrierUse, ...]:
    """What a unit used by some carriers, each up to its own moment, or never."""
    chosen = draw(st.lists(st.sampled_from(CARRIERS), unique=True))
    start = day_start(FIRST, ZONE)
    return tuple(
        CarrierUse(
            carrier=carrier,
            amount=draw(amounts),
            kgce=draw(amounts),
            kgce_equal=draw(amounts),
            kgco2=draw(amounts),
            days=draw(st.integers(0, 31)),
            quality=draw(st.none() | st.integers(0, 3)),
            provisional=draw(st.booleans()),
            ready=draw(st.none() | st.integers(-3600, 32 * 86400).map(lambda s: start + timedelta(seconds=s))),
        )
        for carrier in chosen
    )


moments = st.datetimes(datetime(2026, 2, 27), datetime(2026, 5, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - hypothesis draws naive ones


@given(carrier_uses(), moments, st.sampled_from(["tce", "tce_equal", "tco2", "electricity"]), st.integers(1, 3000))
def test_stored_evidence_recomputes_its_verdict(
    uses: tuple[CarrierUse, ...], now: datetime, measure: str, limit: int
) -> None:
    """Through JSON and back, the judgement follows from the parts alone, and the parts add up to the use."""
    evidence = observe(watched(measure, str(limit)), uses, now)
    stored = msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence)
    assert stored == evidence
    assert rejudge(stored) == stored.judgement
    assert stored.used == sum((use.in_measure(measure) for use in stored.carriers), Decimal(0))


@given(carrier_uses(), moments, st.randoms(use_true_random=False))
def test_the_order_of_carriers_does_not_matter(uses: tuple[CarrierUse, ...], now: datetime, random: Random) -> None:
    """The verdict is a function of what was used, not of how rows came."""
    shuffled = list(uses)
    random.shuffle(shuffled)
    one, other = observe(watched(), uses, now), observe(watched(), shuffled, now)
    assert (one.judgement, one.used, one.ready) == (other.judgement, other.used, other.ready)


@given(carrier_uses(), moments)
def test_a_silent_carrier_is_never_all_clear(uses: tuple[CarrierUse, ...], now: datetime) -> None:
    """One carrier without a single reading leaves only a breach certain."""
    silent = CarrierUse(
        "raw_coal", Decimal(0), Decimal(0), Decimal(0), Decimal(0), 0, None, provisional=False, ready=None
    )
    verdict = observe(watched(), (*uses, silent), now).judgement.verdict
    assert verdict in {Verdict.NO_DATA, Verdict.EXCEEDED}


def test_a_day_without_data_makes_the_month_incomplete() -> None:
    """Nine days of data up to the tenth day: what is missing may hide a breach."""
    ready, ten = day_start(FIRST, ZONE) + timedelta(days=9, hours=12), Decimal(10)
    use = CarrierUse("electricity", ten, ten, ten, ten, 9, 0, provisional=False, ready=ready)
    assert observe(watched(), [use], ready).judgement.verdict is Verdict.INCOMPLETE
    complete = msgspec.structs.replace(use, days=10)
    assert observe(watched(), [complete], ready).judgement.verdict is Verdict.OK


def test_a_carrier_that_is_ahead_cannot_hide_its_missing_day_behind_one_that_lags() -> None:
    """Nine days of one carrier up to the tenth day, while the other one, complete, has come to the end of the ninth."""
    ready, ten = day_start(FIRST, ZONE) + timedelta(days=9, hours=3), Decimal(10)
    ahead = CarrierUse("electricity", ten, ten, ten, ten, 9, 0, provisional=False, ready=ready)
    lagging = msgspec.structs.replace(ahead, carrier="natural_gas", ready=ready - timedelta(hours=4))
    assert observe(watched(), [ahead, lagging], ready).judgement.verdict is Verdict.INCOMPLETE
