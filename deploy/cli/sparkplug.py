"""`quotawatt sparkplug`: which metrics of which edge nodes are points, and which of these are online."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from deploy.cli.database import on_database

if TYPE_CHECKING:
    from energy.storage import Connection

T = TypeVar("T")

_DSN = click.option(
    "--dsn", envvar="QUOTAWATT_DSN", show_envvar=True, required=True, help="postgresql://user@host:port/database"
)


@click.group()
def sparkplug() -> None:
    """Map metrics of Sparkplug edge nodes to points."""


@sparkplug.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Remove edge nodes that FILE does not name.")
@_DSN
def import_(file: Path, dsn: str, *, replace: bool) -> None:
    """Take over the edge nodes of FILE (TOML), and their metrics.

    The metrics of these edge nodes are then those of FILE, and no other. Hosts that run learn of it at once.
    """
    from energy.config import load_document  # noqa: PLC0415 - loaded when called
    from ingest.receiving.sparkplug.mapping_store import store_mapping  # noqa: PLC0415 - likewise

    document = load_document(file)
    stored = _with_database(dsn, lambda connection: store_mapping(connection, document, replacing=replace))
    metrics = sum(len(node.metrics) for node in stored.nodes)
    click.echo(f"Edge nodes: {len(stored.nodes)}, metrics: {metrics}.")


@sparkplug.command()
@_DSN
def export(dsn: str) -> None:
    """Print the whole mapping as a file that import takes."""
    from ingest.receiving.sparkplug.mapping_file import written  # noqa: PLC0415 - loaded when called
    from ingest.receiving.sparkplug.mapping_store import stored_mapping  # noqa: PLC0415 - likewise

    click.echo(written(_with_database(dsn, stored_mapping)), nl=False)


@sparkplug.command()
@_DSN
def nodes(dsn: str) -> None:
    """List edge nodes and devices, and whether they are online."""
    from ingest.receiving.sparkplug.mapping_store import stored_states  # noqa: PLC0415 - loaded when called

    for one in _with_database(dsn, stored_states):
        name = f"{one.group}/{one.edge_node}" + (f"/{one.device}" if one.device else "")
        state = "never heard" if one.is_online is None else "online" if one.is_online else "offline"
        since = f" since {one.changed_at.isoformat(timespec='seconds')}" if one.changed_at else ""
        click.echo(f"{name}  {one.gateway}  metrics: {one.metrics}  {state}{since}")


def _with_database(dsn: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    from energy.storage import StorageSettings  # noqa: PLC0415 - loaded when called

    return on_database(StorageSettings(dsn), work)
