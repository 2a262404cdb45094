"""Addresses that were named from outside: which counts, what is one, and what the message says about others."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from deploy.stack.database import Place
from deploy.stack.given import GivenBroker, GivenDatabase, given_broker, given_database, parse_address
from energy.errors import SetupError

_OWN = Place("quotawatt", "127.0.0.1", "20001", "quotawatt")


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port at which connections are refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound, not listening
        yield bound.getsockname()[1]


def test_options_go_before_variables() -> None:
    """What was said in the command counts more than what was set in the shell, and each is known by its name."""
    environ = {"QUOTAWATT_DSN": "postgresql://shell/x", "QUOTAWATT_MQTT": "shell:1884"}
    assert given_database(environ) == GivenDatabase("postgresql://shell/x", "QUOTAWATT_DSN")
    assert given_database(environ, "postgres://option/x") == GivenDatabase("postgres://option/x", "--dsn")
    assert given_broker(environ) == GivenBroker("shell", 1884, "QUOTAWATT_MQTT")
    assert given_broker(environ, "option:1") == GivenBroker("option", 1, "--mqtt")
    assert given_database({"QUOTAWATT_DSN": ""}) is None
    assert given_broker({"QUOTAWATT_MQTT": ""}) is None


@pytest.mark.parametrize(
    ("text", "address"), [("host:1", ("host", 1)), ("mqtt://host:2/", ("host", 2)), ("[::1]:3", ("::1", 3))]
)
def test_addresses_of_brokers(text: str, address: tuple[str, int]) -> None:
    """A host and a port, as such or as a URL."""
    assert parse_address(text, "--mqtt") == address


@pytest.mark.parametrize(
    "text",
    ["garbage", "http://host:1", "mqtt://", ":1883", "host:", "host:0", "host:port", "host:99999", "host:1/x", "u@h:1"],
)
def test_other_texts_are_no_addresses_of_brokers(text: str) -> None:
    """What cannot be used is refused with where it came from and the form that can; a slip is no host."""
    with pytest.raises(SetupError, match="QUOTAWATT_MQTT is not the address of a broker") as refused:
        given_broker({"QUOTAWATT_MQTT": text})
    assert "Expected: HOST:PORT" in refused.value.advice
    assert refused.value.advice.endswith("unset QUOTAWATT_MQTT")
    with pytest.raises(SetupError, match="--mqtt is not the address of a broker") as refused:
        given_broker({}, text)
    assert "unset" not in refused.value.advice


def test_a_broker_s_password_is_not_shown() -> None:
    """Names and passwords are not part of the address that we take, and do not get into the message."""
    with pytest.raises(SetupError) as refused:
        given_broker({}, "mqtt://user:secret@host:1")
    assert "secret" not in f"{refused.value} {refused.value.advice}"


@pytest.mark.parametrize(
    "text", ["secret", "mysql://u:secret@h/x", "host=h password=secret", "postgresql://h:secret/x"]
)
def test_other_texts_are_no_addresses_of_databases(text: str) -> None:
    """The message names the variable, not what is in it: that may be a password."""
    with pytest.raises(SetupError, match="QUOTAWATT_DSN is not the address of a database") as refused:
        given_database({"QUOTAWATT_DSN": text})
    assert "secret" not in f"{refused.value} {refused.value.advice}"
    assert refused.value.advice.endswith("unset QUOTAWATT_DSN")


def test_several_hosts_are_an_address() -> None:
    """A primary and its standby, as libpq writes them."""
    assert given_database({}, "postgresql://u@a:5432,b:5433/x") is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_our_own_address_names_no_other_server(host: str) -> None:
    """A shell keeps what `stack env` printed; the servers that it names are ours to start."""
    dsn = f"postgresql://quotawatt:earlier@{host}:20001/quotawatt"
    assert given_database({"QUOTAWATT_DSN": dsn}, None, lambda: _OWN) is None
    assert given_broker({"QUOTAWATT_MQTT": f"{host}:20002"}, None, lambda: 20_002) is None


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://quotawatt@elsewhere:20001/quotawatt",
        "postgresql://quotawatt@127.0.0.1:20002/quotawatt",
        "postgresql://quotawatt@127.0.0.1:20001/other",
        "postgresql://other@127.0.0.1:20001/quotawatt",
    ],
)
def test_another_address_is_another_database(dsn: str) -> None:
    """Another user or database on our own server is not what the stack would hand out."""
    assert given_database({}, dsn, lambda: _OWN) is not None


def test_another_address_is_another_broker() -> None:
    """The same port elsewhere, another port here, or a stack that never ran."""
    assert given_broker({}, "elsewhere:1", lambda: 1) is not None
    assert given_broker({}, "127.0.0.1:2", lambda: 1) is not None
    assert given_broker({}, "127.0.0.1:2", lambda: None) is not None


def test_who_does_not_answer_is_named_with_the_way_out(deaf: int) -> None:
    """The reader learns which variable led there, and how to go without it."""
    with pytest.raises(SetupError, match="The given database: PostgreSQL does not answer") as refused:
        GivenDatabase(f"postgresql://u@127.0.0.1:{deaf}/x", "QUOTAWATT_DSN").require()
    assert refused.value.advice.endswith("unset QUOTAWATT_DSN")
    with pytest.raises(SetupError, match=f"No broker answers at 127.0.0.1:{deaf}") as refused:
        GivenBroker("127.0.0.1", deaf, "--mqtt").require()
    assert refused.value.advice == "Check --mqtt."
