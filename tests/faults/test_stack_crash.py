"""What a crash leaves, `up` repairs; what was committed is there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from deploy.stack import Stack, ports
from deploy.stack.files import save
from deploy.stack.processes import identify
from tests.support.stack import running_stack


@pytest.fixture(scope="module")
def crashing() -> Iterator[Stack]:
    """One stack for this module: its servers are killed, its data stay."""
    with running_stack("crash") as running:
        yield running


@pytest.fixture
def table(crashing: Stack) -> Iterator[str]:
    """A hypertable with a thousand committed rows."""
    with psycopg.connect(crashing.up().dsn, autocommit=True) as connection:
        connection.execute("create table kept (ts timestamptz not null)")
        connection.execute("select create_hypertable('kept', 'ts')")
        connection.execute("insert into kept select to_timestamp(n * 86400) from generate_series(1, 1000) n")
    yield "kept"
    with psycopg.connect(crashing.up().dsn, autocommit=True) as connection:
        connection.execute("drop table kept")


def _rows(dsn: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
    return row[0] if row else None


@pytest.mark.usefixtures("table")
def test_a_killed_database_comes_back_with_its_data(crashing: Stack) -> None:
    """SIGKILL of the server while a session works: up again at the same address, and nothing committed is gone."""
    endpoints = crashing.endpoints()
    session = psycopg.connect(endpoints.dsn)
    session.execute("insert into kept values ('2030-01-01+00')")
    os.kill(crashing.pid_of("postgres"), signal.SIGKILL)
    assert crashing.up() == endpoints
    with pytest.raises(psycopg.OperationalError):
        session.commit()
    session.close()
    assert _rows(endpoints.dsn) == 1000


@pytest.mark.usefixtures("table")
def test_a_full_stop_keeps_the_data(crashing: Stack) -> None:
    """Down and up again: the same addresses, the same rows."""
    endpoints = crashing.endpoints()
    crashing.down()
    assert not crashing.status().postgres.running
    assert not crashing.status().mosquitto.running
    assert crashing.up() == endpoints
    assert _rows(endpoints.dsn) == 1000


@pytest.mark.parametrize("service", ["postgres", "mosquitto"])
def test_a_restart_keeps_the_address(crashing: Stack, service: str) -> None:
    """A server is stopped and started alone; the other one runs on."""
    endpoints, other = crashing.endpoints(), "mosquitto" if service == "postgres" else "postgres"
    before = crashing.pid_of(service), crashing.pid_of(other)
    restart = {"postgres": crashing.restart_postgres, "mosquitto": crashing.restart_mosquitto}[service]
    restart()
    assert crashing.endpoints() == endpoints
    assert crashing.pid_of(service) != before[0]
    assert crashing.pid_of(other) == before[1]


def test_a_killed_broker_comes_back(crashing: Stack) -> None:
    """SIGKILL of the broker: up again at the same address."""
    endpoints, killed = crashing.endpoints(), crashing.pid_of("mosquitto")
    os.kill(killed, signal.SIGKILL)
    assert crashing.up() == endpoints
    assert crashing.pid_of("mosquitto") != killed


@pytest.mark.parametrize("service", ["postgres", "mosquitto"])
@pytest.mark.parametrize("content", [None, '{"pid": '])
def test_a_server_whose_record_was_lost_is_adopted(crashing: Stack, service: str, content: str | None) -> None:
    """A crash between the start and its record leaves a server that is found, not doubled."""
    pid, record = crashing.pid_of(service), crashing.home.record(service)
    record.unlink()
    if content is not None:
        record.write_text(content)
    crashing.up()
    assert crashing.pid_of(service) == pid
    assert json.loads(record.read_text())["pid"] == pid


def test_the_process_that_took_over_an_id_is_left_alone(crashing: Stack) -> None:
    """Records that name a stranger's process lead to new servers, and the stranger lives."""
    endpoints = crashing.endpoints()
    crashing.down()
    account = crashing.home.account
    with subprocess.Popen(["sleep", "100"], user=account.uid if account else None) as stranger:
        recorded = identify(stranger.pid)
        assert recorded is not None
        for service in ("postgres", "mosquitto"):
            save(
                crashing.home.record(service),
                {"pid": recorded.pid, "started": recorded.started - 5, "boot": recorded.boot},
            )
        # PostgreSQL's own lock file names that process as well, which alone would keep it from starting for ever.
        (crashing.home.own("postgres") / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n")
        assert crashing.up() == endpoints
        crashing.down()
        assert stranger.poll() is None
        stranger.kill()
    crashing.up()


def test_a_port_that_was_taken_meanwhile_is_replaced(crashing: Stack) -> None:
    """Another program listens where the broker did: it moves, and says where to."""
    before = crashing.endpoints()
    crashing.down()
    with socket.create_server((ports.LOOPBACK, before.mqtt_port)):
        moved = crashing.up()
    assert moved.mqtt_port != before.mqtt_port
    assert moved.dsn == before.dsn


def test_a_half_made_cluster_is_made_anew() -> None:
    """What a killed first start left is not taken for a cluster."""
    with running_stack("half") as half:
        half.down()
        data = half.home.own("postgres") / "data"
        data.rename(data.with_name("data.new"))
        (data.with_name("data.new") / "PG_VERSION").unlink()
        with psycopg.connect(half.up().dsn) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert not data.with_name("data.new").exists()
