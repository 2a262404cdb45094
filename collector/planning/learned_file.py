"""What refusals taught, on disk: one small JSON file for the meters of a gateway.

It saves requests and holds no data: a file that is damaged is set aside and reported, and everything is learned anew.
"""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import msgspec
import structlog

from collector.planning.limits import Learned
from energy.errors import StorageError

_log = structlog.get_logger("collector")
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(dict[str, Learned])
_NOTHING = Learned()


class LearnedFile:
    """What was learned of each meter.

    Args:
        path: the file; it need not exist. One that cannot be read is reported, and everything is learned anew.

    Raises:
        StorageError: a damaged file cannot be set aside.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._meters = _load(path)
        self._saved = True

    def of(self, meter: str) -> Learned:
        """What is known of a meter; nothing for one that never refused."""
        return self._meters.get(meter, _NOTHING)

    def put(self, meter: str, learned: Learned) -> None:
        """Remember what is known of a meter now, and have it on disk.

        The file is small and this is rare: it happens in place, in the caller's thread.

        Raises:
            StorageError: it could not be written; it is known nevertheless, and written with the next call.
        """
        if self._saved and self.of(meter) == learned:
            return
        self._meters[meter], self._saved = learned, False
        new = self._path.with_name(self._path.name + ".new")
        try:
            with new.open("wb") as file:
                file.write(msgspec.json.format(_ENCODER.encode(self._meters)))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
            self._saved = True
        except OSError as error:
            raise StorageError(f"{self._path} cannot be written: {error.strerror}") from error


def _load(path: Path) -> dict[str, Learned]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        _log.error("learned_unreadable", file=str(path), error=str(error))
        return {}
    try:
        return _DECODER.decode(raw)
    # msgspec's errors are ValueErrors, and so is that of bytes that are no UTF-8.
    except ValueError as error:
        _log.error("learned_set_aside", file=str(_set_aside(path)), damage=str(error))
        return {}


def _set_aside(path: Path) -> Path:
    """Give a damaged file a name that nothing has yet."""
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    aside = next(name for name in names if not name.exists())
    try:
        return path.rename(aside)
    except OSError as error:
        raise StorageError(f"{path} cannot be set aside: {error.strerror}", advice="Move it away by hand.") from error
