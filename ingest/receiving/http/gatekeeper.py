"""Who is let in: decides from a request's head alone, before any of its body is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from energy.errors import WireError
from energy.wire import Address
from energy.wire.push import GATEWAY_HEADER, parse_gateway_header
from ingest.receiving.http.buckets import Buckets
from ingest.receiving.http.exchange import TurnedAwayError
from ingest.receiving.http.settings import HttpLimits

_BEARER = "bearer "
_parse_header = lru_cache(maxsize=65_536)(parse_gateway_header)  # it comes again with every request


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says of its sender.

    Attributes:
        peer: the address at the other end of the connection.
        gateway: the values of the header that names the gateway.
        authorization: those of `Authorization`.
        certified: names in the client's certificate, which TLS has verified.
    """

    peer: str
    gateway: Sequence[str]
    authorization: Sequence[str]
    certified: frozenset[str] = frozenset()


class Gatekeeper:
    """Tells whose a request is, and keeps each sender to its rate.

    Args:
        limits: the rates.
        owner: whose a token is, None where there are no tokens.
        proves: whether a proof is needed; otherwise the header is believed.
        clock: real monotonic seconds.
    """

    def __init__(
        self,
        limits: HttpLimits,
        owner: Callable[[str], str | None] | None,
        clock: Callable[[], float],
        *,
        proves: bool,
    ) -> None:
        self._owner = owner
        self._proves = proves
        self._clock = clock
        self._requests = Buckets(limits.requests_per_s)
        self._bytes = Buckets(limits.bytes_per_s)
        self._strangers = Buckets(limits.strangers_per_s)

    def authenticate(self, credentials: Credentials) -> Address:
        """Whose request this is.

        Raises:
            TurnedAwayError: 401 without a valid proof, 403 where the header names another gateway, 429 after too many
                of these from one address, 400 where a header stands twice.
        """
        try:
            return self._proven(credentials)
        except TurnedAwayError as error:
            # Only those without proof are slowed down: a gateway may share its address with whoever else.
            now = self._clock()
            wait = self._strangers.wait(credentials.peer, now)
            self._strangers.take(credentials.peer, 1, now)
            if not wait:
                raise
            raise TurnedAwayError(429, "too_many_strangers", error.detail, retry_after_s=wait) from error

    def admit(self, address: Address) -> None:
        """Count a request of a known gateway.

        Raises:
            TurnedAwayError: 429, it sends too fast.
        """
        now = self._clock()
        wait = max(self._requests.wait(address.gateway, now), self._bytes.wait(address.gateway, now))
        if wait:
            raise TurnedAwayError(429, "too_fast", "more than this gateway may send", retry_after_s=wait)
        self._requests.take(address.gateway, 1, now)

    def charge(self, address: Address, count: int) -> None:
        """Count bytes that a known gateway has sent; they delay its next request."""
        self._bytes.take(address.gateway, count, self._clock())

    def _proven(self, credentials: Credentials) -> Address:
        if len(credentials.gateway) > 1 or len(credentials.authorization) > 1:
            # Whoever stands between might judge by the one and we by the other.
            raise TurnedAwayError(400, "ambiguous", "a header that may stand once stands twice")
        try:
            address = _parse_header("".join(credentials.gateway))
        except WireError as error:
            raise TurnedAwayError(401, "unauthenticated", f"{GATEWAY_HEADER}: REGION/GATEWAY expected") from error
        if not self._proves:
            return address
        proven = credentials.certified | self._by_token(credentials.authorization)
        if not proven:
            raise TurnedAwayError(401, "unauthenticated", "a valid token or certificate expected")
        if address.gateway not in proven:
            raise TurnedAwayError(403, "forbidden", f"{GATEWAY_HEADER} names another gateway")
        return address

    def _by_token(self, authorization: Sequence[str]) -> frozenset[str]:
        value = "".join(authorization)
        if self._owner is None or not value.lower().startswith(_BEARER):
            return frozenset()
        owner = self._owner(value[len(_BEARER) :].strip())
        return frozenset() if owner is None else frozenset({owner})
