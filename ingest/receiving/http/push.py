"""Puts the parts of HTTP push together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

from energy.clocks import DataClock
from energy.wire.push import READINGS_PATH, STATUS_PATH
from ingest.following.status import StatusFollower
from ingest.receiving.http import metrics
from ingest.receiving.http.exchange import Handler
from ingest.receiving.http.gatekeeper import Gatekeeper
from ingest.receiving.http.readings import Readings
from ingest.receiving.http.server import HttpServer
from ingest.receiving.http.settings import HttpSettings
from ingest.receiving.http.status import Commands, Statuses
from ingest.receiving.http.tokens import Tokens
from ingest.receiving.http.window import Window
from ingest.receiving.intake import Intake


def push_server(  # noqa: PLR0913, PLR0917 - what it stands between
    settings: HttpSettings,
    intake: Intake,
    statuses: StatusFollower,
    clock: DataClock,
    commands: Commands,
    routes: Mapping[str, Handler],
) -> HttpServer:
    """The server with its routes for readings and status.

    Args:
        settings: the table `[http]`.
        intake: takes the envelopes.
        statuses: takes the statuses.
        clock: data time.
        commands: what is to be asked of a gateway when its status comes.
        routes: further ones, by the path that follows the prefix, for the same gateways under the same rates.

    Raises:
        ConfigError: the file of the tokens cannot be used.
    """
    tokens = Tokens(settings.tokens_file) if settings.tokens_file else None
    real = asyncio.get_running_loop().time
    gatekeeper = Gatekeeper(settings.limits, tokens.owner if tokens else None, real, proves=settings.proves)
    window = Window(settings.limits, random.random)
    server = HttpServer(
        settings,
        gatekeeper,
        tokens,
        {
            READINGS_PATH: Readings(intake, window, gatekeeper, clock, settings.limits.answer_s),
            STATUS_PATH: Statuses(statuses, commands, gatekeeper),
            **routes,
        },
    )
    metrics.watch(lambda: server.connections, lambda: window.taken, lambda: window.held)
    return server
