"""A process that delivers until it is killed: `python -m tests.support.delivery_victim DSN URL`."""

from __future__ import annotations

import sys

from alerts.delivery.service import DeliveryService
from energy.clocks import DataClock
from energy.services import run_main, run_services
from energy.storage import StorageSettings
from tests.support.delivery_world import settings_for


async def main() -> None:
    """Deliver."""
    dsn, url = sys.argv[1:]
    await run_services([DeliveryService(StorageSettings(dsn), settings_for(url), DataClock())], grace=5)


if __name__ == "__main__":
    run_main(main)
