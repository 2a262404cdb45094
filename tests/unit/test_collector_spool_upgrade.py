"""A spool that an earlier version made is brought up in place: nothing lost, stream and numbers go on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collector.spool.file import spooled_readings
from collector.spool.settings import LEAST_BYTES, SpoolSettings
from energy.wire import DroppedRange, DroppedTotal, encode_envelope
from tests.support.spool_world import (
    OTHER_STREAM,
    STREAM,
    database_of,
    fetched,
    kept_readings,
    numbers,
    opened,
    readings,
)

VERSION_1 = """
pragma journal_mode = wal;
create table spool (stream text not null, version integer not null);
create table envelope (
    seq        integer primary key autoincrement,
    body       blob not null,
    readings   integer not null,
    first_at   integer not null,
    last_at    integer not null,
    created_at integer not null,
    confirmed  integer not null default 0
);
create index envelope_unconfirmed on envelope (seq) where confirmed = 0;
create table drops (
    first    integer primary key,
    last     integer not null,
    reason   text not null,
    readings integer not null,
    at       integer not null
);
insert into spool (stream, version) values ('0123456789abcdef0123456789abcdef', 1);
insert into drops (first, last, reason, readings, at) values (1, 10, 'size', 990, 5), (12, 12, 'age', 7, 6);
"""
"""As the first version made it; what was dropped before counts on."""

FIRST = 13
COUNT = 40
EACH = 25


def bodies() -> list[tuple[int, bytes]]:
    """The envelopes that the old file holds, byte for byte."""
    return [
        (seq, encode_envelope(STREAM, seq, readings(EACH, at=seq * 100_000))) for seq in range(FIRST, FIRST + COUNT)
    ]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of version 1 with forty envelopes, of which the last is confirmed and kept for an audit."""
    path = tmp_path / "gw-1.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(VERSION_1)
        for seq, body in bodies():
            row = (seq, body, EACH, seq * 100_000, seq * 100_000 + 24_000, 0, int(seq == FIRST + COUNT - 1))
            connection.execute("insert into envelope values (?, ?, ?, ?, ?, ?, ?)", row)
    return path


def test_what_is_kept_is_offered_as_it_was(old: Path) -> None:
    """The same envelopes, byte for byte, in the same stream; the log says once that the file was upgraded."""
    with capture_logs() as logs, opened(old, SpoolSettings(keep_confirmed=True), stream=OTHER_STREAM) as file:
        assert fetched(file) == bodies()[:-1]
        state = file.state()
        assert (state.stream, state.last_seq) == (STREAM, FIRST + COUNT - 1)
        assert (state.kept, state.kept_border, state.kept_from) == (COUNT - 1, 0, FIRST)
        assert state.oldest_at == FIRST * 100_000
        assert state.dropped == (DroppedRange(1, 10, "size"), DroppedRange(12, 12, "age"))
        assert state.dropped_total == DroppedTotal(11, 997)
    with opened(old, stream=OTHER_STREAM) as file:
        assert fetched(file) == bodies()[:-1]
    assert [log["event"] for log in logs] == ["spool_upgraded"]
    assert len(list(spooled_readings(old))) == COUNT * EACH


def test_life_goes_on_in_the_old_file(old: Path) -> None:
    """Append, confirm, reopen and thin work on it as on a new one; numbers follow the old ones."""
    with opened(old, SpoolSettings(policy="thin", keep_confirmed=True, max_age_days=1_000)) as file:
        file.append(readings(40, at=10_000_000, step=60_000), (FIRST, FIRST + 1), 10_000_000)
        assert file.state().kept == COUNT - 1 - 2 + 2
        assert numbers(file, border=True) == [FIRST + COUNT]
        assert file.reopen([(1, FIRST + COUNT)]) == 3
        assert fetched(file)[:COUNT] == bodies()
        assert set(kept_readings(file)) >= set(readings(40, at=10_000_000, step=60_000))


def test_the_bound_works_on_old_envelopes(old: Path) -> None:
    """They leave first, since they are the oldest, although their bytes are larger."""
    with opened(old, SpoolSettings(max_bytes=LEAST_BYTES)) as file:
        while not (drops := file.append(readings(1000), (), 0).drops):
            pass
        assert drops[0].seq == FIRST
        assert file.state().kept_bytes <= LEAST_BYTES
        assert file.state().dropped_total.envelopes == 11 + len(drops)


def test_an_upgrade_that_fails_changes_nothing(old: Path) -> None:
    """All of it is one transaction: a crash or a full disk leaves the old file."""
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.execute("drop index envelope_unconfirmed")  # the last but two of its steps will miss it
    with pytest.raises(Exception, match="no such index"), opened(old):
        pass
    with closing(sqlite3.connect(old)) as connection:
        columns = [row[1] for row in connection.execute("pragma table_info(envelope)")]
        assert columns == ["seq", "body", "readings", "first_at", "last_at", "created_at", "confirmed"]
        assert connection.execute("select version from spool").fetchone() == (1,)
        connection.execute("create index envelope_unconfirmed on envelope (seq) where confirmed = 0")
    with opened(old) as file:
        assert fetched(file) == bodies()[:-1]
        assert database_of(file).execute("select version from spool") == [(2,)]
