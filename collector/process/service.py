"""The collector's process: spools first, then uplinks, then meters; stopped the other way round."""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from collector.checks import load_settings
from collector.process.gateways import Gateways
from collector.process.reload import Reload
from collector.settings import CollectorSettings
from energy.clocks import DataClock
from energy.health import HealthServer
from energy.services import Service, run_services


async def run(settings: CollectorSettings, *, file: Path | None = None, stop: asyncio.Event | None = None) -> None:
    """Collect until told to stop: by `stop`, or where that is None by SIGTERM and SIGINT.

    Args:
        settings: what to collect.
        file: where the settings come from; its changes are taken over. None for settings that do not change.
        stop: set by the caller to stop.

    Raises:
        QuotawattError: something that trying again does not mend.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="spool") as thread:
        gateways = Gateways(settings, DataClock(settings.clock), thread)
        services: list[Service] = [
            HealthServer(settings.health, {"platform": gateways.check_online}),
            gateways.stores,
            gateways.uplinks,
            gateways.keepers,
            gateways.sources,
        ]
        if file is None:
            await run_services(services, grace=settings.grace_s, stop=stop)
            return
        reload = Reload(file, settings, lambda: load_settings(file), gateways.change)
        loop = asyncio.get_running_loop()
        # From the first moment on: unhandled, the signal would end a process that still opens its spools.
        loop.add_signal_handler(signal.SIGHUP, reload.ask)
        try:
            await run_services([*services, reload], grace=settings.grace_s, stop=stop)
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
