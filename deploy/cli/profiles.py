"""`quotawatt profiles`: which meters are known, what of them, and whether a new file is sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

if TYPE_CHECKING:
    from collector.planning.planner import Read
    from collector.profiles import AnyProfile
    from energy.errors import Fault

F = TypeVar("F", bound=Callable[..., None])

_directories = click.option(
    "--profile-dir",
    "directories",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A directory with profiles of your own, beside those that come along; may be given again.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def profiles() -> None:
    """Show meter profiles: which registers of a model mean what, and how well that is known."""


@profiles.command("list")
@_directories
@_json
def list_profiles(directories: tuple[Path, ...], *, as_json: bool) -> None:
    """List all profiles."""
    from collector.profiles import Library  # noqa: PLC0415 - loaded when called
    from deploy.cli import profile_text  # noqa: PLC0415 - likewise

    library = Library(directories)
    loaded = {name: library.load_any(name) for name in library.names}
    if as_json:
        _print_json([_summary(name, profile, library.source(name)) for name, profile in loaded.items()])
        return
    for line in profile_text.list_lines(loaded):
        click.echo(line)


@profiles.command()
@click.argument("name")
@_directories
@_json
def show(name: str, directories: tuple[Path, ...], *, as_json: bool) -> None:
    """Show what is known of the profile NAME.

    Its values, what to mind, and the reads that bring them.
    """
    from collector.profiles import Library  # noqa: PLC0415 - loaded when called
    from deploy.cli import profile_text  # noqa: PLC0415 - likewise

    library = Library(directories)
    profile, file = library.load_any(name), library.source(name)
    reads = _reads(profile)
    if as_json:
        _print_json({**_summary(name, profile, file), **msgspec.to_builtins(profile), "reads": _read_rows(reads)})
        return
    for line in profile_text.show_lines(name, profile, file, reads, get_terminal_size().columns):
        click.echo(line)


@profiles.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check profile files: every fault of each with its line.

    Remarks are what is no fault, but seldom meant. The exit code is 78 where there is a fault.
    """
    from collector.profiles.library import profile_of  # noqa: PLC0415 - loaded when called
    from deploy.cli import profile_text  # noqa: PLC0415 - likewise
    from energy.carriers import carriers  # noqa: PLC0415 - likewise
    from energy.config import load_document  # noqa: PLC0415 - likewise
    from energy.errors import ConfigError  # noqa: PLC0415 - likewise

    faults: list[Fault] = []
    for file in files:
        try:
            document = load_document(file)
            profile = profile_of(document)
        except ConfigError as error:
            faults.extend(error.faults)
        else:
            click.echo(f"{file}: {profile.maker} {profile.model}, {len(profile.values)} values, no fault")
            first = int(document.content.get("addresses") == "one-based")
            for line in profile_text.remark_lines(profile, carriers(), first):
                click.echo(f"  remark: {line}")
    if faults:
        raise ConfigError(tuple(faults))


def _reads(profile: AnyProfile) -> tuple[Read, ...]:
    """What a poll of all values asks; empty for another protocol than Modbus."""
    from collector.planning.limits import limits_of  # noqa: PLC0415 - loaded when called
    from collector.planning.planner import plan  # noqa: PLC0415 - likewise
    from collector.profiles import Profile  # noqa: PLC0415 - likewise

    return plan(profile.registers, limits_of(profile)) if isinstance(profile, Profile) else ()


def _summary(name: str, profile: AnyProfile, file: str) -> dict[str, Any]:
    from deploy.cli import profile_text  # noqa: PLC0415 - loaded when called

    return {
        "name": name,
        "protocol": profile.protocol,
        "maker": profile.maker,
        "model": profile.model,
        "carrier": profile.carrier,
        "values": len(profile.values),
        "confidence": profile_text.confidences(profile),
        "file": file,
    }


def _read_rows(reads: tuple[Read, ...]) -> list[dict[str, Any]]:
    return [
        {
            "function_code": read.function_code,
            "address": read.address,
            "count": read.count,
            "unused": read.wasted,
            "values": [register.name for register in read.registers],
        }
        for read in reads
    ]


def _print_json(what: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(what)))
