"""`quotawatt stack`: TimescaleDB and Mosquitto for this installation, started, stopped and looked at."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click
import msgspec
from rich.console import Console

from deploy.stack import ServiceStatus, Stack

_NOT_RUNNING = 3  # as init scripts answer to `status`

F = TypeVar("F", bound=Callable[..., None])


def _addresses(command: F) -> F:
    """The options that say which stack is meant, and what serves it."""
    for option in (
        click.option("--mqtt", metavar="HOST:PORT", help="Use this broker. [env: QUOTAWATT_MQTT]"),
        click.option("--dsn", metavar="DSN", help="Use this database. [env: QUOTAWATT_DSN]"),
        click.option("--name", help="Which stack; by default this installation's own. [env: QUOTAWATT_STACK]"),
    ):
        command = option(command)
    return command


@click.group()
def stack() -> None:
    """Provide TimescaleDB and Mosquitto without containers and without touching the system."""


@stack.command()
@_addresses
def up(name: str | None, dsn: str | None, mqtt: str | None) -> None:
    """Start what does not run.

    It is fetched first where it is not there, and repaired where it crashed.
    """
    chosen = Stack(name, dsn=dsn, mqtt=mqtt)
    with _progress() as report:
        endpoints = chosen.up(report)
    click.echo(f"The stack {chosen.name} is up; MQTT is on {endpoints.mqtt_host}:{endpoints.mqtt_port}.")
    click.echo('Its addresses for your shell: eval "$(quotawatt stack env)"')


@stack.command()
@click.option("--name", help="Which stack; by default this installation's own. [env: QUOTAWATT_STACK]")
def down(name: str | None) -> None:
    """Stop the servers; their data stay.

    Refused while a demo runs on them.
    """
    chosen = Stack(name)
    chosen.down()
    click.echo(f"The stack {chosen.name} is down; its data stay in {chosen.home.root}.")


@stack.command()
@_addresses
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(name: str | None, dsn: str | None, mqtt: str | None, *, as_json: bool) -> None:
    """Say what runs, where it comes from and where it logs.

    The exit code is 0 when both servers run, else 3.
    """
    found = Stack(name, dsn=dsn, mqtt=mqtt).status()
    if as_json:
        click.echo(msgspec.json.encode({**msgspec.to_builtins(found), "running": found.running}))
    else:
        click.echo(f"stack      {found.name} in {found.directory}")
        click.echo(f"postgres   {_line(found.postgres)}")
        click.echo(f"mosquitto  {_line(found.mosquitto)}")
    sys.exit(0 if found.running else _NOT_RUNNING)


@stack.command()
@_addresses
def env(name: str | None, dsn: str | None, mqtt: str | None) -> None:
    """Print the running stack's addresses as shell commands.

    The database's carries its password. For this shell: eval "$(quotawatt stack env)"
    """
    endpoints = Stack(name, dsn=dsn, mqtt=mqtt).endpoints()
    click.echo(f"export QUOTAWATT_DSN={shlex.quote(endpoints.dsn)}")
    click.echo(f"export QUOTAWATT_MQTT={shlex.quote(f'{endpoints.mqtt_host}:{endpoints.mqtt_port}')}")


def _line(service: ServiceStatus) -> str:
    state = "runs" if service.running else "does not run"
    process = f", process {service.pid}, port {service.port}" if service.pid is not None else ""
    log = f", log {service.log}" if service.log is not None else ""
    return f"{state} ({service.origin}){process}{log}"


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """One changing line on a terminal, else a line for every step; on stderr, as stdout is for results."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda message: click.echo(message, err=True)
        return
    with console.status("…") as spinner:
        yield spinner.update
