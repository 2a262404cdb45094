"""`quotawatt whatif`: how a unit's quotas would end if it used less."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from deploy.cli.database import on_database, place_of, where
from deploy.cli.terminal import in_language

if TYPE_CHECKING:
    from alerts.rules.messages import Language


def _share(_: click.Context, __: click.Parameter, text: str | None) -> float:
    """A share such as 10% or 0.1."""
    if text is None:
        return 0.0
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise click.BadParameter(f"{text!r} is no share above 0 and up to 100%, such as 10%")
    return share


def _carrier(_: click.Context, __: click.Parameter, text: str | None) -> str:
    """The key of a carrier that is named by key or name; empty for none."""
    from energy.carriers import carriers  # noqa: PLC0415 - loaded when called
    from energy.toml_words import meant  # noqa: PLC0415 - likewise
    from energy.words import carrier_of  # noqa: PLC0415 - likewise

    if not text:
        return ""
    try:
        return carrier_of(text)
    except ValueError:
        near = meant(text, carriers())
        raise click.BadParameter(
            f"no carrier {text!r}{near} (a key such as electricity, or its Chinese name)"
        ) from None


@click.command()
@click.argument("unit")
@click.option("--cut", callback=_share, metavar="SHARE", help="By which share use falls, such as 10%.")
@click.option(
    "--less",
    type=click.FloatRange(min=0, min_open=True),
    metavar="AMOUNT",
    help="Or by how much a day, in the base unit of the carrier, or of each quota where no carrier is named.",
)
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="[default: from now on]")
@click.option(
    "--carrier", callback=_carrier, metavar="KEY", help="Of this carrier alone, such as electricity; or by its name."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@in_language
@where
def whatif(  # noqa: PLR0913, PLR0917 - one for each option
    unit: str,
    cut: float,
    less: float | None,
    since: datetime | None,
    carrier: str,
    config: Path | None,
    dsn: str | None,
    *,
    language: Language,
    as_json: bool,
) -> None:
    """Say how the quotas of UNIT would end if it used less, beside how they are expected to end.

    The needed cut is the share of what is still to be used, of the carrier if one is named, that must go from that day
    on to end just within the limit.
    """
    import msgspec  # noqa: PLC0415 - loaded when called

    from alerts.trying.whatif import Change  # noqa: PLC0415 - likewise
    from alerts.trying.whatif_store import what_if  # noqa: PLC0415 - likewise
    from deploy.cli.whatif_text import lines  # noqa: PLC0415 - likewise
    from energy.clocks import DataClock  # noqa: PLC0415 - likewise
    from energy.periods import DEFAULT_ZONE  # noqa: PLC0415 - likewise

    if bool(cut) == (less is not None):
        raise click.UsageError("give either --cut or --less")
    place = place_of(config, dsn)
    now = DataClock(place.clock).now()
    change = Change(since.date() if since else date.min, cut, less or 0.0, carrier)
    found = on_database(place.database, lambda connection: what_if(connection, unit, now, change))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    click.echo("\n".join(lines(found, now.astimezone(ZoneInfo(DEFAULT_ZONE)), language)))
