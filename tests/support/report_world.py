"""Three invented units of a district and their October 2026, from registers to findings by the real pipeline."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec

from alerts.evaluation.step import Engine, Wanted
from alerts.quotas.model import QuotaPeriod, QuotaSpec
from alerts.quotas.store import apply_quotas
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from energy.balance import Flow
from energy.carriers import carriers
from energy.factors import shipped_factors
from energy.periods import day_start
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection
from ingest.accounting.edits import store as edits
from ingest.accounting.edits.model import Given as GivenEdit
from ingest.accounting.edits.model import Kind as EditKind
from ingest.accounting.entries import store as entries
from ingest.accounting.entries.model import Given, Product, Source
from ingest.accounting.entries.products import register
from ingest.accounting.factors.sync import sync_factors
from ingest.accounting.quality.rules import QualityRules
from ingest.accounting.reports.unit import Asked, UnitReport
from ingest.accounting.rollups.marks import START, Marked
from ingest.accounting.rollups.step import step as roll
from ingest.accounting.totals.refresh import refresh_marked, take_unit_marks
from ingest.accounting.validation import queue
from ingest.accounting.validation.loading import shipped_checks
from tests.support.deriving import derive_all
from tests.support.register_world import Shown, store

OCTOBER = date(2026, 10, 1)
NOW = datetime(2026, 11, 5, 2, tzinfo=UTC)
"""After all has been filled in."""
WORKS, GLASS, NEW = "QW-0001", "QW-0002", "QW-0003"
DAYS = 31
_QUARTER = timedelta(minutes=15)
_START = day_start(OCTOBER)
_POINTS = {
    "QW-0001-C1": ("raw_coal", Flow.PURCHASED),
    "QW-0001-E1": ("electricity", Flow.PURCHASED),
    "QW-0001-E2": ("electricity", Flow.RENEWABLE),
    "QW-0001-G1": ("natural_gas", Flow.PURCHASED),
    "QW-0001-S1": ("low_pressure_steam", Flow.SOLD),
    "QW-0002-E1": ("electricity", Flow.PURCHASED),
    "QW-0003-E1": ("electricity", Flow.PURCHASED),
}


def asked(now: datetime = NOW, *, month: date = OCTOBER, statistics: bool = False) -> Asked:
    """A question as the command asks it, of a version that no release changes."""
    return Asked(month, now, QualityRules(), "0.0", statistics=statistics)


def world() -> Registry:
    """A cement works with a statistics month of its own, a glass works, and one that has only just been registered."""
    return Registry(
        units=(
            Unit(
                WORKS, "秦岭水泥厂（虚构）", "Qinling Cement Works (invented)", "610302", "30", "Asia/Shanghai", 3, 26
            ),
            Unit(GLASS, "渭滨玻璃厂（虚构）", "Weibin Glass Works (invented)", "610302", "30", "Asia/Shanghai", 2),
            Unit(NEW, "新厂 <b>&（虚构）", "New Works <b>& (invented)", "610303", "26"),
        ),
        gateways=tuple(Gateway(f"gw-{code.lower()}", "610302", code) for code in (WORKS, GLASS, NEW)),
        meters=tuple(Meter(f"M-{code}", code[:7], carrier, 1, "any") for code, (carrier, _) in _POINTS.items()),
        points=tuple(
            Point(code, f"M-{code}", f"gw-{code[:7].lower()}", carriers()[carrier].unit, flow=flow)
            for code, (carrier, flow) in _POINTS.items()
        ),
    )


async def live(connection: Connection) -> None:
    """All of October, up to the reports."""
    await apply(connection, world())
    await sync_factors(connection, shipped_factors())
    await register(connection, WORKS, Product("cement", "t", "水泥", "cement", "cement_energy"))
    await register(connection, WORKS, Product("clinker", "t", "熟料", "clinker", "cement_clinker_energy"))
    await store(connection, list(readings()))
    await edits.add(connection, [_replacement()], at(15, 9))
    await derive_all(connection)
    await entries.enter(connection, list(_entries()), Source.HAND, NOW)
    await settle(connection)
    await apply_quotas(connection, list(_quotas()))
    engine = Engine(load_rules((), catalogue()), catalogue(), stale_s=6 * 3600)
    await engine.evaluate(connection, NOW, Wanted(recent_days=40))


async def settle(connection: Connection) -> None:
    """Work off all that derived rows and entries mark: rollups, checks, totals, as the services do."""
    after: Marked | None = START
    while after is not None:
        after = (await roll(connection, shipped_checks(), before=NOW.date(), limit=500, after=after)).last
    while (await queue.step(connection, shipped_checks(), now=NOW, pause_s=0)).day is not None:
        pass
    units = [row["unit_id"] for row in await connection.fetch("select unit_id from unit")]
    await refresh_marked(connection, await take_unit_marks(connection, units))


def at(day: int, hour: float = 0) -> datetime:
    """An instant of October by the clock of Shanghai."""
    return _START + timedelta(days=day - 1, hours=hour)


def readings() -> Iterator[Shown]:
    """Every quarter hour: a works in two shifts, modules on the roof, gas, coal by belt scale, steam to a neighbour."""
    yield from _shown("QW-0001-E1", 8_123_400, lambda n: _shifts(n, 220, 610), replaced=at(14, 10))
    yield from _shown("QW-0001-E2", 51_200, _sun, fallen=at(25, 12))
    yield from _shown("QW-0001-G1", 730_100, lambda n: _shifts(n, 12, 30), silent=(at(19, 8), at(21, 16)))
    yield from _shown("QW-0001-C1", 12_400, lambda n: _shifts(n, 0.9, 1.4))
    yield from _shown("QW-0001-S1", 240, lambda n: _shifts(n, 0.1, 0.4))
    yield from _shown("QW-0002-E1", 400_000, lambda n: _shifts(n, 90, 140))


def _shown(  # noqa: PLR0913 - the faults of one register
    point: str,
    state: float,
    used: Callable[[int], float],
    *,
    replaced: datetime | None = None,
    fallen: datetime | None = None,
    silent: tuple[datetime, datetime] | None = None,
) -> Iterator[Shown]:
    for n in range(DAYS * 96 + 1):
        when = _START + n * _QUARTER
        if when == replaced:
            state = 12.5
        if when == fallen:
            state -= 900
        if silent is None or not silent[0] <= when < silent[1]:
            yield Shown(point, round(when.timestamp() * 1000), round(state, 3))
        state += used(n)


def _shifts(n: int, night: float, day: float) -> float:
    """Per quarter hour: less at night, and on Sundays (the 4th is the first)."""
    date_, hour = divmod(n, 96)
    works = 24 <= hour < 88 and date_ % 7 != 3
    return (day if works else night) * (1 + 0.08 * math.sin(n / 7) + 0.05 * math.sin(date_ * 2.1))


def _sun(n: int) -> float:
    hour = n % 96 / 4
    return (
        max(0.0, math.sin((hour - 6.5) / 11 * math.pi)) * 34 * (1 + 0.4 * math.sin(n // 96)) if 6 < hour < 18 else 0.0
    )


def _replacement() -> GivenEdit:
    last = at(14, 9.75)
    state = next(one.value for one in readings() if one.at == round(last.timestamp() * 1000))
    said = {
        "since": "2026-10-14T09:45:00+08:00",
        "until": "2026-10-14T10:00:00+08:00",
        "old_end": f"{state:.3f}",
        "new_start": "12.5",
    }
    return GivenEdit(EditKind.REPLACEMENT, "QW-0001-E1", said, "李伟", "表计到期轮换", "工单 2026-1014")


def _entries() -> Iterator[Given]:
    month = {"first_day": "2026-10-01", "last_day": "2026-10-31"}
    for kind, subject, amount, unit, said in (
        ("stock", "raw_coal", "500", "t", {"first_day": "2026-09-30", "document": "盘点表 09"}),
        ("stock", "raw_coal", "410", "t", {"first_day": "2026-10-31", "document": "盘点表 10"}),
        ("purchase", "diesel", "20", "t", month | {"document": "加油站月结单"}),
        ("output", "cement", "36000", "t", month | {"document": "生产日报"}),
        ("output_value", "", "1180", "10^4 yuan", month),
        ("certificate", "", "60", "MWh", month | {"document": "绿证核销凭证"}),
        ("certificate_base", "", "8", "MWh", month),
        ("statement", "electricity", "1350000", "kWh", month | {"document": "电费结算单 10"}),
    ):
        fields = {"unit": WORKS, "kind": kind, "subject": subject, "amount": amount, "unit_of_measure": unit} | said
        yield Given({name: text for name, text in fields.items() if text}, "王芳")


def _quotas() -> Iterator[tuple[str, QuotaSpec]]:
    limits: tuple[tuple[str, str, QuotaPeriod, str, str], ...] = (
        ("QW-0001-Q-M", "tce_equal", "month", "3600", "tce"),
        ("QW-0001-Q-Y", "tce_equal", "year", "60000", "tce"),
        ("QW-0001-Q-E", "electricity", "month", "1200000", "kWh"),
    )
    for code, measure, period, limit, unit in limits:
        yield (
            WORKS,
            QuotaSpec(
                code=code,
                measure=measure,
                period=period,
                limit=Decimal(limit),
                limit_unit=unit,
                valid_from=date(2026, 1, 1),
                source="发改环资〔2026〕虚构 1 号",
            ),
        )


def carrier(report: UnitReport, key: str) -> dict[str, object]:
    """The row of one carrier."""
    return next(msgspec.to_builtins(one, builtin_types=(Decimal,)) for one in report.carriers if one.carrier == key)
