"""`quotawatt quotas`: what units and groups of them may use."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.database import content_of, on_database, place_of, where
from deploy.cli.terminal import in_language, more, saying, width

if TYPE_CHECKING:
    from alerts.quotas.given import Given
    from alerts.rules.messages import Language

_directory = click.option(
    "--directory",
    type=click.Path(path_type=Path),
    help="A deployment's own product quota standards; without it the shipped ones.",
)
_of_unit = click.option("--of-unit", "unit", metavar="CODE", help="Of this unit, and of its groups, district, ….")
_author = click.option("--author", metavar="NAME", required=True, help="Who sets it.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day such as 2026-03-01") from None


@click.group()
def quotas() -> None:
    """Check, set and show quotas and energy budgets.

    A quota says how much of what a unit, or all units of a group, district, city, industry or size class, may use in a
    period. Files are TOML ([[group]], [[quota]]) or CSV, one row a quota, its columns in English or Chinese.
    """


@quotas.command()
@click.argument("file", type=click.Path(path_type=Path))
@_directory
@in_language
@where
def check(file: Path, directory: Path | None, config: Path | None, dsn: str | None, *, language: Language) -> None:
    """Say what is wrong with FILE; nothing is written.

    Every fault is listed with its line. With a database, units, products and the quotas that stand there count too.
    """
    from alerts.quotas.checks import Known, faults_against, faults_in  # noqa: PLC0415 - loaded when called
    from alerts.quotas.store import known  # noqa: PLC0415 - likewise
    from alerts.quotas.sums import warnings_in  # noqa: PLC0415 - likewise
    from deploy.cli.quotas_text import warning_lines  # noqa: PLC0415 - likewise
    from energy.records import RecordError  # noqa: PLC0415 - likewise

    given = _given(file, directory)
    facts = None
    if config is not None or dsn:
        facts = on_database(place_of(config, dsn).database, known)
    if faults := faults_in(given) if facts is None else faults_against(given, facts):
        raise RecordError(faults)
    for line in warning_lines(warnings_in(given, facts or Known()), language):
        click.echo(line, err=True)
    zh, en = ("", "") if facts is None else ("（已与数据库核对）", ", also against the database")
    count = len(given.quotas)
    click.echo(saying(language)(f"{count} 个限额，没有错误{zh}。", f"{count} quotas: no fault{en}."))


@quotas.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@_author
@_directory
@in_language
@where
def import_(  # noqa: PLR0913 - one for each option
    file: Path, author: str, directory: Path | None, config: Path | None, dsn: str | None, *, language: Language
) -> None:
    """Set the quotas of FILE, all or none of them.

    A quota that stands with another text gets a new version, and the old one is kept; the same file again changes
    nothing. Quotas that FILE does not name stay as they are: `end` ends them.
    """
    from alerts.quotas.store import take  # noqa: PLC0415 - loaded when called
    from deploy.cli.quotas_text import taken_lines, warning_lines  # noqa: PLC0415 - likewise
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise

    place, given = place_of(config, dsn), _given(file, directory)
    now = DataClock(place.clock).now()
    taken = on_database(place.database, lambda connection: take(connection, given, author=author, now=now))
    for line in warning_lines(taken.warnings, language):
        click.echo(line, err=True)
    click.echo("\n".join(taken_lines(taken, language)))


@quotas.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@_of_unit
@click.option("--code", metavar="CODE", help="This one.")
@click.option("--day", type=_day, metavar="DAY", help="Those that govern a period which begins on this day.")
@click.option("--chinese", is_flag=True, help="Headings and words of CSV in Chinese.")
@in_language
@where
def export(  # noqa: PLR0913 - one for each option
    file: Path | None,
    config: Path | None,
    dsn: str | None,
    *,
    unit: str | None,
    code: str | None,
    day: date | None,
    chinese: bool,
    language: Language,
) -> None:
    """Write quotas into FILE, .csv or .toml, or to the terminal.

    `import` reads them back as they are. The terminal gets TOML.
    """
    from alerts.quotas.files import written_quotas  # noqa: PLC0415 - loaded when called
    from alerts.quotas.store import exported  # noqa: PLC0415 - likewise
    from energy.errors import SetupError  # noqa: PLC0415 - likewise

    database = place_of(config, dsn).database
    found = on_database(database, lambda connection: exported(connection, unit=unit, code=code, day=day))
    content = written_quotas(found, str(file or "quotas.toml"), chinese=chinese)
    if file is None:
        click.echo(content, nl=False)
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise SetupError(f"{file} cannot be written: {error.strerror or error}") from error
    count = len(found.quota)
    click.echo(saying(language)(f"{count} 个限额已写入 {file}。", f"{count} quotas written to {file}."))


@quotas.command("list")
@_of_unit
@click.option("--code", metavar="CODE", help="This one.")
@click.option("--day", type=_day, metavar="DAY", help="Those that govern a period which begins on this day.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@in_language
@where
def list_quotas(  # noqa: PLR0913 - one for each option
    config: Path | None,
    dsn: str | None,
    *,
    unit: str | None,
    code: str | None,
    day: date | None,
    limit: int,
    as_json: bool,
    language: Language,
) -> None:
    """Show quotas as they stand, past ones too."""
    import msgspec  # noqa: PLC0415 - loaded when called

    from alerts.quotas.store import recorded  # noqa: PLC0415 - likewise
    from deploy.cli.quotas_text import list_lines  # noqa: PLC0415 - likewise

    database = place_of(config, dsn).database
    found = on_database(database, lambda connection: recorded(connection, unit=unit, code=code, day=day))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found[:limit])))
        return
    if not found:
        click.echo(saying(language)("没有符合条件的限额。", "There are no quotas, as far as it is asked for."))
        return
    click.echo("\n".join(list_lines(found[:limit], language, width())))
    if len(found) > limit:
        click.echo(more(limit, language))


@quotas.command()
@click.argument("code")
@click.argument("day", type=_day)
@_author
@in_language
@where
def end(  # noqa: PLR0913 - one for each option
    code: str, day: date, author: str, config: Path | None, dsn: str | None, *, language: Language
) -> None:
    """Let quota CODE govern no period that begins on DAY or later."""
    from alerts.quotas import store  # noqa: PLC0415 - loaded when called
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise

    place = place_of(config, dsn)
    now = DataClock(place.clock).now()
    on_database(place.database, lambda connection: store.end(connection, code, day, author=author, now=now))
    click.echo(saying(language)(f"限额 {code} 自 {day} 起停止。", f"Quota {code} ends on {day}."))


def _given(file: Path, directory: Path | None) -> Given:
    from alerts.quotas.files import read_quotas  # noqa: PLC0415 - loaded when called
    from energy.data import data_files  # noqa: PLC0415 - likewise
    from energy.product_quotas import parse_product_quotas  # noqa: PLC0415 - likewise

    standards = None if directory is None else parse_product_quotas(data_files(directory))
    return read_quotas(content_of(file), str(file), standards)
