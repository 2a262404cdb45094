"""An encoder of Sparkplug B payloads that is not ours: the npm package sparkplug-payload, run by node."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.stack.files import exclusive, make_directory
from deploy.stack.paths import choose_places, server_account
from tests.support.stack import cache_environment

VERSION = "1.0.3"
DATA = Path(__file__).parent / "sparkplug"
_SECONDS = 100.0


def encode_elsewhere(payloads: Sequence[dict[str, Any]]) -> list[bytes]:
    """The bytes of payloads; fails the test where node is not installed or the package cannot be fetched."""
    place = _installed()
    program = place / "encode.js"
    shutil.copyfile(DATA / "encode.js", program)
    lines = "\n".join(json.dumps(payload) for payload in payloads)
    done = subprocess.run(["node", program], input=lines, capture_output=True, text=True, check=True, timeout=_SECONDS)
    return [base64.b64decode(line) for line in done.stdout.split()]


def _installed() -> Path:
    """Where the package lies, in the cache of fetched programs; fetched when it is not there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail("node and npm are needed here; the stored payloads are checked without them")
    cache = choose_places(cache_environment(), server_account()).cache
    place = make_directory(cache / f"npm-sparkplug-payload-{VERSION}")
    with exclusive(place / ".lock", seconds=_SECONDS, waiting="fetching sparkplug-payload"):
        if not (place / "node_modules" / "sparkplug-payload" / "index.js").exists():
            _fetch(place)
    return place


def _fetch(place: Path) -> None:
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save"]
    command = ["npm", "install", *options, "--prefix", str(place), f"sparkplug-payload@{VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode:
        pytest.fail(f"npm cannot fetch sparkplug-payload: {done.stderr.strip()[-200:]}")
