"""Factors as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from deploy.cli.columns import columns, shown
from energy.factors import VERSION_MARK

if TYPE_CHECKING:
    from energy.data import DataFiles
    from energy.factors import Factor, FactorSet
    from energy.product_quotas import ProductQuota
    from ingest.accounting.factors.measured_store import Recorded


def list_lines(factors: FactorSet, day: date, district: str) -> Iterator[str]:
    """A line for each carrier, below headings and the set's version."""
    yield f"Data set {factors.version}, {day}, grid of {factors.region_of(district)}."
    rows = [("CARRIER", "NO", "UNIT", "KGCE", "KGCE EQUAL", "KGCO2", "P", "CO2 BY", "名称")]
    for carrier in factors.carriers.values():
        factor = factors.on(carrier.key, day, district)
        what = f"{carrier.co2_rule}, working medium" if carrier.working_medium else str(carrier.co2_rule)
        rows.append((carrier.key, carrier.number or "-", carrier.unit, *_figures(factor), what, carrier.name_zh))
    yield from columns(rows, {3, 4, 5}, None)


def series_lines(factors: FactorSet, carrier: str) -> Iterator[str]:
    """Each dated factor of a carrier, with its source beneath."""
    known = factors.carriers[carrier]
    yield f"{carrier} ({known.name_zh}), per {known.unit}. Data set {factors.version}."
    if known.note:
        yield known.note
    rows = [("FROM", "GRID", "KGCE", "KGCE EQUAL", "KGCO2", "P", "SOURCE")]
    for factor in factors.factors:
        if factor.carrier == carrier:
            source = factor.source.removesuffix(f"{VERSION_MARK}{factors.version}")
            rows.append((str(factor.valid_from), factor.region or "-", *_figures(factor), source))
    yield from columns(rows, {2, 3, 4}, None)


def checked_lines(files: DataFiles, factors: FactorSet, quotas: Sequence[ProductQuota]) -> Iterator[str]:
    """What loaded: the files that were replaced, and how much they make."""
    for place in files.places.values():
        yield f"{place}: loads"
    if not files.places:
        yield "no table is replaced: the shipped ones serve"
    counts = f"{len(factors.carriers)} carriers, {len(factors.factors)} dated factors, {len(quotas)} product quotas"
    yield f"data set {files.version}: {counts}"


def measured_lines(records: Sequence[Recorded], width: int | None) -> Iterator[str]:
    """A line for each record, below headings; `width` is the terminal's, None for no terminal."""
    if not records:
        yield "No unit has measured anything, as far as it is asked for."
        return
    rows = [("NO", "UNIT", "CARRIER", "FROM", "TO", "GJ PER", "KGCE", "KGCO2", "BY", "SOURCE")]
    for one in records:
        undone = f"; undone by {one.undone_by}: {one.undone_why}" if one.undone_at else ""
        rows.append(
            (
                str(one.unit_factor_id),
                one.unit,
                one.carrier,
                str(one.valid_from),
                "-" if one.valid_to is None else str(one.valid_to),
                f"{one.ncv_gj.normalize():f}/{one.unit_of_measure}",
                f"{one.kgce.normalize():f}",
                "default" if one.kgco2 is None else f"{one.kgco2.normalize():f}",
                one.author,
                shown(f"{one.source}{undone}"),
            )
        )
    yield from columns(rows, {0, 5, 6, 7}, width)


def _figures(factor: Factor) -> tuple[str, str, str, str]:
    kgce, equal, kgco2 = (f"{figure:f}" for figure in (factor.kgce, factor.kgce_equal, factor.kgco2))
    return kgce, equal, kgco2, "P" if factor.provisional else ""
