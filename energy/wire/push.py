"""HTTP push: where the messages go, and the header that says whose they are."""

from __future__ import annotations

from energy.errors import WireError
from energy.wire.messages import RefusalCode
from energy.wire.topics import Address

READINGS_PATH = "/v1/readings"
"""Takes one envelope a request; what stands before it is the platform's."""
STATUS_PATH = "/v1/status"
"""Takes the status, and answers with commands."""
GATEWAY_HEADER = "Quotawatt-Gateway"
"""Says who sends: `{region}/{gateway}`."""


def gateway_header(address: Address) -> str:
    """The value of `GATEWAY_HEADER`."""
    return f"{address.region}/{address.gateway}"


def parse_gateway_header(value: str) -> Address:
    """Whom the header names.

    Raises:
        WireError: it is not `{region}/{gateway}` (`malformed`).
    """
    region, _, gateway = value.partition("/")
    try:
        return Address(region, gateway)
    except ValueError as error:
        raise WireError(RefusalCode.MALFORMED, f"{GATEWAY_HEADER}: {error}") from error
