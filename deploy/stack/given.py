"""Servers that were named from outside, by option or by variable: checked, used, never started, never stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from deploy.stack import broker, database
from deploy.stack.database import Place
from deploy.stack.ports import LOOPBACK
from energy.errors import FatalError, SetupError, StorageError

DSN_OPTION, DSN_VARIABLE = "--dsn", "QUOTAWATT_DSN"
MQTT_OPTION, MQTT_VARIABLE = "--mqtt", "QUOTAWATT_MQTT"

_LOOPBACKS = {LOOPBACK, "localhost"}


def _nowhere() -> None:
    """A stack that never ran."""


@dataclass(frozen=True, slots=True)
class GivenDatabase:
    """A database, and the option or variable that named it.

    Raises:
        SetupError: the DSN is none.
    """

    dsn: str
    source: str

    def __post_init__(self) -> None:
        if database.place_of(self.dsn) is None:  # not quoted in the message: it may be all password
            raise SetupError(
                f"{self.source} is not the address of a database.",
                advice=f"Expected: postgresql://USER:PASSWORD@HOST:PORT/DATABASE. {_way_out(self.source)}",
            )

    def require(self) -> None:
        """Check that it can serve.

        Raises:
            SetupError: it does not answer, or has no TimescaleDB.
            PermissionRefusedError: it refuses us.
        """
        with _advising(self.source):
            try:
                database.require_timescaledb(self.dsn)
            except StorageError as error:
                raise SetupError(f"The given database: {error}") from error

    def is_up(self) -> bool:
        """Whether it takes connections.

        Raises:
            SetupError: it cannot serve, now or later.
            PermissionRefusedError: it refuses us.
        """
        with _advising(self.source):
            return database.is_up(self.dsn)


@dataclass(frozen=True, slots=True)
class GivenBroker:
    """A broker, and the option or variable that named it."""

    host: str
    port: int
    source: str

    def require(self) -> None:
        """Check that it can serve.

        Raises:
            SetupError: it does not answer.
        """
        if not self.is_up():
            raise SetupError(f"No broker answers at {self.host}:{self.port}.", advice=_way_out(self.source))

    def is_up(self) -> bool:
        """Whether it takes a session."""
        return broker.is_broker(self.host, self.port)


def given_database(
    environ: Mapping[str, str], option: str | None = None, own: Callable[[], Place | None] = _nowhere
) -> GivenDatabase | None:
    """The database that was named, by option or else by variable; None where none was.

    Args:
        environ: what stands for the environment.
        option: the option's value.
        own: where the stack's own database is or was. Its address, which a shell still has from `stack env`, names
            no other server: the own one can be started. Its password may have changed since.

    Raises:
        SetupError: the DSN is none.
    """
    dsn, source = _named(environ, (option, DSN_OPTION), DSN_VARIABLE)
    if not dsn:
        return None
    given = GivenDatabase(dsn, source)
    place = database.place_of(dsn)
    if place is not None and place.host in _LOOPBACKS and place._replace(host=LOOPBACK) == own():
        return None
    return given


def given_broker(
    environ: Mapping[str, str], option: str | None = None, own: Callable[[], int | None] = _nowhere
) -> GivenBroker | None:
    """The broker that was named, by option or else by variable; None where none was.

    Args:
        environ: what stands for the environment.
        option: the option's value.
        own: the port of the stack's own broker, whose address names no other server.

    Raises:
        SetupError: the address is none.
    """
    address, source = _named(environ, (option, MQTT_OPTION), MQTT_VARIABLE)
    if not address:
        return None
    host, port = parse_address(address, source)
    return None if host in _LOOPBACKS and port == own() else GivenBroker(host, port, source)


def parse_address(text: str, source: str) -> tuple[str, int]:
    """Host and port from `host:port` or `mqtt://host:port`.

    Args:
        text: what was given. A word alone is no address: it is more often a slip than a host on the usual port.
        source: the option or variable that gave it, for the message.

    Raises:
        SetupError: it is something else.
    """
    try:
        parts = urlsplit(text if "://" in text else f"mqtt://{text}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme != "mqtt" or not parts.hostname or not port or parts.username or parts.path.strip("/"):
        raise SetupError(  # what it is instead is not quoted: it may carry a password
            f"{source} is not the address of a broker.",
            advice=f"Expected: HOST:PORT, or mqtt://HOST:PORT. {_way_out(source)}",
        )
    return parts.hostname, port


def _named(environ: Mapping[str, str], option: tuple[str | None, str], variable: str) -> tuple[str | None, str]:
    """What was given, and by what."""
    return option if option[0] else (environ.get(variable), variable)


def _way_out(source: str) -> str:
    """What to do about an address that is of no use."""
    if source.startswith("--"):
        return f"Check {source}."
    return f"Check {source}, or let the stack start a server of its own: unset {source}"


@contextmanager
def _advising(source: str) -> Iterator[None]:
    """Say where the address came from, in the advice of an error that has none."""
    try:
        yield
    except FatalError as error:
        error.advice = error.advice or _way_out(source)
        raise
