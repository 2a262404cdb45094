"""The carrier HTTP, and the route that takes envelopes: answered after the commit and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from energy.clocks import DataClock
from energy.errors import WireError
from energy.wire import (
    MAX_ENVELOPE_BYTES,
    VERSION,
    Acknowledgement,
    Refusal,
    RefusalCode,
    encode,
)
from ingest.receiving.carrier import Delivery, Settled
from ingest.receiving.envelopes import from_gateway, refused
from ingest.receiving.http.depth import nested_beyond
from ingest.receiving.http.exchange import Asked, Reply, TooLargeError, TurnedAwayError
from ingest.receiving.http.gatekeeper import Gatekeeper
from ingest.receiving.http.window import Place, Window
from ingest.receiving.intake import Intake

READ_BYTES = 2 * MAX_ENVELOPE_BYTES
"""So much of a body is read: one that is too large, but not beyond this, is refused under its own number."""
MOST_DEPTH = 32
"""An envelope nests three deep; members that are not ours may go deeper."""

_STATUS: Mapping[str, int] = {
    RefusalCode.MALFORMED: 400,
    RefusalCode.TOO_LARGE: 413,
    RefusalCode.UNSUPPORTED_VERSION: 422,
}
"""How an envelope that is refused whole is answered."""


class HttpCarrier:
    """Ends the waiting of the requests that brought what is committed."""

    name = "http"

    def settle(self, settled: Sequence[Settled]) -> None:
        """Let each request be answered; one whose client has gone is only forgotten: its envelope comes again."""
        for one in settled:
            assert isinstance(one.delivery.receipt, Place)  # noqa: S101 - ours alone
            one.delivery.receipt.settle(one.refusals)


class Readings:
    """The route that takes envelopes.

    Args:
        intake: where they go.
        window: bounds what is on its way.
        gatekeeper: is told how much came.
        clock: data time, which the answers tell.
        answer_s: longest wait for a commit, real seconds.
    """

    def __init__(
        self, intake: Intake, window: Window, gatekeeper: Gatekeeper, clock: DataClock, answer_s: float
    ) -> None:
        self._carrier = HttpCarrier()
        self._intake = intake
        self._window = window
        self._gatekeeper = gatekeeper
        self._clock = clock
        self._answer_s = answer_s

    async def __call__(self, asked: Asked) -> Reply:
        """Take an envelope, wait until it is committed, acknowledge it.

        Raises:
            TurnedAwayError: there is no place, or no commit in time.
        """
        place = self._window.enter(asked.address.gateway)
        try:
            delivery = await self._received(asked, place)
        except TooLargeError as error:
            place.free()
            return self._reply(None, None, [Refusal(None, None, RefusalCode.TOO_LARGE, error.detail)], 413)
        except BaseException:
            place.free()
            raise
        self._intake.add(delivery)
        refusals = await self._settled(place)
        status = 200 if delivery.refusal is None else _STATUS[delivery.refusal.code]
        return self._reply(delivery.stream, delivery.seq, refusals, status)

    async def _received(self, asked: Asked, place: Place) -> Delivery:
        """What was sent; what cannot be read is kept as it came, and refused."""
        body = bytearray()
        try:
            async for piece in asked.pieces(READ_BYTES):
                place.grow(len(piece))
                body += piece
        except WireError as error:
            return refused(self._carrier, place, asked.path, bytes(body), asked.address, error, damaged=True)
        finally:
            self._gatekeeper.charge(asked.address, len(body))
        payload = bytes(body)
        if nested_beyond(payload, MOST_DEPTH):
            too_deep = WireError(RefusalCode.MALFORMED, f"nested more than {MOST_DEPTH} deep")
            return refused(self._carrier, place, asked.path, payload, asked.address, too_deep)
        return from_gateway(self._carrier, place, asked.path, payload, asked.address)

    async def _settled(self, place: Place) -> Sequence[Refusal]:
        try:
            async with asyncio.timeout(self._answer_s):
                return await place.refusals
        except TimeoutError as error:
            # It keeps its place, and is committed when the database is back. The sender sends again, which is harmless.
            raise TurnedAwayError(503, "no_commit", "no commit in time; send again", retry_after_s=5) from error

    def _reply(self, stream: str | None, seq: int | None, refusals: Sequence[Refusal], status: int) -> Reply:
        confirmed = [] if seq is None else [seq]  # no number is confirmed where none could be read
        at = self._clock.now_ms()
        return Reply(status, encode(Acknowledgement(VERSION, stream, confirmed, list(refusals), at)))
