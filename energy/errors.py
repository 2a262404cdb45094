"""What can go wrong, split by what the caller does next.

    QuotawattError
    ├── RetryableError            try the same thing again later
    │   ├── TransportError        the line, the broker or the peer failed
    │   └── StorageError          the database failed in a way that passes
    ├── RejectedError             the input is at fault; the same input will fail again
    │   ├── ConfigError           a configuration file, every fault listed with its line
    │   ├── WireError             a message that breaks the wire contract
    │   ├── MessageError          a message of a device, or a value in it, that makes no sense
    │   ├── StorageRejectedError  the database refused the data itself
    │   ├── UnitError             units of measure that do not fit together
    │   ├── FactorError           a factor that is missing, or does not load
    │   └── RecordingError        a file of recorded polls that cannot be used
    └── FatalError                stop and tell a person
        ├── SetupError            something that must be there is not
        ├── PermissionRefusedError  credentials or rights are missing
        └── SchemaError           the database is of another version

`exit_code` follows sysexits(3); `advice` tells a person what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass


class QuotawattError(Exception):
    """The root: a fault that we foresaw and can describe.

    Args:
        message: what happened, one sentence.
        advice: what the reader can do about it, or empty.
    """

    exit_code = 70

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class RetryableError(QuotawattError):
    """The same call may succeed later."""

    exit_code = 75


class TransportError(RetryableError):
    """The line, the broker or the device at the other end failed."""


class StorageError(RetryableError):
    """The database failed in a way that passes: connection lost, restart, deadlock, disk full."""


class RejectedError(QuotawattError):
    """The input is at fault: trying again is useless."""

    exit_code = 65


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with a configuration file.

    `line` counts from 1, 0 where no line can be named; `path` is the dotted key, empty for the whole document.
    """

    source: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        """`file:line: path: message`, which editors can follow."""
        place = f"{self.source}:{self.line}" if self.line else self.source
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(RejectedError):
    """A configuration cannot be used; `faults` lists all that is wrong with it, in the order of the file."""

    exit_code = 78

    def __init__(self, faults: tuple[Fault, ...], *, advice: str = "") -> None:
        count = f"{len(faults)} fault" + ("s" if len(faults) != 1 else "")
        super().__init__("\n".join([f"{count} in the configuration:", *map(str, faults)]), advice=advice)
        self.faults = faults


class WireError(RejectedError):
    """A message breaks the wire contract; `code` is one of `energy.wire.RefusalCode`'s values."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class MessageError(RejectedError):
    """A message of a device, or a value in it, makes no sense; the others are not affected.

    Args:
        reason: one of a closed set, for the metrics.
        message: what came, and what was expected.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StorageRejectedError(RejectedError):
    """The database refused the data itself: a constraint, a type, a number out of range."""


class UnitError(RejectedError):
    """Two units of measure that cannot be converted into each other, or an unknown one."""


class FactorError(RejectedError):
    """A conversion factor is missing, carries the wrong unit, or contradicts another; `faults` lists a table's."""

    def __init__(self, message: str, *, faults: tuple[Fault, ...] = (), advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.faults = faults


class RecordingError(RejectedError):
    """A file of recorded polls cannot be read, or breaks its format; the message names file and line."""


class FatalError(QuotawattError):
    """A person has to act before anything can go on."""


class SetupError(FatalError):
    """Something that must be there is not: a program, an extension, a directory, a port."""

    exit_code = 69


class PermissionRefusedError(FatalError):
    """The other side refuses our credentials or our rights."""

    exit_code = 77


class SchemaError(FatalError):
    """The database's schema is not the one that this version expects."""
