"""The seam between what is sent when and the way on which it goes: one open connection to one platform address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from energy.wire import Kind


class Heard(NamedTuple):
    """A message from the platform, not decoded yet: an acknowledgement or a command."""

    kind: Kind
    body: bytes


class Channel(Protocol):
    """An open connection. It lives once: after a loss another one is opened.

    Attributes:
        places: most envelopes that it takes at once.
        patience: real seconds after which what it did not take is to be sent again.
    """

    @property
    def places(self) -> int:
        """Most envelopes that it takes at once."""

    @property
    def patience(self) -> float:
        """Real seconds after which what it did not take is to be sent again."""

    def send(self, body: bytes) -> asyncio.Future[None]:
        """Send an envelope; the future ends when the carrier has it, which confirms nothing.

        It fails with BusyPlatformError where the platform asks to come later, and otherwise where the connection is
        lost, which `heard` tells.

        Raises:
            TransportError: the connection is lost.
        """

    async def tell(self, status: bytes) -> None:
        """Hand over a status.

        Raises:
            BusyPlatformError: the platform asks to come later.
            TransportError: the connection is lost, or nobody answers.
            FatalError: the platform refuses us.
        """

    def heard(self) -> AsyncIterator[Heard]:
        """What the platform says, in order; raises what the connection is lost with."""
