"""What a collector's TOML file says; `collector.checks` looks across its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from collector.profiles.conversion import Ratio
from collector.spool.settings import SpoolSettings
from collector.uplink.settings import Platform, UplinkSettings
from energy.backoff import BackoffSettings
from energy.clocks import ClockSettings
from energy.config import Host
from energy.health import HealthSettings

Positive = Annotated[float, msgspec.Meta(gt=0)]
"""A number above zero."""
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
"""Zero or more."""
PointCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
"""A point's code, as the platform's registry has it."""
UnitId = Annotated[int, msgspec.Meta(ge=1, le=255)]
"""A Modbus unit: 1 to 247 on a serial line, 255 for a device that speaks TCP itself; nobody answers 0, a broadcast."""
MODBUS_PORT = 502
"""Where Modbus TCP servers listen by default (IANA)."""


class MeterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One meter: the table `[[gateways.meters]]`.

    Attributes:
        point: code under which its readings are sent.
        unit_id: Modbus unit behind the gateway's address.
        profile: register layout, by name of its file in `collector/profiles/models`.
        carrier: what it measures.
        ct: ratio of the current transformers, 1 where connected directly; needed for profiles whose counter shows
            the secondary side, and only there.
        pt: ratio of the voltage transformers, likewise.
        unit: unit of measure as set in the meter's menu, where that is not the profile's.
    """

    point: PointCode
    unit_id: UnitId
    profile: str
    carrier: str
    ct: Ratio | None = None
    pt: Ratio | None = None
    unit: str = ""


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway, its line and its meters: the table `[[gateways]]`.

    Attributes:
        code: names it in topics and files.
        region: routing region, six digits.
        host: where the Modbus TCP server of the line is.
        port: its port.
        interval_s: seconds of data time from poll to poll; polls fall on whole multiples since 1970-01-01 UTC.
        offset_s: seconds of data time by which they are later.
        time_out_s: real seconds within which a meter has to answer.
        meters: read in this order.
    """

    code: str
    region: str
    host: Host
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = MODBUS_PORT
    interval_s: Annotated[float, msgspec.Meta(ge=0.1)] = 60.0
    offset_s: NotNegative = 0.0
    time_out_s: Positive = 1.0
    meters: Annotated[tuple[MeterSettings, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        if self.offset_s >= self.interval_s:
            raise ValueError(f"offset_s ({self.offset_s:g}) must be below interval_s ({self.interval_s:g})")


class CollectorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file.

    Attributes:
        gateways: each has a line, a spool and a connection to the platform of its own.
        spool_dir: directory of the spools, one file per gateway.
        clock: data time.
        platforms: addresses of the platform, the preferred one first.
        health: the endpoint.
        spool: bounds of every gateway's spool.
        uplink: how envelopes are sent.
        meter_backoff: when a silent meter, or a lost line, is tried again.
        grace_s: real seconds that the whole stop may take.
    """

    gateways: Annotated[tuple[GatewaySettings, ...], msgspec.Meta(min_length=1)]
    spool_dir: Path
    platforms: Annotated[tuple[Platform, ...], msgspec.Meta(min_length=1)]
    clock: ClockSettings = ClockSettings()
    health: HealthSettings = HealthSettings()
    spool: SpoolSettings = SpoolSettings()
    uplink: UplinkSettings = UplinkSettings()
    meter_backoff: BackoffSettings = BackoffSettings()
    grace_s: Positive = 10.0
