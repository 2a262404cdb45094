"""Makes `sessions.json` anew: what an edge node says from birth to death, encoded by two libraries that are not ours.

    python -m tests.support.sparkplug.make_sessions

Needs node and npm, and pip for an environment of pysparkplug's own.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from tests.support.sparkplug_encoder import DATA, VERSION, encode_elsewhere

PYSPARKPLUG = "0.6.1"
START = 1_772_294_400_000
"""As `ingest_world.START_MS`: the worker's data time begins an hour later."""

NUMBERS: list[tuple[str, Any]] = [
    ("Int8", -128),
    ("Int16", -32768),
    ("Int32", -2147483648),
    ("Int64", "-9007199254740991"),
    ("UInt8", 255),
    ("UInt16", 65535),
    ("UInt32", 4294967295),
    ("UInt64", "9007199254740991"),
    ("Float", -1.25),
    ("Double", 12345.678),
]
OTHERS: list[tuple[str, Any]] = [
    ("Boolean", True),
    ("String", "电表"),
    ("Text", "long"),
    ("DateTime", str(START)),
    ("UUID", "9f86d081-884c-7d65-9a2f-eaa0c55ad015"),
    ("Bytes", [0, 1, 255]),
]
NPM_ONLY: list[dict[str, Any]] = [
    {
        "name": "table",
        "type": "DataSet",
        "value": {"numOfColumns": 2, "columns": ["a", "b"], "types": ["Int32", "String"], "rows": [[1, "x"], [2, "y"]]},
    },
    {
        "name": "motor",
        "type": "Template",
        "value": {
            "version": "1",
            "isDefinition": True,
            "metrics": [{"name": "rpm", "type": "Int32", "value": 0}],
            "parameters": [{"name": "serial", "type": "String", "value": "0"}],
        },
    },
]
"""What pysparkplug cannot encode: our decoder is to pass over it."""


PYSPARKPLUG_ONLY: list[dict[str, Any]] = [
    *({"name": f"{kind}s", "type": f"{kind}Array", "value": [0, 1, 2]} for kind, _ in NUMBERS),
    {"name": "Booleans", "type": "BooleanArray", "value": [True, False, True]},
    {"name": "Strings", "type": "StringArray", "value": ["a", "电表"]},
    {"name": "DateTimes", "type": "DateTimeArray", "value": [START, START + 1]},
]
"""What the released sparkplug-payload cannot encode: likewise."""


def messages(*, npm: bool) -> list[dict[str, Any]]:
    """The session, as (kind, device, payload)."""
    born = [
        {"name": f"number/{kind}", "type": kind, "value": value, "alias": 20 + place, "timestamp": START + 100}
        for place, (kind, value) in enumerate([*NUMBERS, *OTHERS])
    ]
    null = {"name": "spare", "type": "Double", "value": None, "isNull": True, "alias": 60, "timestamp": START + 100}
    others = NPM_ONLY if npm else PYSPARKPLUG_ONLY
    odd = [{**one, "alias": 70 + place, "timestamp": START + 100} for place, one in enumerate(others)]
    quality = {"properties": {"Quality": {"type": "Int32", "value": 500}}} if npm else {}
    bd_seq = {"name": "bdSeq", "type": "Int64", "value": "7", "timestamp": START}
    rebirth = {"name": "Node Control/Rebirth", "type": "Boolean", "value": False, "timestamp": START}
    total = {"name": "plant/energy", "type": "UInt64", "value": "1000", "alias": 1, "timestamp": START + 50}

    def by_alias(alias: int, kind: str, value: Any, at: int, **more: Any) -> dict[str, Any]:
        return {"alias": alias, "type": kind, "value": value, "timestamp": START + at, **more}

    data: list[tuple[str, str, list[dict[str, Any]]]] = [
        ("NBIRTH", "", [bd_seq, rebirth, total]),
        ("DBIRTH", "D", [*born, null, *odd]),
        ("DDATA", "D", [by_alias(20 + place, kind, value, 200) for place, (kind, value) in enumerate(NUMBERS)]),
        ("NDATA", "", [by_alias(1, "UInt64", "1001", 250)]),
        ("DDATA", "D", [by_alias(27, "UInt64", "5", -60_000, isHistorical=True)]),
        ("DDATA", "D", [by_alias(29, "Double", None, 300, isNull=True)]),
        ("DDATA", "D", [by_alias(29, "Double", 7.5, 400, **quality)]),
        ("DDEATH", "D", []),
        ("NDEATH", "", [{"name": "bdSeq", "type": "Int64", "value": "7"}]),
    ]
    made = []
    for seq, (kind, device, metrics) in enumerate(data):
        numbered = {} if kind == "NDEATH" else {"seq": seq}
        payload = {"timestamp": START + 500 + seq, **numbered, "metrics": metrics}
        made.append({"kind": kind, "device": device, "payload": payload})
    return made


def by_npm() -> dict[str, Any]:
    """Encoded by sparkplug-payload."""
    session = messages(npm=True)
    bodies = encode_elsewhere([one["payload"] for one in session])
    return _with(session, bodies, f"sparkplug-payload {VERSION} from npm (Eclipse Tahu, EPL-2.0), by encode.js")


def by_pysparkplug() -> dict[str, Any]:
    """Encoded by pysparkplug, in an environment of its own."""
    session = messages(npm=False)
    with tempfile.TemporaryDirectory() as directory:
        venv.create(directory, with_pip=True)
        python = Path(directory) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"pysparkplug=={PYSPARKPLUG}"], check=True)
        done = subprocess.run(
            [python, DATA / "encode_pysparkplug.py"],
            input="\n".join(json.dumps(one) for one in session),
            capture_output=True,
            text=True,
            check=True,
        )
    bodies = [base64.b64decode(line) for line in done.stdout.split()]
    return _with(session, bodies, f"pysparkplug {PYSPARKPLUG} from PyPI (Apache-2.0), by encode_pysparkplug.py")


def _with(session: list[dict[str, Any]], bodies: list[bytes], made_by: str) -> dict[str, Any]:
    assert len(session) == len(bodies)
    texts = [base64.b64encode(body).decode() for body in bodies]
    return {
        "made_by": f"{made_by}; the bytes are its output, no part of it",
        "messages": [{**one, "bytes": text} for one, text in zip(session, texts, strict=True)],
    }


if __name__ == "__main__":
    made = {"npm": by_npm(), "pysparkplug": by_pysparkplug()}
    (DATA / "sessions.json").write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{DATA / 'sessions.json'}\n")
