"""`quotawatt tou`: time-of-use tables, and at which voltage units are supplied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.cli.database import content_of, on_database, place_of, where
from deploy.cli.terminal import in_language, saying, width

if TYPE_CHECKING:
    from alerts.rules.messages import Language

_file = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def tou() -> None:
    """Say which hours are peak, valley or forbidden.

    The tables are each province's own; none is shipped. A table covers every hour of every month and kind of day
    exactly once, from a day on until a later one of the same region and voltage.
    """


@tou.command()
def example() -> None:
    """Print a file that shows the form; its figures are invented."""
    from alerts.time_of_use.files import example as shown  # noqa: PLC0415 - loaded when called

    click.echo(shown(), nl=False)


@tou.command()
@_file
@in_language
def check(file: Path, language: Language) -> None:
    """Check the tables of FILE; every fault is listed with its line."""
    from alerts.time_of_use.files import read_tables  # noqa: PLC0415 - loaded when called
    from deploy.cli.tou_text import table_lines  # noqa: PLC0415 - likewise

    click.echo("\n".join(table_lines(read_tables(content_of(file), str(file)), language, width())))


@tou.command()
@_file
@click.option("--author", metavar="NAME", required=True, help="Who says it.")
@in_language
@where
def load(file: Path, author: str, config: Path | None, dsn: str | None, *, language: Language) -> None:
    """Put the tables of FILE into force, all or none.

    Each takes the place of the one of its region, voltage and first day, which stays on record. The same file again
    changes nothing.
    """
    from alerts.time_of_use.files import read_tables  # noqa: PLC0415 - loaded when called
    from alerts.time_of_use.store import record  # noqa: PLC0415 - likewise
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise

    tables, place = read_tables(content_of(file), str(file)), place_of(config, dsn)
    now = DataClock(place.clock).now()
    new = on_database(place.database, lambda connection: record(connection, tables, author=author, now=now))
    had, say = len(tables) - new, saying(language)
    click.echo(say(f"新生效 {new} 张，原已生效 {had} 张", f"{new} in force now, {had} were already"))


@tou.command()
@_file
@in_language
@where
def supply(file: Path, config: Path | None, dsn: str | None, *, language: Language) -> None:
    """Record at which voltages units are supplied.

    CSV with the columns unit, valid_from and voltage (用能单位, 起始日期, 电压等级); voltages as tables call them.
    A unit without one goes by the tables of no voltage.
    """
    from alerts.time_of_use.store import read_supply  # noqa: PLC0415 - loaded when called
    from alerts.time_of_use.store import supply as recorded  # noqa: PLC0415 - likewise

    supplies = read_supply(content_of(file), str(file))
    on_database(place_of(config, dsn).database, lambda connection: recorded(connection, supplies, str(file)))
    click.echo(saying(language)(f"已登记 {len(supplies)} 条", f"{len(supplies)} recorded"))


@tou.command("list")
@click.option("--all", "replaced", is_flag=True, help="Replaced ones too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, with the rows of each.")
@in_language
@where
def list_tables(config: Path | None, dsn: str | None, *, replaced: bool, as_json: bool, language: Language) -> None:
    """Show the tables in force."""
    import msgspec  # noqa: PLC0415 - loaded when called

    from alerts.time_of_use.store import recorded  # noqa: PLC0415 - likewise
    from deploy.cli.tou_text import kept_lines  # noqa: PLC0415 - likewise

    kept = on_database(place_of(config, dsn).database, lambda connection: recorded(connection, replaced=replaced))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(kept)))
    elif kept:
        click.echo("\n".join(kept_lines(kept, language, width())))
    else:
        none = (
            "没有生效的时段表：用 `quotawatt tou load` 使其生效。",
            "No table is in force: `quotawatt tou load` puts one into force.",
        )
        click.echo(saying(language)(*none))
