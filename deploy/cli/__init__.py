"""`quotawatt`: the command line. Each command lives in the module of its name and is loaded when it is called."""

from __future__ import annotations

import importlib
import sys

import click

from energy.errors import QuotawattError

_OURS = {"alerts", "collector", "deploy", "energy", "ingest", "simulators"}
_COMMANDS = {
    "accounting": "derive consumption, standard coal and CO2 from committed readings",
    "alerts": "judge quotas and keep the state of every alert",
    "backtest": "try rules on stored history: what would have fired, how early",
    "check": "check the file of a collector",
    "collector": "poll meters, keep the readings on disk, send them",
    "demo": "run a simulated city on real components and watch it",
    "derive": "derive anew what was derived, or check it",
    "edits": "say what readings cannot: replacements, ratios, exclusions, amounts",
    "factors": "show and check factors, record what units measured",
    "findings": "show what checks found in derived consumption",
    "entries": "fill in purchases, stocks, production, certificates",
    "ingest": "receive readings, commit them, acknowledge",
    "ledger": "show what became of every envelope, and how complete readings are",
    "migrate": "bring a database to this version's schema",
    "plan": "show what a collector will ask, and whether it fits",
    "profiles": "show which meters are known, and check a profile",
    "quality": "evaluate the quality of units' data in a month by the national rules",
    "quotas": "check, set, export and show quotas and energy budgets",
    "read": "poll one meter once and show all that came",
    "record": "write real polls down, to be replayed",
    "report": "report a month of a unit or district, with the numbers' origin",
    "rejects": "list and replay what ingest refused",
    "rules": "check, try and show rules",
    "simulate": "serve simulated meters",
    "sparkplug": "map metrics of Sparkplug edge nodes to points",
    "stack": "provide TimescaleDB and Mosquitto without containers",
    "tou": "say which hours are peak, valley or forbidden",
    "upkeep": "keep the storage in shape: chunks, retention, columnstore",
    "upload": "send a CSV file of readings, to fill a gap by hand",
    "whatif": "say how a unit's quotas would end if it used less",
}


class _LazyGroup(click.Group):
    """Knows every command's name and purpose without importing any of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(importlib.import_module(f"deploy.cli.{cmd_name}"), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"deploy.cli.{cmd_name} has no command {cmd_name}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quotawatt")
def root() -> None:
    """Watch the energy use of key energy-consuming units (重点用能单位) and warn before a quota breaks."""


def main() -> None:
    """Run the command line; a foreseen fault is one clear message and the exit code of its kind."""
    try:
        root(prog_name="quotawatt")
    except QuotawattError as error:
        from energy.services import report  # noqa: PLC0415 - loads the event loop, which --help does not need

        sys.exit(report(error))
    except ModuleNotFoundError as error:
        if not error.name or error.name.split(".")[0] in _OURS:
            raise
        click.echo(
            f"quotawatt: this command needs the package {error.name}, which the extra `platform` brings: "
            "install quotawatt again with it, as docs/operating.md says",
            err=True,
        )
        sys.exit(69)
