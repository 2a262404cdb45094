"""`quotawatt upload` as a person calls it, against a real worker and a real database."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.cli import main
from energy.registry.store import apply
from energy.storage import Connection, StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from energy.wire.push import gateway_header
from ingest.receiving.csv.report import Conflict, RefusedLine, Summary
from ingest.settings import IngestSettings
from tests.support import ingest_worker as worker
from tests.support.csv_files import HEADER, csv_file, entries_of
from tests.support.eventually import eventually
from tests.support.http_push import Authority, pushing, with_http, write_tokens
from tests.support.ingest_world import START_MS
from tests.support.tcp_proxy import tcp_proxy


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


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@asynccontextmanager
async def called(*arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command with these arguments, while it runs."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("quotawatt")),
        "upload",
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def upload(*arguments: object, sent: bytes = b"") -> Done:
    """Run the command to its end."""
    async with asyncio.timeout(60), called(*arguments) as process:
        out, err = await process.communicate(sent)
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())


def own(gateway: Address, url: str) -> tuple[str, ...]:
    """The options that every call needs."""
    return "--url", url, "--gateway", gateway_header(gateway)


async def test_a_good_file_is_stored(
    connection: Connection, settings: IngestSettings, gateway: Address, tmp_path: Path
) -> None:
    """As Excel in China writes it, tried first without a trace; the exit code says that all is well."""
    point = f"{gateway.gateway}-0"
    text = f"测点;时间;数值\r\n{point};2026/3/1 0:15;1,5\r\n{point};2026/3/1 0:30;\r\n"
    file = tmp_path / "抄表.csv"
    file.write_bytes(text.encode("gb18030"))
    options = ("--charset", "gb18030", "--decimal", "comma", "--time-zone", "Asia/Shanghai")
    async with pushing(settings) as push:
        dry = await upload(file, *own(gateway, push.base), *options, "--dry-run")
        assert await connection.fetchval("select count(*) from readings") == 0
        done = await upload(file, *own(gateway, push.base), *options)
        rows = await connection.fetch("select extract(epoch from ts)::int8, value, quality from readings order by ts")
    start = START_MS // 1000
    assert tuple(rows[0]) == (start + 900, 1.5, 2)
    assert (rows[1][0], rows[1][2]) == (start + 1800, 3)
    assert (dry.code, done.code, dry.err, done.err) == (0, 0, "", "")
    assert done.out.splitlines() == [
        "Fields are separated by semicolons.",
        "2 lines: 2 stored, 0 there already, 0 conflicting, 0 refused",
        "  from 2026-03-01T00:15:00+08:00 to 2026-03-01T00:30:00+08:00",
        f"  {point}: 2",
    ]
    assert dry.out.splitlines()[:2] == [
        "Dry run: nothing is kept. Fields are separated by semicolons.",
        "2 lines: 2 would be stored, 0 there already, 0 conflicting, 0 refused",
    ]


async def test_what_is_wrong_is_named_by_line_and_kept_in_the_report(
    settings: IngestSettings, gateway: Address, tmp_path: Path
) -> None:
    """From standard input; the exit code says that something is wrong."""
    point, report = f"{gateway.gateway}-1", tmp_path / "report.ndjson"
    file = csv_file([(point, START_MS, 1), (point, START_MS, 2), ("nobody's", START_MS, 3), *[(point, "?", 1)] * 60])
    async with pushing(settings) as push:
        done = await upload("-", *own(gateway, push.base), "--report", report, sent=file)
    assert done.code == 65
    lines = done.out.splitlines()
    assert lines[1] == (
        f"line 3: conflict: '{point}' at 2026-02-28T16:00:00+00:00 is 2 (quality 2) here and 1 (quality 2) as stored; "
        "both are kept, the stored one counts"
    )
    assert lines[2] == 'line 4: refused (unknown_point): point "nobody\'s" is not registered'
    assert len([line for line in lines if line.startswith("line ")]) == 50
    assert "63 lines: 1 stored, 0 there already, 1 conflicting, 61 refused" in lines
    entries = entries_of(report.read_bytes())
    assert sum(isinstance(entry, RefusedLine) for entry in entries) == 61
    assert sum(isinstance(entry, Conflict) for entry in entries) == 1
    assert isinstance(entries[-1], Summary)


async def test_a_file_that_is_none_is_refused_without_being_sent_to_its_end(
    settings: IngestSettings, gateway: Address, tmp_path: Path
) -> None:
    """Fifty megabytes under a header that says nothing."""
    file = tmp_path / "big.csv"
    with file.open("wb") as out:
        out.write(b"when,what\n")
        out.truncate(50_000_000)
    async with pushing(settings) as push:
        done = await upload(file, *own(gateway, push.base))
    assert done.code == 65
    assert "line 1: refused (malformed): the header has no point, time, value" in done.out
    assert "nothing of it is stored" in done.err


async def test_an_upload_that_breaks_off_says_so_and_is_sent_again(
    connection: Connection, settings: IngestSettings, gateway: Address
) -> None:
    """The line is cut in the middle; the exit code asks for another attempt, which stores the rest."""
    count = 20_000
    file = csv_file((f"{gateway.gateway}-0", START_MS + i, i) for i in range(count))
    async with pushing(settings) as push, tcp_proxy("127.0.0.1", push.port) as proxy:
        proxy.cut_after = len(file) // 2
        broken = await upload("-", *own(gateway, f"http://127.0.0.1:{proxy.port}"), sent=file)
        assert broken.code == 75, broken
        assert await connection.fetchval("select count(*) from readings") < count

        async def again() -> Done | None:
            done = await upload("-", *own(gateway, push.base), sent=file)
            return None if done.code == 75 else done  # the end of the first one was not noticed yet

        done = await eventually(again, 60)
    assert done is not None
    assert done.code == 0
    # How much of the first one was stored is not asked before: the platform may still be at what had come of it.
    told = re.search(rf"^{count} lines: (\d+) stored, (\d+) there already, 0 conflicting", done.out, re.MULTILINE)
    assert told is not None, done.out
    assert int(told[1]) + int(told[2]) == count
    assert int(told[1]) > 0
    assert await connection.fetchval("select count(*) from readings") == count


async def test_a_token_and_a_certificate_are_needed_where_the_platform_asks(
    settings: IngestSettings, gateway: Address, tmp_path: Path
) -> None:
    """Over TLS, with the platform's authority given; without the token nobody is let in."""
    authority = Authority(tmp_path)
    tokens = write_tokens(tmp_path / "tokens.toml", {gateway.gateway: ["secret"]})
    (tmp_path / "token").write_text("secret\n", encoding="utf-8")
    secured = with_http(settings, tls=authority.server(), tokens_file=tokens)
    async with pushing(secured) as push:
        options = (*own(gateway, push.base), "--ca-file", authority.file)
        let_in = await upload("-", *options, "--token-file", tmp_path / "token", sent=HEADER.encode())
        kept_out = await upload("-", *options, sent=HEADER.encode())
        distrusting = await upload("-", *own(gateway, push.base), sent=HEADER.encode())
    assert let_in.code == 0, let_in
    assert kept_out.code == 77
    assert "does not let us in" in kept_out.err
    assert distrusting.code == 75
    assert "certificate" in distrusting.err.lower()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (
            ("nowhere.csv", "--url", "http://127.0.0.1:1", "--gateway", "610303/gw-1"),
            69,
            "nowhere.csv cannot be opened",
        ),
        (("-", "--url", "http://127.0.0.1:1", "--gateway", "gw-1"), 2, "is not REGION/CODE"),
        (("-", "--url", "http://192.0.2.1", "--gateway", "610303/gw-1"), 2, "to another machine needs allow_plain"),
        (("-", "--url", "http://127.0.0.1:1", "--gateway", "610303/gw-1", "--time-zone", "Mars"), 2, "is no time zone"),
        (("-", "--url", "http://127.0.0.1:1", "--gateway", "610303/gw-1"), 75, "http://127.0.0.1:1/v1/csv"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: tuple[str, ...],
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each with the exit code of its kind; no server is needed for that, nor a process of its own."""
    monkeypatch.setattr(sys, "argv", ["quotawatt", "upload", *arguments])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, says in (told := capsys.readouterr().err)) == (code, True), told


async def test_another_server_is_recognised(settings: IngestSettings, gateway: Address) -> None:
    """A url with too much in it."""
    async with pushing(settings) as push:
        done = await upload("-", *own(gateway, push.base + "/v1"), sent=HEADER.encode())
    assert (done.code, "nobody there takes CSV files (HTTP 404)" in done.err) == (69, True), done
