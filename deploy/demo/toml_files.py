"""Settings as TOML files, so that the demo's processes are configured as a user would configure them."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import tomli_w


def write_settings(path: Path, settings: msgspec.Struct) -> Path:
    """Write settings as TOML; what is None or stands at its default is left out. Returns `path`."""
    builtins = msgspec.to_builtins(settings, builtin_types=(datetime, date, time), enc_hook=str)
    path.write_text(tomli_w.dumps(_without_none(builtins)), encoding="utf-8")
    return path


def _without_none(value: Any) -> Any:
    """TOML has no null: an absent key says the same."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_without_none(inner) for inner in value]
    return value
