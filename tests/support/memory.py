"""How much memory this process has in use: for what must not grow with the number of messages."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path


def blocks() -> int:
    """Blocks of memory that Python's objects have, after what is garbage is gone; exact."""
    gc.collect()
    return sys.getallocatedblocks()


def resident() -> int:
    """Bytes of memory that the process has, those included that wait to be used again."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
