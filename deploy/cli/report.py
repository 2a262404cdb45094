"""`quotawatt report`: what units and districts used in a month, and where the numbers come from."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deploy.cli.database import on_database, place_of
from deploy.cli.terminal import in_language

if TYPE_CHECKING:
    from energy.storage import Connection
    from ingest.accounting.reports.district import DistrictReport
    from ingest.accounting.reports.unit import Asked, UnitReport

F = TypeVar("F", bound=Callable[..., None])
R = TypeVar("R")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")


def _month(text: str) -> date:
    try:
        found = _MONTH.fullmatch(text)
        return date(int(found[1]), int(found[2]), 1) if found else date.fromisoformat("")
    except ValueError:
        raise click.BadParameter(f"{text!r} is no month such as 2026-10") from None


def _digits(text: str) -> str:
    if not re.fullmatch(r"([0-9]{2}){1,3}", text):
        raise click.BadParameter(f"{text!r}: two, four or six digits expected (GB/T 2260)")
    return text


def _options(command: F) -> F:
    """What both reports are asked with."""
    for option in (
        click.option("--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, help="postgresql://user@host:port/database"),
        click.option(
            "--config", "-c", type=click.Path(path_type=Path), help="Take database and clock from a worker's file."
        ),
        click.option(
            "--rules", type=click.Path(path_type=Path), help="Bounds of data quality other than the national."
        ),
        click.option(
            "--output", "-o", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="[default: stdout]"
        ),
        in_language,
        click.option(
            "--format", "form", type=click.Choice(["text", "csv", "json", "html"]), default="text", show_default=True
        ),
        click.option("--statistics", is_flag=True, help="The unit's statistics month, named by the month it ends in."),
        click.option("--month", type=_month, metavar="MONTH", help="Such as 2026-10.  [default: the last whole one]"),
    ):
        command = option(command)
    return command


@click.group()
def report() -> None:
    """Report a month's consumption, CO2, intensity, quotas and data quality.

    Numbers come with their origin: factors, meters, entries, edits, findings. CSV and JSON have every digit; text and
    html are rounded. A dash, an empty cell or null is what is not known, never 0.
    """


@report.command("unit")
@click.argument("code")
@_options
def unit_report(code: str, form: str, language: str, output: Path | None, **asked: Any) -> None:
    """Report on the unit CODE."""
    from deploy.cli.report_text import unit_lines  # noqa: PLC0415 - loaded when called
    from ingest.accounting.reports.page import unit_page  # noqa: PLC0415 - likewise
    from ingest.accounting.reports.unit import read_unit  # noqa: PLC0415 - likewise
    from ingest.accounting.reports.words import Language  # noqa: PLC0415 - likewise

    found = _read(lambda connection, question: read_unit(connection, code, question), **asked)
    spoken = Language(language)
    _write(_formed(found, form, lambda: unit_page(found, spoken), lambda: "\n".join(unit_lines(found, spoken))), output)


@report.command("district")
@click.argument("digits", type=_digits)
@_options
def district_report(digits: str, form: str, language: str, output: Path | None, **asked: Any) -> None:
    """Report on the units of a district (GB/T 2260).

    DIGITS: two are a province, four a city, six a county.
    """
    from deploy.cli.report_text import district_lines  # noqa: PLC0415 - loaded when called
    from ingest.accounting.reports.district import read_district  # noqa: PLC0415 - likewise
    from ingest.accounting.reports.page import district_page  # noqa: PLC0415 - likewise
    from ingest.accounting.reports.words import Language  # noqa: PLC0415 - likewise

    found = _read(lambda connection, question: read_district(connection, digits, question), **asked)
    spoken = Language(language)
    text = _formed(found, form, lambda: district_page(found, spoken), lambda: "\n".join(district_lines(found, spoken)))
    _write(text, output)


def _read(  # noqa: PLR0913 - the options
    step: Callable[[Connection, Asked], Awaitable[R]],
    *,
    month: date | None,
    statistics: bool,
    rules: Path | None,
    config: Path | None,
    dsn: str | None,
) -> R:
    """What `step` reads, all of it as the database was at one moment."""
    from energy.clocks import DataClock  # noqa: PLC0415 - loaded when called
    from energy.config import load_toml  # noqa: PLC0415 - likewise
    from energy.periods import local_day  # noqa: PLC0415 - likewise
    from ingest.accounting.quality.rules import QualityRules  # noqa: PLC0415 - likewise
    from ingest.accounting.reports.unit import Asked  # noqa: PLC0415 - likewise

    place = place_of(config, dsn)
    now = DataClock(place.clock).now()
    bounds = load_toml(rules, QualityRules) if rules else QualityRules()
    last = (local_day(now).replace(day=1) - timedelta(days=1)).replace(day=1)
    asked = Asked(month or last, now, bounds, version("quotawatt"), statistics=statistics)

    async def read(connection: Connection) -> R:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await step(connection, asked)

    return on_database(place.database, read)


def _formed(found: UnitReport | DistrictReport, form: str, page: Callable[[], str], text: Callable[[], str]) -> str:
    from ingest.accounting.reports.forms import as_csv, as_json  # noqa: PLC0415 - loaded when called

    match form:
        case "csv":
            return as_csv(found)
        case "json":
            return as_json(found) + "\n"
        case "html":
            return page() + "\n"
        case _:
            return text() + "\n"


def _write(text: str, output: Path | None) -> None:
    """To the terminal, or into the file as a whole: where that fails, what was there stays."""
    from deploy.stack.files import write_whole  # noqa: PLC0415 - loaded when called
    from energy.errors import SetupError  # noqa: PLC0415 - likewise

    if output is None:
        click.echo(text, nl=False)
        return
    try:
        write_whole(output, text)
    except OSError as error:
        raise SetupError(f"{output} cannot be written: {error.strerror or error}") from error
