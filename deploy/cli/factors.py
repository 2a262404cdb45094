"""`quotawatt factors`: what coal and CO2 a unit of energy stands for, and what units measured themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from deploy.cli.database import content_of, on_database
from deploy.cli.terminal import width

if TYPE_CHECKING:
    from energy.factors import FactorSet
    from ingest.accounting.settings import AccountingSettings

F = TypeVar("F", bound=Callable[..., None])
_directory = click.option(
    "--directory",
    type=click.Path(path_type=Path),
    help="A deployment's own files; without it the shipped ones alone.",
)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day such as 2026-03-01") from None


def _where(command: F) -> F:
    """The options that say which database, and by which clock and files."""
    for option in (
        click.option("--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="postgresql://user@host:port/database"),
        click.option(
            "--config",
            "-c",
            type=click.Path(path_type=Path),
            help="Take database, clock and [factors] from accounting's file.",
        ),
    ):
        command = option(command)
    return command


def _person(command: F) -> F:
    """Who says it, and why."""
    command = click.option("--reason", metavar="TEXT", required=True, help="Why.")(command)
    return click.option("--author", metavar="NAME", required=True, help="Who says it.")(command)


@click.group()
def factors() -> None:
    """Show and check factors; record what units measured."""


@factors.command("list")
@click.option("--day", type=_day, metavar="DAY", help="The factors of this day.  [default: today]")
@click.option("--district", metavar="CODE", default="", help="Whose grid counts, six digits.  [default: the nation's]")
@_directory
def list_factors(day: date | None, district: str, directory: Path | None) -> None:
    """Show every carrier's factor of one day.

    Per base unit: kgce by calorific value and by equal value, kg of CO2. P: provisional.
    """
    from deploy.cli.factors_text import list_lines  # noqa: PLC0415 - loaded when called

    day = day or date.today()  # noqa: DTZ011 - a person's day
    _echo(list_lines(_loaded(directory), day, district))


@factors.command()
@click.argument("carrier")
@_directory
def show(carrier: str, directory: Path | None) -> None:
    """Show all dated factors of CARRIER, with their sources."""
    from deploy.cli.factors_text import series_lines  # noqa: PLC0415 - loaded when called
    from energy.carriers import carrier as known  # noqa: PLC0415 - likewise

    _echo(series_lines(_loaded(directory), known(carrier).key))


@factors.command()
@click.argument("directory", type=click.Path(path_type=Path))
def check(directory: Path) -> None:
    """Say whether the CSV files of DIRECTORY load.

    Every fault is listed with file, line and field. `[factors] directory` of accounting's file names such a directory.
    """
    from deploy.cli.factors_text import checked_lines  # noqa: PLC0415 - loaded when called
    from energy.data import data_files  # noqa: PLC0415 - likewise
    from energy.factors import load_factors  # noqa: PLC0415 - likewise
    from energy.product_quotas import parse_product_quotas  # noqa: PLC0415 - likewise

    files = data_files(directory)
    loaded = load_factors(files)
    _echo(checked_lines(files, loaded, parse_product_quotas(files)))


@factors.command()
@click.argument("file", type=click.Path(path_type=Path))
@_person
@_where
def load(file: Path, author: str, reason: str, config: Path | None, dsn: str | None) -> None:
    """Record calorific values that units measured, of FILE.

    CSV with the columns unit, carrier, valid_from, ncv, ncv_unit (such as kJ/kg), source, and perhaps valid_to,
    carbon_tc_per_gj with oxidation; or 用能单位, 能源品种, 起始日期, 低位发热量, 热值单位, 依据, and perhaps 截止日期,
    单位热值含碳量 with 碳氧化率. All or none; every fault is listed with its line. The same file again changes nothing.
    """
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called
    from energy.data import data_files  # noqa: PLC0415 - likewise
    from energy.factors import load_factors  # noqa: PLC0415 - likewise
    from ingest.accounting.factors.measured import read_measured  # noqa: PLC0415 - likewise
    from ingest.accounting.factors.measured_store import record  # noqa: PLC0415 - likewise

    settings = _settings(config, dsn)
    carriers = load_factors(data_files(settings.factors.directory)).carriers
    measured = read_measured(content_of(file), str(file), carriers)
    now = DataClock(settings.clock).now()
    new = on_database(
        settings.database,
        lambda connection: record(connection, measured, author=author, reason=reason, now=now, place=str(file)),
    )
    click.echo(f"{new} recorded, {len(measured) - new} were in force already")


@factors.command()
@click.option("--of-unit", "unit", metavar="CODE", help="Of this unit.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@_where
def measured(unit: str | None, limit: int, config: Path | None, dsn: str | None, *, as_json: bool) -> None:
    """Show what units measured, undone records too."""
    import msgspec  # noqa: PLC0415 - loaded when called

    from deploy.cli.factors_text import measured_lines  # noqa: PLC0415 - likewise
    from ingest.accounting.factors.measured_store import recorded  # noqa: PLC0415 - likewise

    settings = _settings(config, dsn)
    rows = on_database(settings.database, lambda connection: recorded(connection, unit, limit))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows)))
    else:
        _echo(measured_lines(rows, width()))


@factors.command()
@click.argument("number", type=int)
@_person
@_where
def undo(number: int, author: str, reason: str, config: Path | None, dsn: str | None) -> None:
    """Undo record NUMBER, which stays on record.

    The one that it replaced, if it did, holds again.
    """
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called
    from ingest.accounting.factors.measured_store import undo as undo_record  # noqa: PLC0415 - likewise

    settings = _settings(config, dsn)
    now = DataClock(settings.clock).now()
    earlier = on_database(
        settings.database,
        lambda connection: undo_record(connection, number, author=author, reason=reason, now=now),
    )
    click.echo(f"record {number} is undone" + (f", record {earlier} holds again" if earlier is not None else ""))


def _settings(config: Path | None, dsn: str | None) -> AccountingSettings:
    """What accounting's file says, or the defaults on the database `dsn`."""
    from energy.config import load_toml  # noqa: PLC0415 - loaded when called
    from energy.storage import StorageSettings  # noqa: PLC0415 - likewise
    from ingest.accounting.settings import AccountingSettings  # noqa: PLC0415 - likewise

    if config is not None:
        return load_toml(config, AccountingSettings)
    if not dsn:
        raise click.UsageError("give --config or --dsn, or set QUOTAWATT_DSN")
    return AccountingSettings(StorageSettings(dsn))


def _loaded(directory: Path | None) -> FactorSet:
    from energy.data import data_files  # noqa: PLC0415 - loaded when called
    from energy.factors import load_factors  # noqa: PLC0415 - likewise

    return load_factors(data_files(directory))


def _echo(lines: Iterable[str]) -> None:
    click.echo("\n".join(lines))
