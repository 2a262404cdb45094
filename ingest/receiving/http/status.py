"""The route that takes the status of a gateway, and gives it commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from energy.errors import RetryableError, WireError
from energy.wire import MAX_COMMANDS, VERSION, Address, Command, StatusAnswer, decode_status, encode
from ingest.following.status import StatusFollower
from ingest.receiving.http.exchange import Asked, Reply, TurnedAwayError
from ingest.receiving.http.gatekeeper import Gatekeeper

MOST_BYTES = 65_536
"""A status names some hundred dropped ranges of about a hundred bytes."""
COMMANDS_S = 2.0
"""Real seconds that the commands may take; a later status brings them otherwise."""

Commands = Callable[[Address], Awaitable[Sequence[Command]]]
"""What is to be asked of a gateway now; raises RetryableError where that cannot be told."""


class Statuses:
    """The route that takes the status.

    Args:
        statuses: remembers it.
        commands: what to answer.
        gatekeeper: is told how much came.
    """

    def __init__(self, statuses: StatusFollower, commands: Commands, gatekeeper: Gatekeeper) -> None:
        self._statuses = statuses
        self._commands = commands
        self._gatekeeper = gatekeeper

    async def __call__(self, asked: Asked) -> Reply:
        """Note the status and answer with commands.

        Raises:
            TurnedAwayError: it cannot be read.
        """
        body = bytearray()
        try:
            async for piece in asked.pieces(MOST_BYTES):
                body += piece
            status = decode_status(bytes(body))
        except WireError as error:
            raise TurnedAwayError(400, "malformed_status", str(error)) from error
        finally:
            self._gatekeeper.charge(asked.address, len(body))
        self._statuses.heard(asked.address, status, carrier="http", via="http")
        commands = [msgspec.Raw(encode(command)) for command in await self._asked_of(asked.address)]
        return Reply(200, encode(StatusAnswer(VERSION, commands[:MAX_COMMANDS])))

    async def _asked_of(self, address: Address) -> Sequence[Command]:
        try:
            async with asyncio.timeout(COMMANDS_S):
                return await self._commands(address)
        except (RetryableError, TimeoutError):  # the status is noted all the same
            return ()
