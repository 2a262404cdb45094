"""A fetch that is cut off, and two at once: real packages over the network into a cache of the test's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.stack import Stack
from deploy.stack.tree import ensure_tree, finished_tree, tree_path
from energy.errors import SetupError
from tests.support.stack import server_directory

_FETCH = (
    "import sys; from pathlib import Path; from deploy.stack.tree import ensure_tree;"
    " ensure_tree(Path(sys.argv[1]), lambda message: print(message, flush=True))"
)
_ROOT = Path(__file__).parents[2]


@contextmanager
def _fetching(cache: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _FETCH, str(cache)], stdout=subprocess.PIPE, text=True, cwd=_ROOT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _kill_at(cache: Path, message: str) -> None:
    """Fetch until `message` is reported, then kill that process and nothing else."""
    with _fetching(cache) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(message):
                process.kill()
                return
    pytest.fail(f"the fetch ended without reporting {message!r}")


def _works(tree: Path) -> bool:
    servers = (tree / "usr/lib/postgresql/17/bin/postgres", tree / "usr/sbin/mosquitto")
    printed = [
        subprocess.run(
            [server, "-V" if server.name == "postgres" else "-h"], capture_output=True, check=False, text=True
        ).stdout
        for server in servers
    ]
    return printed[0].startswith("postgres (PostgreSQL) 17") and printed[1].startswith("mosquitto version 2")


@pytest.mark.timeout(300)
def test_a_fetch_cut_off_is_finished_by_one_of_the_next_two(tmp_path: Path) -> None:
    """Killed while it downloads, then while it unpacks, then given a damaged archive: never taken for whole.

    Of two processes that then come at once both end well, and one of them has unpacked.
    """
    cache = tmp_path / "cache"
    for message in ("fetching packages: ", "unpacking packages: 20"):
        _kill_at(cache, message)
        assert finished_tree(cache) is None
    rotten = next((cache / "archives").glob("gcc-*.deb"))
    rotten.write_bytes(b"\0" * rotten.stat().st_size)
    with pytest.raises(SetupError, match="dpkg-deb failed"):
        ensure_tree(cache, lambda _: None)
    assert finished_tree(cache) is None
    with _fetching(cache) as first, _fetching(cache) as second:
        printed = [process.communicate(timeout=250)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert sum("making the programs relocatable" in text for text in printed) == 1
    assert _works(tree_path(cache))
    assert [path.name for path in (cache / "trees").iterdir()] == [tree_path(cache).name]


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        ("", "names no mirror of Debian"),
        ("deb http://127.0.0.1:1/debian bookworm main\n", r"apt-get failed with code 100: (E|Err):"),
    ],
)
def test_where_nothing_can_be_fetched_the_message_names_other_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: str, reason: str
) -> None:
    """Without a mirror, or with one out of reach, the advice is packages, containers or addresses."""
    (tmp_path / "sources.list").write_text(sources)
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list"; Dir::Etc::sourceparts "/dev/null";'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    with server_directory() as directory:
        stack = Stack("none", directory / "state", cache_dir=directory / "cache", environ={})
        with pytest.raises(SetupError, match=reason) as caught:
            stack.up()
        for way in ("postgresql-17-timescaledb", "mosquitto", "timescale/timescaledb", "QUOTAWATT_DSN"):
            assert way in caught.value.advice
