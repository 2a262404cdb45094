"""The table `[lines.replay]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec


class ReplaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that answers for a line.

    Attributes:
        file: what `quotawatt record` wrote.
        line: name of the recorded line; may be left out where the file has only one.
        delay_scale: recorded delays times this; 0 answers at once.
        loop: whether each request starts over after its last recorded answer; otherwise it then gets none.
    """

    file: Path
    line: str = ""
    delay_scale: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    loop: bool = False
