"""Names, directories and small files of the stack."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.stack import Stack
from deploy.stack.files import exclusive, link, load, make_directory, save, write_whole
from deploy.stack.paths import (
    Account,
    can_walk_to,
    check_name,
    choose_places,
    require_walkable,
    server_account,
    stack_name,
)
from energy.errors import SetupError

_OTHER = Account("other", os.geteuid() + 4711, os.getegid() + 4711)


def test_two_checkouts_have_two_names(tmp_path: Path) -> None:
    """Environments of projects of the same name in different places do not share a stack."""
    first, second = (stack_name({}, tmp_path / place / "quotawatt/.venv") for place in "ab")
    assert first != second
    assert first.startswith("quotawatt-")


def test_an_installation_of_its_own_is_named_after_itself() -> None:
    """An environment that no project holds has a name; one without a usable name has some."""
    assert stack_name({}, Path("/opt/Meters 2")).startswith("meters-2-")
    assert stack_name({}, Path("/")).startswith("stack-")


def test_the_current_directory_names_no_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same installation called from another directory finds the same stack."""
    environ = {"HOME": str(tmp_path), "QUOTAWATT_STATE": str(tmp_path)}
    here = Stack(environ=environ).name
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    assert Stack(environ=environ).name == here
    assert Stack("mine", environ=environ).name == "mine"


def test_a_name_can_be_given() -> None:
    """The variable decides, wherever we are."""
    assert stack_name({"QUOTAWATT_STACK": "mine"}, Path("/")) == "mine"


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "-x", "a b", "x" * 64])
def test_names_that_are_no_directory_of_ours_are_refused(name: str) -> None:
    """A name leads to one directory below the state, never elsewhere."""
    with pytest.raises(SetupError, match="cannot be the name"):
        check_name(name)


def test_an_ordinary_user_keeps_things_at_home() -> None:
    """XDG's directories, moved by XDG's variables, and both overruled by ours."""
    assert choose_places({"HOME": "/home/x"}, None).cache == Path("/home/x/.cache/quotawatt")
    assert choose_places({"HOME": "/home/x"}, None).state == Path("/home/x/.local/state/quotawatt")
    moved = choose_places({"HOME": "/home/x", "XDG_CACHE_HOME": "/c", "XDG_STATE_HOME": "/s"}, None)
    assert (moved.cache, moved.state) == (Path("/c/quotawatt"), Path("/s/quotawatt"))
    ours = choose_places({"XDG_CACHE_HOME": "/c", "QUOTAWATT_CACHE": "/mine", "QUOTAWATT_STATE": "/data"}, None)
    assert (ours.cache, ours.state) == (Path("/mine"), Path("/data"))


def test_a_closed_home_is_left_for_the_system_s_directories(tmp_path: Path) -> None:
    """Root's home is closed to the account that the servers run as, so that root uses /var."""
    tmp_path.chmod(0o700)
    places = choose_places({"HOME": str(tmp_path)}, _OTHER)
    assert (places.cache, places.state) == (Path("/var/cache/quotawatt"), Path("/var/lib/quotawatt"))


def test_every_directory_on_the_way_must_be_open(tmp_path: Path) -> None:
    """One closed directory above is enough to be unreachable, and the message names the account."""
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert can_walk_to(inner, Account("us", os.geteuid(), os.getegid())) or not can_walk_to(tmp_path, _OTHER)
    assert not can_walk_to(inner / "new", _OTHER)
    with pytest.raises(SetupError, match="other"):
        require_walkable(inner, _OTHER)
    require_walkable(inner, None)


def test_only_root_drops_to_another_account() -> None:
    """An ordinary user runs the servers as himself; root as the first account of the list that exists."""
    assert server_account(uid=1000) is None
    account = server_account(uid=0)
    assert account is not None
    assert account.uid == pwd.getpwnam(account.name).pw_uid != 0


def test_data_keep_their_owner(tmp_path: Path) -> None:
    """An account that is created later does not take over a cluster that belongs to another one."""
    if os.geteuid() == 0:
        os.chown(tmp_path, 4711, 4712)
    account = server_account(uid=0, data=tmp_path)
    owner = tmp_path.stat()
    assert account is not None
    assert (account.uid, account.gid) == (owner.st_uid, owner.st_gid)


@dataclass(frozen=True)
class _Record:
    number: int
    text: str


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    """What is not there, or is something else by now, reads as nothing."""
    path = tmp_path / "record.json"
    assert load(path, _Record) is None
    save(path, _Record(3, "三"))
    assert load(path, _Record) == _Record(3, "三")
    path.write_text('{"number": ')
    assert load(path, _Record) is None


def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    """The mode holds whatever the umask is, and nothing is left beside the file."""
    write_whole(tmp_path / "secret", "x", mode=0o600)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_an_existing_directory_keeps_its_mode(tmp_path: Path) -> None:
    """A cache put into a directory of somebody else's choice does not change who may use that."""
    (tmp_path / "theirs").mkdir(mode=0o700)
    make_directory(tmp_path / "theirs", 0o755)
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o700
    make_directory(tmp_path / "theirs" / "new" / "inner", 0o700)
    assert stat.S_IMODE((tmp_path / "theirs" / "new").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "theirs" / "new" / "inner").stat().st_mode) == 0o700


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in the way is one clear message."""
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="file/inner cannot be made"):
        make_directory(tmp_path / "file" / "inner")


def test_a_link_is_replaced(tmp_path: Path) -> None:
    """The link follows the programs when they move."""
    for target in ("a", "b"):
        link(tmp_path / "link", Path(target))
    assert (tmp_path / "link").readlink() == Path("b")


def test_waiting_for_a_lock_ends(tmp_path: Path) -> None:
    """Who waits too long learns what the other process is doing."""
    with (
        exclusive(tmp_path / "lock", seconds=1, waiting="sleeping"),
        pytest.raises(SetupError, match="still sleeping"),
        exclusive(tmp_path / "lock", seconds=0.01, waiting="sleeping"),
    ):
        pass
