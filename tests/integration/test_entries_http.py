"""Entries over HTTP: a real worker, gateways that prove who they are, answers after the commit."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from ingest.receiving.entries.route import ENTRIES_PATH, MOST_BYTES, MOST_ENTRIES, MOST_FAULTS
from tests.support import ingest_worker as worker
from tests.support.entries_world import in_force, marks, populate
from tests.support.http_push import Answered, Pushing, pushing, with_http, write_tokens

GATEWAY, OTHER = Address("610302", "gw-u"), Address("610302", "gw-v")
COAL = {"kind": "purchase", "subject": "raw_coal", "first_day": "2026-02-01", "unit_of_measure": "t"}
HEADER = "kind,subject,first_day,amount,unit_of_measure"

WRONG: list[tuple[Any, int, int, str, str]] = [
    ({"entries": [COAL]}, 422, 1, "amount", "must not be empty"),
    ({"entries": [COAL | {"amount": True}]}, 422, 1, "amount", "a text or a number expected"),
    ({"entries": [COAL | {"amount": "NaN"}]}, 422, 1, "amount", "'NaN': a number with a decimal point"),
    ({"entries": [COAL | {"amount": 1, "day": "x"}]}, 422, 1, "day", "one of unit, kind"),
    ({"entries": [COAL | {"amount": 1, "reason": "a\x00"}]}, 422, 1, "reason", "a line break or another"),
    ({"entries": [COAL | {"amount": 1}] * 2}, 422, 2, "first_day", "line 1 has the same days: give the sum"),
    ({"entries": [COAL | {"amount": 1, "first_day": "2026-03-02"}]}, 422, 1, "first_day", "lies in the future"),
    (b'{"entries":[{"reason":"\\ud800"}]}', 400, 0, "", "Input data was truncated"),
    (b"{", 400, 0, "", "Input data was truncated"),
    (b"[" * 500, 400, 0, "", "nested more than 8 deep"),
    ({"entries": {}}, 400, 0, "", "Expected `array`"),
    ({"entries": [], "dry_run": True}, 400, 0, "", "Object contains unknown field `dry_run`"),
    ({"entries": [{}] * (MOST_ENTRIES + 1)}, 400, 0, "", "Expected `array` of length <= 2000"),
]
"""Bodies, the status of the answer, and its first fault."""


@pytest.fixture
async def push(
    connection: Connection, database: StorageSettings, mqtt: MqttSettings, tmp_path: Path
) -> AsyncIterator[Pushing]:
    """A worker, and two gateways with tokens."""
    await populate(connection)
    tokens = write_tokens(tmp_path / "tokens.toml", {"gw-u": ["u"], "gw-v": ["v"], "gw-x": ["x"]})
    async with pushing(with_http(worker.settings(database, mqtt), tokens_file=tokens)) as running:
        yield running


async def send(push: Pushing, body: Any, address: Address = GATEWAY, query: str = "", **headers: str) -> Answered:
    """Post entries with the gateway's own token; objects as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if len(body) > MOST_BYTES:
        body = io.BytesIO(body)
    headers = {"Content_Type": "application/json", "Authorization": f"Bearer {address.gateway[-1]}"} | headers
    return await push.post(address, body, ENTRIES_PATH + query, **headers)


def faults(answered: Answered) -> list[tuple[int, str, str]]:
    """What a refusal lists."""
    return [(one["line"], one["field"], one["detail"]) for one in json.loads(answered.body)["faults"]]


async def test_entries_are_taken_once_and_answered_after_the_commit(push: Pushing, connection: Connection) -> None:
    """The same again is known; another amount replaces; figures lose no digit."""
    body = {
        "author": "Li Wei",
        "entries": [COAL | {"amount": "1234.567890123456", "reason": "bill 7", "document": None}],
    }
    first = await send(push, body)
    assert (first.status, json.loads(first.body)) == (200, {"taken": [{"entry_id": 1, "new": True, "replaced": None}]})
    assert await in_force(connection) == {1: "1234.567890123456"}
    assert len(await marks(connection)) == 1
    again = await send(push, body)
    assert json.loads(again.body) == {"taken": [{"entry_id": 1, "new": False, "replaced": None}]}
    assert await marks(connection) == []
    exact = json.dumps({"entries": [COAL | {"subject": "原煤", "amount": 0}]}).replace(": 0", ": 99999999999999.0001")
    assert json.loads((await send(push, exact.encode())).body)["taken"] == [{"entry_id": 2, "new": True, "replaced": 1}]
    assert await in_force(connection) == {2: "99999999999999.0001"}
    rows = await connection.fetch("select author, source, unit from board.entry order by entry_id")
    assert [tuple(row) for row in rows] == [("Li Wei", "api", "U"), ("gateway gw-u", "api", "U")]


async def test_a_file_is_taken_in_either_language_and_compressed(push: Pushing, connection: Connection) -> None:
    """As CSV, without naming the unit, or naming the gateway's own."""
    content = f"{HEADER}\npurchase,raw_coal,2026-02-01,5,t\n".encode()
    chinese = "用能单位,类别,日期,数量,计量单位\nU,产值,2026/2/1,5,万元\n".encode("gb18030")
    for body, encoding in ((gzip.compress(content), "gzip"), (chinese, "identity")):
        named = {"Content_Type": "text/csv; charset=x", "Content_Encoding": encoding}
        assert (await send(push, body, GATEWAY, "?author=Wu", **named)).status == 200
    assert list((await in_force(connection)).values()) == ["5", "5"]


async def test_a_gateway_enters_for_its_own_unit_only(push: Pushing, connection: Connection) -> None:
    """With its own token, and registered."""
    entry = COAL | {"amount": 1}
    foreign = await send(push, {"entries": [entry, entry | {"unit": "V"}]})
    assert (foreign.status, faults(foreign)) == (422, [(2, "unit", "gw-u enters for U only: leave the unit out")])
    csv = await send(push, f"unit,{HEADER}\nV,sale,heat,2026-02-01,5,GJ\n".encode(), Content_Type="text/csv")
    assert faults(csv) == [(2, "unit", "gw-u enters for U only: leave the unit out")]
    assert (await send(push, {"entries": [entry]}, OTHER, Authorization="Bearer u")).status == 403
    assert (await send(push, {"entries": [entry]}, Authorization="Bearer nobody")).status == 401
    assert (await send(push, {"entries": [entry]}, Address("610302", "gw-x"))).status == 403
    assert await in_force(connection) == {}
    assert (await send(push, {"entries": [entry]}, OTHER)).status == 200
    assert await connection.fetchval("select unit from board.entry") == "V"


async def test_what_is_wrong_is_told_and_nothing_is_taken(push: Pushing, connection: Connection) -> None:
    """Each fault with its entry and its field."""
    for body, status, line, field, detail in WRONG:
        answered = await send(push, body)
        assert answered.status == status, body
        assert faults(answered)[0][:2] == (line, field), body
        assert faults(answered)[0][2].startswith(detail), body
    assert await in_force(connection) == {}


async def test_requests_are_bounded(push: Pushing, connection: Connection) -> None:
    """In bytes, entries, media types, parameters and faults that are told."""
    assert (await send(push, b"x" * (MOST_BYTES + 1))).status == 413
    assert (await send(push, gzip.compress(b" " * (MOST_BYTES + 1)), Content_Encoding="gzip")).status == 413
    assert (await send(push, b"{}", Content_Type="application/xml")).status == 415
    assert faults(await send(push, b"{}", query="?dry_run=true")) == [(0, "", "parameter 'dry_run': author expected")]
    assert (await send(push, b"\x1f\x8b nonsense", Content_Encoding="gzip")).status == 400
    lines = "purchase,raw_coal,2026-02-01,x,t\n" * (MOST_ENTRIES + 1)
    many = await send(push, f"{HEADER}\n{lines}".encode(), Content_Type="text/csv")
    assert faults(many) == [(MOST_ENTRIES + 2, "", "more than 2000 entries: divide the file")]
    fewer = "purchase,raw_coal,2026-02-01,x,t\n" * (MOST_FAULTS + 1)
    told = json.loads((await send(push, f"{HEADER}\n{fewer}".encode(), Content_Type="text/csv")).body)
    assert (len(told["faults"]), told["count"]) == (MOST_FAULTS, MOST_FAULTS + 1)
    assert await in_force(connection) == {}


async def test_the_same_at_once_is_one(push: Pushing, connection: Connection) -> None:
    """Whoever is turned away for being too many comes again."""
    body = {"entries": [COAL | {"amount": 5}]}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(send(push, body)) for _ in range(12)]
    answers = [task.result() for task in tasks]
    assert {answer.status for answer in answers} <= {200, 429}
    taken = [json.loads(answer.body)["taken"][0] for answer in answers if answer.status == 200]
    assert sum(one["new"] for one in taken) == 1
    assert await in_force(connection) == {1: "5"}
