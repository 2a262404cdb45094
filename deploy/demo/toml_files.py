"""Settings as TOML files, so that the demo's processes are configured as a user would configure them."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from deploy.stack.files import write_whole


def write_settings(path: Path, settings: msgspec.Struct) -> Path:
    """Write settings as TOML, for us alone to read; what is None or stands at its default is left out.

    Settings may carry a password. Returns `path`.
    """
    builtins = msgspec.to_builtins(settings, builtin_types=(datetime, date, time), enc_hook=str)
    write_whole(path, tomli_w.dumps(_without_none(builtins)), mode=0o600)
    return path


def _without_none(value: Any) -> Any:
    """TOML has no null: an absent key says the same."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_without_none(inner) for inner in value]
    return value
