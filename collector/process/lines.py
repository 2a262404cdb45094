"""From the table of a line to its poller: the way to the meters, and what each of them is asked."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from collector.drivers.dlt645.exchange import Dlt645Requests, exchanges
from collector.drivers.dlt645.line import dlt645_line
from collector.drivers.dlt645.settings import Dlt645SerialLine, Dlt645TcpLine
from collector.drivers.line import Line
from collector.drivers.meters import sent_values
from collector.drivers.modbus.line import modbus_line
from collector.drivers.modbus.requests import ModbusRequests
from collector.planning.learned_file import LearnedFile
from collector.polling.meter import Meter
from collector.polling.poller import Keeper, LinePoller
from collector.polling.sweep import Requests
from collector.polling.turns import Slot
from collector.profiles.dlt645 import Dlt645Profile
from collector.profiles.library import Library
from collector.settings import LineSettings, MeterSettings
from energy.backoff import Backoff, BackoffSettings
from energy.clocks import DataClock

_log = structlog.get_logger("collector")


def open_line(settings: LineSettings, clock: DataClock) -> Line:
    """The way to the meters of a line; it connects when a read needs it."""
    if isinstance(settings, Dlt645SerialLine | Dlt645TcpLine):
        return dlt645_line(settings, clock.now_ms)
    return modbus_line(settings, clock.now_ms)


def requests_of(  # noqa: PLR0913 - the parts that meet here
    place: str, settings: MeterSettings, library: Library, learned: LearnedFile, clock: DataClock, *, gateway: str
) -> Requests:
    """What a meter is asked.

    Args:
        place: of its line; with its address it names the meter in the file of what was learned.
        settings: its table.
        library: where its profile is.
        learned: what refusals taught of the gateway's meters.
        clock: data time.
        gateway: code of its gateway, for the log.

    Raises:
        RejectedError: profile, ratios or units of measure do not fit together.
    """
    profile = library.load_any(settings.profile)
    sent = sent_values(settings, profile)
    if isinstance(profile, Dlt645Profile):
        return Dlt645Requests(exchanges(profile, sent))
    log = _log.bind(gateway=gateway, meter=settings.label)
    return ModbusRequests(meter_key(place, settings), profile, sent, learned, clock.now_ms, log=log)


def meter_key(place: str, settings: MeterSettings) -> str:
    """Names a meter in the file of what was learned; another profile begins anew."""
    return f"{place} {settings.address} {settings.profile}"


def line_poller(  # noqa: PLR0913 - the parts that meet here
    gateway: str,
    settings: LineSettings,
    library: Library,
    keeper: Keeper,
    clock: DataClock,
    *,
    learned: LearnedFile,
    backoff: BackoffSettings,
    line: Line | None = None,
) -> LinePoller:
    """The poller of one line.

    Args:
        gateway: code of its gateway.
        settings: the line's table.
        library: where profiles are.
        keeper: where readings go.
        clock: data time.
        learned: what was learned of the gateway's meters.
        backoff: how long a silent meter, or the line itself, rests.
        line: the way to the meters, where not the one of the table.

    Raises:
        RejectedError: a meter's profile, ratios or units of measure do not fit together.
    """
    tables: Sequence[MeterSettings] = settings.meters
    meters = [
        Meter(
            gateway,
            meter.label,
            meter.address,
            requests_of(settings.place, meter, library, learned, clock, gateway=gateway),
            Slot(
                position,
                round((meter.interval_s or settings.interval_s) * 1000),
                round((settings.offset_s if meter.offset_s is None else meter.offset_s) * 1000),
                Backoff(backoff.first_s, backoff.most_s),
            ),
        )
        for position, meter in enumerate(tables)
    ]
    return LinePoller(
        gateway,
        line or open_line(settings, clock),
        meters,
        keeper,
        clock,
        time_out_s=settings.time_out_s,
        line_backoff=Backoff(backoff.first_s, backoff.most_s),
    )
