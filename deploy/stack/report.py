"""What a stack tells about itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the servers listen; the DSN carries a password."""

    dsn: str
    mqtt_host: str
    mqtt_port: int


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One server: `origin` is `given`, `machine`, `cache` or `to be fetched`; the rest is None where it is not ours."""

    origin: str
    running: bool
    pid: int | None = None
    port: int | None = None
    log: str | None = None


@dataclass(frozen=True, slots=True)
class StackStatus:
    """A stack's name, its directory, and its two servers."""

    name: str
    directory: str
    postgres: ServiceStatus
    mosquitto: ServiceStatus

    @property
    def running(self) -> bool:
        """Whether both servers run."""
        return self.postgres.running and self.mosquitto.running
