"""What can go wrong at the edge, in the branches of `energy.errors`.

TransportError
├── LineError            no connection to the gateway address: every unit behind it is affected
├── LostLineError        the connection broke while a unit was asked: that unit alone is in doubt
├── SilentUnitError      no answer in time: likewise
├── MismatchError        an answer that does not belong to the request
├── RefusedReadError     the device answered with a Modbus exception
├── BusyPlatformError    the platform asks to come later
└── SilentPlatformError  it was reached and confirms nothing
RejectedError
├── RegisterError        words that hold no number of the profile's type, or a number that does not fit
├── PlanError            registers that no legal read covers
├── RatioError           transformer ratios missing, or given for the primary side
└── MappingError         a mapping of messages to points that can never work
FatalError
└── SpoolCorruptError    the spool's file broke while it was open
"""

from __future__ import annotations

from energy.errors import FatalError, RejectedError, TransportError


class LineError(TransportError):
    """No connection to the gateway address can be made."""


class LostLineError(TransportError):
    """The connection was lost while a unit was asked; some gateways close it when a unit is silent."""


class SilentUnitError(TransportError):
    """A unit gave no answer within the time-out; the connection was dropped so that a late one finds nobody."""


class MismatchError(TransportError):
    """An answer of the wrong transaction, unit, function or length; the connection was dropped."""


class RefusedReadError(TransportError):
    """The device answered with a Modbus exception.

    Args:
        code: the exception code; 0x0A and 0x0B are a gateway's way to say that the unit is not there.
        message: what was asked.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BusyPlatformError(TransportError):
    """The platform takes nothing now (HTTP 429 or 503).

    Args:
        message: who said so.
        after_s: real seconds that it asks us to wait; None where it does not say.
    """

    def __init__(self, message: str, after_s: float | None) -> None:
        super().__init__(message)
        self.after_s = after_s


class SilentPlatformError(TransportError):
    """A platform was reached, was sent envelopes, and confirmed none of them for too long."""


class RegisterError(RejectedError):
    """Words that hold no number of the declared type, or a number that does not fit it."""


class PlanError(RejectedError):
    """A wanted register cannot be read within the device's limits."""


class RatioError(RejectedError):
    """Transformer ratios are missing for a register of the secondary side, or given for one of the primary side."""


class MappingError(RejectedError):
    """A topic, path, point or time zone of a mapping to points that can never work."""


class SpoolCorruptError(FatalError):
    """The spool's file broke while it was open; the next start sets it aside, so that starting again mends it."""

    exit_code = 75
