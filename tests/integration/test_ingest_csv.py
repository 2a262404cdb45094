"""CSV uploads against a real worker and a real database: what the report says is what the database holds."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil
import pytest

from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address, RefusalCode
from energy.wire.push import GATEWAY_HEADER, gateway_header
from ingest.receiving.csv.pieces import MOST_LINES
from ingest.receiving.csv.report import CSV_PATH, Conflict, Entry, Progress, RefusedLine, Start, Summary
from ingest.receiving.http.settings import HttpSettings
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.csv_files import HEADER, csv_file, entries_of, upload
from tests.support.eventually import eventually
from tests.support.http_push import pushing, with_http
from tests.support.ingest_world import START_MS


@pytest.fixture
def settings(database: StorageSettings, mqtt: MqttSettings) -> IngestSettings:
    """A worker that takes HTTP push."""
    return with_http(worker.settings(database, mqtt))


@pytest.fixture
async def gateway(connection: Connection) -> Address:
    """A registered gateway with two points."""
    address = worker.address()
    await apply(connection, worker.registry(address.gateway, 2))
    return address


TABLES = ("readings", "reading_conflicts", "rejects", "ingest_batch", "batch_envelopes", "derivation_dirty")


async def table_counts(connection: Connection) -> dict[str, int]:
    """How many rows there are of all that ingest writes."""
    return {table: await connection.fetchval(f"select count(*) from {table}") for table in TABLES}  # noqa: S608 - ours


def a_bit_of_everything(gateway: Address, other: Address) -> bytes:
    """Good lines, one of them twice, one that contradicts it, one for each way of being refused; no end of the last."""
    own = f"{gateway.gateway}-0"
    return csv_file(
        [
            (own, START_MS, 1.5),
            (own, START_MS, 1.5),
            (own, START_MS, 2.5),
            (own, "2026-03-01T00:01:00+08:00", ""),
            (own, "2026-03-01 00:02:00", 3),
            ("nobody's", START_MS, 4),
            (f"{other.gateway}-0", START_MS, 5),
            (own, START_MS + 86_400_000, 6),
            (own, 1, 7),
            (own, START_MS, "1,5"),
        ]
    ).removesuffix(b"\n")  # fmt: skip - a file


async def test_every_line_is_accounted_for(connection: Connection, settings: IngestSettings, gateway: Address) -> None:
    """Stored, repeated, conflicting or refused, in the order of the file, as the database has it."""
    other = worker.address()
    await apply(connection, worker.registry(other.gateway, 1))
    async with pushing(settings) as push:
        report = await upload(push, gateway, a_bit_of_everything(gateway, other))
        kept = await table_counts(connection)
        again = await upload(push, gateway, a_bit_of_everything(gateway, other))
        assert await table_counts(connection) == {**kept, "ingest_batch": kept["ingest_batch"] + 1}
    assert report.status == 200
    assert report.entries[0] == Start(dry_run=False, delimiter=",", passed_over=())
    assert [(one.line, one.code) for one in report.only(RefusedLine)] == [
        (6, RefusalCode.MALFORMED),
        (7, RefusalCode.UNKNOWN_POINT),
        (8, RefusalCode.NOT_OWNER),
        (9, RefusalCode.FUTURE),
        (10, RefusalCode.TOO_OLD),
        (11, RefusalCode.MALFORMED),
    ]
    assert (
        report.only(RefusedLine)[4].detail
        == "time 1970-01-01T00:00:00+00:00: older than the platform takes; is it in milliseconds?"
    )
    point = f"{gateway.gateway}-0"
    assert report.only(Conflict) == [Conflict(4, point, START_MS, 2.5, 2, 1.5, 2, "stored")]
    assert report.counts == (2, 1, 1, 6)
    assert again.counts == (0, 3, 1, 6)
    summary = report.summary
    assert (summary.complete, summary.lines, summary.problem) == (True, 10, "")
    assert (summary.first_at, summary.last_at) == (START_MS, START_MS + 60_000)
    assert (summary.points, summary.other_points) == ({point: 4}, 0)
    assert kept["readings"] == 2
    assert kept["reading_conflicts"] == 1
    rejects = await connection.fetch("select carrier, gateway, source, code, detail, payload from rejects")
    assert {(row["carrier"], row["gateway"]) for row in rejects} == {("csv", gateway.gateway)}
    assert len(rejects) == 6
    details = {row["payload"]: row["detail"] for row in rejects}
    line = f"{point},2026-03-01 00:02:00,3".encode()
    assert details[line].startswith("line 6: time '2026-03-01 00:02:00': an offset such as +08:00 expected")


async def test_a_dry_run_says_the_same_and_writes_nothing(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """Its report is that of the upload that follows, and no table has a row more."""
    other = worker.address()
    await apply(connection, worker.registry(other.gateway, 1))
    file = a_bit_of_everything(gateway, other)
    async with pushing(settings) as push:
        before = await table_counts(connection)
        dry = await upload(push, gateway, file, dry_run="true")
        assert await table_counts(connection) == before
        wet = await upload(push, gateway, file)
        stored = await table_counts(connection)
        dry_again = await upload(push, gateway, file, dry_run="true")
        assert await table_counts(connection) == stored
    assert dry.entries[0] == Start(dry_run=True, delimiter=",", passed_over=())
    assert dry.entries[1:] == wet.entries[1:]
    assert dry_again.counts == (0, 3, 1, 6)


async def test_a_worse_reading_that_is_stored_stays_and_counts_no_more(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """A line of better quality is effective, which its report says, and the view too."""
    point = f"{gateway.gateway}-0"
    async with pushing(settings) as push:
        await upload(push, gateway, csv_file([(point, START_MS, 9)]))
        report = await upload(push, gateway, csv_file([(point, START_MS, 10, "实测")], "测点,时间,数值,质量\n"))
    assert report.only(Conflict) == [Conflict(2, point, START_MS, 10.0, 0, 9.0, 2, "line")]
    assert await connection.fetchval("select value from readings") == 9
    assert await connection.fetchval("select value from readings_effective") == 10


_UNREADABLE: Sequence[tuple[bytes, dict[str, str], int, str]] = (
    (b"", {}, 0, "a header line expected"),
    (b"when,what\n1,2\n", {}, 1, "no point, time, value"),
    (HEADER.encode(), {"dryrun": "true"}, 0, "parameter 'dryrun'"),
    (HEADER.encode(), {"dry_run": "yes"}, 0, "true or false"),
    (HEADER.encode(), {"time_zone": "Mars"}, 0, "Asia/Shanghai expected"),
    (HEADER.encode(), {"decimal": "comma"}, 1, "semicolons or tabs"),
    (HEADER.encode(), {"charset": "utf-16"}, 0, "utf-8 or gb18030"),
)
"""Files and parameters that cannot be used: in which line, and what is said of it."""


async def test_a_file_that_cannot_be_read_is_refused_whole(settings: IngestSettings, gateway: Address) -> None:
    """With one line that says why; and the next upload of the same gateway is welcome."""
    async with pushing(settings) as push:
        for body, parameters, line, says in _UNREADABLE:
            report = await upload(push, gateway, body, **parameters)
            (entry,) = report.only(RefusedLine)
            assert (report.status, entry.line, entry.code) == (400, line, RefusalCode.MALFORMED), says
            assert says in entry.detail
            assert (await upload(push, gateway, HEADER.encode())).status == 200


async def test_one_gateway_uploads_one_file_at_a_time(settings: IngestSettings, gateway: Address) -> None:
    """The second is told to come later, as long as the first one runs, and not after it was broken off."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield HEADER.encode()
        began.set()
        await go_on.wait()

    async with pushing(settings) as push, asyncio.TaskGroup() as group:
        first = group.create_task(upload(push, gateway, slow()))
        await began.wait()

        async def busy() -> bool:
            return (await push.post(gateway, HEADER.encode(), "/v1/csv")).status == 429

        await eventually(busy)
        go_on.set()
        assert (await first).counts == (0, 0, 0, 0)
        assert (await upload(push, gateway, HEADER.encode())).status == 200


async def test_progress_names_the_line_up_to_which_all_is_committed(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """After each piece of a longer file; what is told is stored by then."""
    count = 2 * MOST_LINES + 10
    point = f"{gateway.gateway}-0"
    async with pushing(settings) as push:
        report = await upload(push, gateway, csv_file((point, START_MS + i, i) for i in range(count)))
        assert await connection.fetchval("select count(*) from readings") == count
    assert report.only(Progress) == [
        Progress(MOST_LINES + 1, MOST_LINES),
        Progress(2 * MOST_LINES + 1, 2 * MOST_LINES),
        Progress(count + 1, count),
    ]
    assert report.counts == (count, 0, 0, 0)


async def test_an_upload_cut_off_keeps_what_was_committed_and_may_be_sent_again(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """The connection ends in the middle of a number, which must not be taken for a whole one."""
    count = MOST_LINES + 100
    point = f"{gateway.gateway}-0"
    file = csv_file((point, START_MS + i, f"{1000 + i}.25") for i in range(count))
    head = (
        f"POST {CSV_PATH} HTTP/1.1\r\nHost: x\r\nQuotawatt-Gateway: {gateway_header(gateway)}\r\n"
        f"Content-Length: {len(file)}\r\n\r\n"
    )
    lines = file.splitlines(keepends=True)
    half = b"".join(lines[: MOST_LINES + 50])[:-4]

    async def stored() -> int:
        return int(await connection.fetchval("select count(*) from readings"))

    async with pushing(settings) as push:
        reader, writer = await asyncio.open_connection("127.0.0.1", push.port)
        writer.write(head.encode() + half)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        await eventually(stored, 20)
        writer.transport.abort()

        async def free() -> bool:
            return (await push.post(gateway, HEADER.encode(), CSV_PATH)).status == 200

        await eventually(free, 20)
        assert await stored() == MOST_LINES
        again = await upload(push, gateway, file)
        assert again.counts == (100, MOST_LINES, 0, 0)
        assert await stored() == count
    assert await connection.fetchval("select count(*) from reading_conflicts") == 0


@pytest.mark.parametrize("count", [40_000, pytest.param(400_000, marks=pytest.mark.long)])
async def test_a_file_of_any_length_takes_little_memory(
    connection: Connection, settings: IngestSettings, gateway: Address, tmp_path: Path, count: int
) -> None:
    """Every tenth line is refused; sent faster than it is stored, to a process of its own."""
    codes = [f"{gateway.gateway}-0", f"{gateway.gateway}-1", "nobody's"]

    async def lines() -> AsyncIterator[bytes]:
        yield HEADER.encode()
        for start in range(0, count, 1_000):
            rows = range(start, start + 1_000)
            yield "".join(f"{codes[2 if i % 10 == 0 else i % 2]},{START_MS + i},{i}.5\n" for i in rows).encode()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    own = msgspec.structs.replace(settings, http=HttpSettings(port=port))
    with worker.process(own, tmp_path) as process:
        base = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as client:

            async def send(body: Any) -> list[Entry]:
                headers = {GATEWAY_HEADER: gateway_header(gateway)}
                async with client.post(base + CSV_PATH, data=body, headers=headers) as response:
                    return entries_of(await response.read())

            async def listening() -> bool:
                try:
                    return bool(await send(HEADER.encode()))
                except aiohttp.ClientError:
                    return False

            await eventually(listening, 60)
            watched = psutil.Process(process.pid)
            before = watched.memory_info().rss
            entries = await send(lines())
            grown = watched.memory_info().rss - before
    summary = entries[-1]
    assert isinstance(summary, Summary)
    assert (summary.stored, summary.refused, summary.complete) == (count * 9 // 10, count // 10, True)
    assert await connection.fetchval("select count(*) from readings") == count * 9 // 10
    assert grown < 40 << 20, f"{grown >> 20} MiB for {count} lines"
