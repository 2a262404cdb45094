"""A stack on real servers: up, down, status, its addresses, and what it refuses."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from deploy.cli.stack import stack as command
from deploy.stack import Stack
from deploy.stack.paths import Account
from deploy.stack.processes import identify
from energy.errors import PermissionRefusedError, SetupError
from tests.support.stack import cache_environment, running_stack, server_directory


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """One stack for this module."""
    with running_stack("lifecycle") as running:
        yield running


def _value(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def test_up_again_changes_nothing(own: Stack) -> None:
    """A stack that runs is left alone: the same processes, the same addresses."""
    before = own.pid_of("postgres"), own.pid_of("mosquitto"), own.endpoints()
    assert own.up() == before[2]
    assert (own.pid_of("postgres"), own.pid_of("mosquitto"), own.endpoints()) == before


def test_the_database_is_what_we_build_on(own: Stack) -> None:
    """TimescaleDB is there, writes are durable, text is UTF-8, and time zones are known."""
    dsn = own.endpoints().dsn
    assert _value(dsn, "select extname from pg_extension where extname = 'timescaledb'") == "timescaledb"
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert _value(dsn, f"show {setting}") == "on"
    assert _value(dsn, "show server_encoding") == "UTF8"
    assert _value(dsn, "show timescaledb.telemetry_level") == "off"
    shanghai = "select (timestamptz '2026-03-01 00:00:00+00' at time zone 'Asia/Shanghai')::text"
    assert _value(dsn, shanghai) == "2026-03-01 08:00:00"


def test_servers_run_as_nobody_special(own: Stack) -> None:
    """Neither server is root's, and what they keep is closed to other users."""
    for service in ("postgres", "mosquitto"):
        assert Path("/proc", str(own.pid_of(service))).stat().st_uid != 0
        assert stat.S_IMODE((own.home.root / service).stat().st_mode) == 0o700
    assert stat.S_IMODE((own.home.root / "password").stat().st_mode) == 0o600


def test_the_database_asks_for_the_password(own: Stack) -> None:
    """Other users of the machine reach the port, and get no further."""
    wrong = own.endpoints().dsn.replace(":", ":not-", 2).replace("not-//", "//")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    with pytest.raises(PermissionRefusedError) as refused:
        Stack("given", own.home.root.parent, environ={"QUOTAWATT_DSN": wrong}).up()
    assert "unset QUOTAWATT_DSN" in refused.value.advice


def test_given_servers_are_used_and_left_alone(own: Stack) -> None:
    """With both addresses given nothing is started, and down stops nothing."""
    endpoints = own.endpoints()
    environ = {"QUOTAWATT_DSN": endpoints.dsn, "QUOTAWATT_MQTT": f"{endpoints.mqtt_host}:{endpoints.mqtt_port}"}
    guest = Stack("guest", own.home.root.parent, environ=environ)
    assert guest.up() == guest.endpoints() == endpoints
    status = guest.status()
    assert (status.postgres.origin, status.mosquitto.origin, status.running) == ("given", "given", True)
    guest.down()
    assert own.status().running
    with pytest.raises(SetupError, match="does not run"):
        guest.pid_of("postgres")


def test_a_shell_that_still_has_our_addresses_starts_us(own: Stack) -> None:
    """`stack env`, `down` and `up` in one shell: the variables name this very stack, so that its servers start."""
    endpoints = own.endpoints()
    environ = {"QUOTAWATT_DSN": endpoints.dsn, "QUOTAWATT_MQTT": f"{endpoints.mqtt_host}:{endpoints.mqtt_port}"}
    again = Stack(own.name, own.home.root.parent, background_workers=0, environ=environ)
    said: list[str] = []
    again.down(said.append)
    assert said == ["stopping the stack"]
    assert not again.status().running
    assert again.up() == endpoints
    assert again.status().postgres.pid == own.pid_of("postgres")
    assert again.status().mosquitto.pid == own.pid_of("mosquitto")


def test_given_servers_that_cannot_serve_are_refused_at_once() -> None:
    """One clear message for each, and nothing is started beside them."""
    with server_directory() as directory, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(SetupError, match="No broker answers at"):
            Stack("x", directory, mqtt=address, environ=cache_environment()).up()
        dsn = f"postgresql://nobody@{address}/none"
        with pytest.raises(SetupError, match="PostgreSQL does not answer"):
            Stack("x", directory, dsn=dsn, environ=cache_environment()).up()
        assert not (directory / "x" / "postgres").exists()


def test_a_directory_closed_to_the_servers_is_named(tmp_path: Path) -> None:
    """Whoever drops to another account is told before the first start that it cannot get to its data."""
    tmp_path.chmod(0o700)
    closed = Stack("x", tmp_path / "state", environ=cache_environment())
    closed.home = replace(closed.home, account=Account("somebody", 65_534, 65_534))  # as root's servers have one
    with pytest.raises(SetupError, match="cannot enter"):
        closed.up()


def test_the_command_line(own: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status, addresses, up and down as a person types them."""
    monkeypatch.setenv("QUOTAWATT_STATE", str(own.home.root.parent))
    monkeypatch.setenv("QUOTAWATT_STACK", own.name)
    for name in ("QUOTAWATT_DSN", "QUOTAWATT_MQTT"):
        monkeypatch.delenv(name, raising=False)
    runner = CliRunner()
    assert "runs" in runner.invoke(command, ["status"], catch_exceptions=False).stdout
    status = json.loads(runner.invoke(command, ["status", "--json"], catch_exceptions=False).stdout)
    assert status["running"]
    assert status["postgres"]["pid"] == own.pid_of("postgres")
    endpoints = own.endpoints()
    assert runner.invoke(command, ["env"], catch_exceptions=False).stdout == (
        f"export QUOTAWATT_DSN={endpoints.dsn}\n"
        f"export QUOTAWATT_MQTT={endpoints.mqtt_host}:{endpoints.mqtt_port}\n"
    )  # fmt: skip
    assert runner.invoke(command, ["down"], catch_exceptions=False).exit_code == 0
    stopped = runner.invoke(command, ["status"], catch_exceptions=False)
    assert (stopped.exit_code, "does not run" in stopped.stdout) == (3, True)
    up = runner.invoke(command, ["up"], catch_exceptions=False)
    assert (up.exit_code, f"{own.name} is up" in up.stdout, "starting postgres" in up.stderr) == (0, True, True)
    assert own.endpoints() == endpoints


def test_two_stacks_run_side_by_side(own: Stack) -> None:
    """Two checkouts have their own servers, ports and data."""
    with running_stack("neighbour") as neighbour:
        assert {neighbour.pid_of(name) for name in ("postgres", "mosquitto")}.isdisjoint(
            {own.pid_of(name) for name in ("postgres", "mosquitto")},
        )
        assert neighbour.endpoints().dsn != own.endpoints().dsn
        assert neighbour.endpoints().mqtt_port != own.endpoints().mqtt_port
        pids = [neighbour.pid_of(name) for name in ("postgres", "mosquitto")]
        neighbour.down()
        assert [identify(pid) for pid in pids] == [None, None]
