"""What a broker's refusal means for the caller: try again, ask for rights, or mend the set-up. Pure."""

from __future__ import annotations

from energy.errors import PermissionRefusedError, QuotawattError, SetupError, TransportError

FIRST_FAILURE_CODE = 128
"""Reason codes below it are successes (MQTT 5.0, section 2.4)."""

# Bad user name or password, not authorized, banned, bad authentication method; 3.1.1's codes are mapped to these.
_PERMISSION = frozenset({134, 135, 138, 140})
# Protocol version, client identifier, topic name, packet too large.
_SETUP = frozenset({132, 133, 144, 149})
# MQTT 3.1.1 has one failure code for a subscription, and brokers use it where rights are missing.
_UNSPECIFIED = 128


def refusal(what: str, code: int, *, subscription: bool = False) -> QuotawattError:
    """The error for a reason code of 128 or more; `what` names the broker and what it was asked."""
    message = f"{what} was refused (reason code {code})"
    if code in _PERMISSION or (subscription and code == _UNSPECIFIED):
        return PermissionRefusedError(message, advice="Check username, password_file and the rights at the broker.")
    if code in _SETUP:
        return SetupError(message, advice="Check protocol version, client_id, topic and size against the broker.")
    return TransportError(message)
