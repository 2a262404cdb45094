"""Which quota of a city will fire when, and why: worked out from the data files, before anything is started.

    quotawatt simulate forecast CITY.toml

It judges with the alerts' own arithmetic and state machine, at every polling interval, on what the gate meters will
have counted by then. The demo finds the same a little later: as soon as the readings have come through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from alerts.arithmetic import Figures, Judgement, judge
from alerts.quotas.model import QuotaSpec
from alerts.states import AlertState, Seen, Standing, advance
from alerts.verdicts import Verdict
from deploy.demo.city import City, CityUnit
from deploy.demo.city_parts import city_loads, load_settings
from energy.factors import Factor, shipped_factors
from energy.periods import Period, local_day, period_of
from simulators.loads.catalogue import LoadSettings
from simulators.loads.shapes import Load

_SHOWN = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires, or goes on to a breach.

    Attributes:
        at: data time.
        unit: the unit.
        quota: its quota.
        verdict: on course, or exceeded.
        used: in the period until then, in the quota's unit of measure.
        projected: use at the end of the period at the pace so far.
    """

    at: datetime
    unit: CityUnit
    quota: QuotaSpec
    verdict: Verdict
    used: Decimal
    projected: Decimal | None


def forecast(city: City, days: int) -> list[Firing]:
    """Every firing within `days` days of the city's start, in the order of time."""
    loads = city_loads(city)
    found = [firing for unit in city.unit for firing in _UnitForecast(city, unit, loads).firings(days)]
    return sorted(found, key=lambda firing: (firing.at, firing.quota.code))


class _UnitForecast:
    """One unit's use, step by step, and the state of its alerts."""

    def __init__(self, city: City, unit: CityUnit, loads: Mapping[str, LoadSettings]) -> None:
        self._city = city.city
        self._unit = unit
        self._factors = shipped_factors()
        offset = city.city.utc_offset_s
        self._meters = [
            (meter.carrier, Load(load_settings(meter, loads), offset)) for meter in unit.meter if meter.level == 1
        ]
        self._used: dict[str, tuple[Period, Decimal]] = {}
        self._standings: dict[str, Standing] = {}

    def firings(self, days: int) -> Iterator[Firing]:
        """Walk from the city's start in steps of the polling interval."""
        step = timedelta(seconds=self._city.interval_s)
        before = self._city.start.astimezone(UTC)
        end = before + timedelta(days=days)
        levels = [load.level(_ms(before)) for _, load in self._meters]
        while before < end:
            at = before + step
            reached = [load.level(_ms(at)) for _, load in self._meters]
            amounts = [
                (carrier, Decimal(after - earlier))
                for (carrier, _), after, earlier in zip(self._meters, reached, levels, strict=True)
            ]
            for quota in self._unit.quota:
                yield from self._look(quota, before, at, amounts)
            before, levels = at, reached

    def _look(
        self, quota: QuotaSpec, since: datetime, at: datetime, amounts: list[tuple[str, Decimal]]
    ) -> Iterator[Firing]:
        period = period_of(since, quota.period, self._city.zone)
        known, used = self._used.get(quota.code, (period, Decimal(0)))
        if known != period:
            used = Decimal(0)
            self._standings.pop(quota.code, None)
        used += sum((self._counted(quota, carrier, amount, since) for carrier, amount in amounts), Decimal(0))
        self._used[quota.code] = (period, used)
        judgement = judge(self._figures(quota, period, used, at), quota.rule)
        seen = Seen(judgement.verdict, judgement.mark, judgement.clear, at >= period.end, at, period.end)
        standing, transition = advance(self._standings.get(quota.code), seen, quota.rule, at)
        self._standings[quota.code] = standing
        if transition is not None and transition.to_state is AlertState.FIRING:
            yield self._firing(quota, at, used, judgement)

    def _figures(self, quota: QuotaSpec, period: Period, used: Decimal, at: datetime) -> Figures:
        return Figures(
            used=used,
            limit=quota.limit,
            start=period.start,
            end=period.end,
            ready=at,
            complete=period.start >= self._city.start,
            now=at,
            min_elapsed=quota.rule.min_elapsed_of(quota.period),
        )

    def _counted(self, quota: QuotaSpec, carrier: str, amount: Decimal, since: datetime) -> Decimal:
        """What an amount of a carrier adds to the quota's use, by the factor of its day."""
        if quota.measure == carrier:
            return amount
        factor = self._factors.on(carrier, local_day(since, self._city.zone), self._unit.district)
        return amount * _per_unit(factor, quota.measure) / 1000

    def _firing(self, quota: QuotaSpec, at: datetime, used: Decimal, judgement: Judgement) -> Firing:
        local = at.astimezone(ZoneInfo(self._city.zone))
        return Firing(local, self._unit, quota, judgement.verdict, used.quantize(_SHOWN), judgement.projected)


def _per_unit(factor: Factor, measure: str) -> Decimal:
    """Kilograms of standard coal or CO2 per base unit; none where the measure is another carrier."""
    return {"tce": factor.kgce, "tce_equal": factor.kgce_equal, "tco2": factor.kgco2}.get(measure, Decimal(0))


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def as_markdown(city: City, firings: list[Firing]) -> str:
    """The forecast as a Markdown table, the form in which `docs/demo-city.md` has it."""
    head = "| day | local time | unit | quota | why | used | limit | projected |\n|---|---|---|---|---|--:|--:|--:|"
    return "\n".join([head, *(_row(city, firing) for firing in firings)])


def _row(city: City, firing: Firing) -> str:
    quota = firing.quota
    day = (firing.at.date() - city.city.start.astimezone(firing.at.tzinfo).date()).days + 1
    why = "more used than allowed" if firing.verdict is Verdict.EXCEEDED else f"on course to exceed the {quota.period}"
    projected = "" if firing.projected is None else f"{firing.projected:,.0f}"
    cells = (
        f"{day}",
        f"{firing.at:%m-%d %H:%M}",
        f"{firing.unit.name_zh} {firing.unit.name_en}",
        f"`{quota.code}`",
        why,
        f"{firing.used:,.0f} {quota.limit_unit}",
        f"{quota.limit:,.0f}",
        projected,
    )
    return f"| {' | '.join(cells)} |"
