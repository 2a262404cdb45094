"""What a collector's TOML file says; `collector.checks` looks across its tables.

Each area's tables are described beside its code, in a module `settings`: this one puts them together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from collector.drivers.dlt645.settings import Dlt645LineSettings, Dlt645Meter
from collector.drivers.modbus.settings import ModbusLineSettings, ModbusMeter
from collector.drivers.mqtt.settings import MqttListenerSettings
from collector.drivers.sparkplug.settings import SparkplugListenerSettings
from collector.spool.settings import SpoolSettings
from collector.uplink.settings import Platform, UplinkSettings
from energy.backoff import BackoffSettings, Seconds
from energy.clocks import ClockSettings
from energy.config import Positive
from energy.health import HealthSettings

LineSettings = ModbusLineSettings | Dlt645LineSettings
"""A line whose meters are polled."""
MeterSettings = ModbusMeter | Dlt645Meter
"""A meter of any line."""
ListenerSettings = MqttListenerSettings | SparkplugListenerSettings
"""A broker in the plant whose messages are taken."""


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway and its meters: the table `[[gateways]]`.

    Attributes:
        code: names it in topics and files.
        region: routing region, six digits.
        lines: the meters that are polled.
        listeners: the meters that send by themselves.
    """

    code: str
    region: str
    lines: tuple[LineSettings, ...] = ()
    listeners: tuple[ListenerSettings, ...] = ()

    def __post_init__(self) -> None:
        if not self.lines and not self.listeners:
            raise ValueError("at least one of lines and listeners is needed")


class MeterBackoffSettings(BackoffSettings, frozen=True, kw_only=True):
    """The table `[meter_backoff]`."""

    first_s: Seconds = 1.0
    most_s: Seconds = 120.0


class CollectorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file.

    Attributes:
        gateways: each has lines, a spool and a connection to the platform of its own.
        spool_dir: directory of the spools, one file per gateway, and of what was learned of its meters.
        platforms: addresses of the platform, the preferred one first.
        profile_dirs: directories of meter profiles of your own, beside those that come with the collector.
        clock: data time.
        health: the endpoint.
        spool: bounds of every gateway's spool.
        uplink: how envelopes are sent.
        meter_backoff: when a silent meter, or a lost line, is tried again.
        grace_s: real seconds that the whole stop may take.
    """

    gateways: Annotated[tuple[GatewaySettings, ...], msgspec.Meta(min_length=1)]
    spool_dir: Path
    platforms: Annotated[tuple[Platform, ...], msgspec.Meta(min_length=1)]
    profile_dirs: tuple[Path, ...] = ()
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    spool: SpoolSettings = SpoolSettings()
    uplink: UplinkSettings = UplinkSettings()
    meter_backoff: MeterBackoffSettings = MeterBackoffSettings()
    grace_s: Positive = 10.0

    def learned_file(self, gateway: GatewaySettings) -> Path:
        """Where it is kept what the refusals of a gateway's meters taught."""
        return self.spool_dir / f"{gateway.code}.learned.json"
