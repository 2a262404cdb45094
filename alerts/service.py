"""The alerts process: evaluation, delivery, and the endpoint for health and metrics."""

from __future__ import annotations

from alerts.delivery.service import DeliveryService
from alerts.evaluation.loads import LoadsService
from alerts.evaluation.service import AlertsService
from alerts.rules.files import load_rules
from alerts.series.known import catalogue
from alerts.settings import AlertsSettings
from energy.clocks import DataClock
from energy.health import HealthServer
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
    services: list[Service] = [HealthServer(settings.health, {"database": database})]
    if settings.delivery is not None:
        services.append(DeliveryService(settings.database, settings.delivery, clock))
    services += [LoadsService(settings, clock), AlertsService(settings, rules, catalogue(), clock)]
    await run_services(services, grace=settings.grace_s)
