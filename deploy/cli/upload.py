"""`quotawatt upload`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from deploy.cli.upload_client import Source
    from energy.wire import Address
    from ingest.receiving.csv.report import Entry

_MOST_SHOWN = 50
"""Lines of a file that are shown one by one; the report has all."""


def _address(_context: click.Context, _option: click.Parameter, value: str) -> Address:
    from energy.errors import WireError  # noqa: PLC0415 - loaded when called
    from energy.wire.push import parse_gateway_header  # noqa: PLC0415 - likewise

    try:
        return parse_gateway_header(value)
    except WireError:
        raise click.BadParameter(f"{value!r} is not REGION/CODE, such as 610303/gw-0001") from None


def _zone(_context: click.Context, _option: click.Parameter, value: str | None) -> ZoneInfo | None:
    try:
        return None if value is None else ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise click.BadParameter(f"{value!r} is no time zone such as Asia/Shanghai") from None


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--url", required=True, help="The platform's address, such as https://energy.example.org/push.")
@click.option(
    "--gateway", "address", required=True, callback=_address, metavar="REGION/CODE", help="Whose points these are."
)
@click.option("--token-file", type=click.Path(path_type=Path), help="Holds the gateway's token.")
@click.option("--ca-file", type=click.Path(path_type=Path), help="Whom to trust (PEM); the system's otherwise.")
@click.option("--cert-file", type=click.Path(path_type=Path), help="The gateway's certificate (PEM).")
@click.option("--key-file", type=click.Path(path_type=Path), help="The key of --cert-file.")
@click.option(
    "--time-zone", "zone", callback=_zone, metavar="NAME", help="Of times without an offset, such as Asia/Shanghai."
)
@click.option("--decimal", type=click.Choice(["point", "comma"]), default="point", help="How fractions are written.")
@click.option(
    "--charset", type=click.Choice(["utf-8", "gb18030"]), default="utf-8", help="gb18030 is Excel's in China."
)
@click.option("--allow-plain", is_flag=True, help="Let http:// go to another machine: all on the way read the token.")
@click.option("--dry-run", is_flag=True, help="Check everything, keep nothing.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the whole report there, a JSON object a line.")
def upload(  # noqa: PLR0913, PLR0917 - the options of a command
    file: Path,
    url: str,
    address: Address,
    token_file: Path | None,
    ca_file: Path | None,
    cert_file: Path | None,
    key_file: Path | None,
    zone: ZoneInfo | None,
    decimal: str,
    charset: str,
    allow_plain: bool,  # noqa: FBT001 - a flag
    dry_run: bool,  # noqa: FBT001 - likewise
    report: Path | None,
) -> None:
    """Send FILE, a CSV file of readings, and show what became of its lines; `-` takes what comes by the pipe.

    It has the columns point, time and value, and perhaps quality (测点, 时间, 数值, 质量): see docs/csv-upload.md.

    The exit code is 0 when every line is stored, or was before; 65 when lines were refused or contradict what is
    stored; 75 when the upload broke off, or the platform has no time: send the same file again then.
    """
    from collector.uplink.settings import HttpsPlatform  # noqa: PLC0415 - loaded when called
    from deploy.cli.upload_client import IDLE_S, opened, send  # noqa: PLC0415 - likewise
    from energy.config import read_secret  # noqa: PLC0415 - likewise
    from energy.transport.http import http_client  # noqa: PLC0415 - likewise
    from energy.transport.tls import TlsSettings  # noqa: PLC0415 - likewise
    from energy.wire.push import GATEWAY_HEADER, gateway_header  # noqa: PLC0415 - likewise

    headers = {GATEWAY_HEADER: gateway_header(address), "Content-Type": "text/csv"}
    if token_file is not None:
        headers["Authorization"] = f"Bearer {read_secret(token_file)}"
    try:
        tls = TlsSettings(ca_file=ca_file, cert_file=cert_file, key_file=key_file)
        HttpsPlatform(
            url=url, tls=tls if tls != TlsSettings() else None, allow_plain=allow_plain
        )  # as a collector has it
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    context = tls.context(url) if url.startswith("https:") else None
    parameters = {"dry_run": str(dry_run).lower(), "decimal": decimal, "charset": charset}
    if zone is not None:
        parameters["time_zone"] = zone.key

    async def run() -> int:
        with opened(file, report) as (source, kept):
            shown = _Shown(source, zone)
            async with http_client(url, headers=headers, connections=1, timeout_s=IDLE_S, context=context) as client:
                async for entry in send(client, source, parameters, kept):
                    shown.show(entry)
        return shown.exit_code

    raise SystemExit(asyncio.run(run()))


class _Shown:
    """Shows a report as it comes.

    Args:
        source: the file that it is about.
        zone: for times, those of the terminal where it is None.

    Attributes:
        exit_code: what the last entry means.
    """

    def __init__(self, source: Source, zone: ZoneInfo | None) -> None:
        self.exit_code = 75
        self._source = source
        self._zone = zone or ZoneInfo("UTC")
        self._dry_run = False
        self._shown = 0

    def show(self, entry: Entry) -> None:
        """One entry; of many lines with something wrong only the first ones."""
        from deploy.cli import upload_text as text  # noqa: PLC0415 - loaded when called
        from ingest.receiving.csv import report  # noqa: PLC0415 - likewise

        match entry:
            case report.Start():
                self._dry_run = entry.dry_run
                self._print(*text.start_lines(entry))
            case report.RefusedLine():
                self._one_of_many(text.refused_line(entry))
            case report.Conflict():
                self._one_of_many(text.conflict_line(entry, self._zone))
            case report.Progress():
                self._progress(entry.lines)
            case report.Summary():
                self._print(*text.summary_lines(entry, self._zone, dry_run=self._dry_run))
                wrong = entry.refused or entry.conflicting
                self.exit_code = 75 if not entry.complete else 65 if wrong else 0

    def _one_of_many(self, line: str) -> None:
        self._shown += 1
        if self._shown <= _MOST_SHOWN:
            self._print(line)
        elif self._shown == _MOST_SHOWN + 1:
            self._print("… further lines with something wrong are counted at the end; --report FILE has all")

    def _progress(self, lines: int) -> None:
        """On a terminal alone, where it is written over."""
        if sys.stderr.isatty():
            size = self._source.size
            share = f", {100 * self._source.sent // size} % sent" if size else ""
            click.echo(f"\r\033[K{lines} lines{share}", nl=False, err=True)

    def _print(self, *lines: str) -> None:
        if sys.stderr.isatty():
            click.echo("\r\033[K", nl=False, err=True)
        for line in lines:
            click.echo(line)
