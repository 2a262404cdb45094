"""The alerts process: evaluation, delivery, and the endpoint for health and metrics."""

from __future__ import annotations

from functools import partial

from alerts.delivery.service import DeliveryService, check_alertmanagers
from alerts.evaluation.loads import LoadsService
from alerts.evaluation.service import AlertsService
from alerts.evaluation.watching import WatchService
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from alerts.settings import AlertsSettings
from energy.clocks import DataClock
from energy.health import Check, HealthServer
from energy.services import Service, run_services
from energy.storage import connect, translating


async def run(settings: AlertsSettings) -> None:
    """Run the alerts service until SIGTERM or SIGINT.

    Raises:
        ConfigError: a file of rules has faults.
        SchemaError, PermissionRefusedError, SetupError: a person has to act.
    """

    async def database() -> None:
        """Whether the database answers."""
        async with connect(settings.database) as connection:
            with translating():
                await connection.fetchval("select 1")

    clock = DataClock(settings.clock)
    rules = load_rules(settings.rule_files, catalogue())
    checks: dict[str, Check] = {"database": database}
    services: list[Service] = [HealthServer(settings.health, checks)]
    if (delivery := settings.delivery) is not None:
        checks["alertmanager"] = partial(check_alertmanagers, delivery)
        services.append(DeliveryService(settings.database, delivery, clock))
    services += [
        LoadsService(settings, clock),
        WatchService(settings, rules, catalogue(), clock),
        AlertsService(settings, rules, catalogue(), clock),
    ]
    await run_services(services, grace=settings.grace_s)
