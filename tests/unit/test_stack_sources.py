"""Finding Debian's mirror in what apt prints about its own configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.stack.packages import LEFT_OUT, PACKAGES, chosen_archives
from deploy.stack.sources import debian_mirrors

_LISTING = """\
'http://mirror.example/debian/dists/bookworm/InRelease' mirror.example_debian_dists_bookworm_InRelease 0
'http://mirror.example/debian/dists/bookworm-updates/InRelease' mirror.example_InRelease 0
'http://mirror.example/security/dists/bookworm-security/InRelease' mirror.example_InRelease 0
'https://vendor.example/apt/dists/nodistro/InRelease' vendor.example_InRelease 0
'http://near.example/debian/dists/trixie/InRelease' near.example_InRelease 0
'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' mirror.example_Packages 0
"""


def test_mirrors_with_the_wanted_suite_come_first() -> None:
    """A mirror known to have the suite is tried before one that has another release; other vendors' are left out."""
    assert debian_mirrors(_LISTING, "trixie") == ("http://near.example/debian", "http://mirror.example/debian")


def test_no_mirror_of_debian_is_no_mirror() -> None:
    """A machine of another distribution yields nothing instead of a guess."""
    assert debian_mirrors("'http://ubuntu.example/ubuntu/dists/noble/InRelease' x 0\n", "trixie") == ()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.list", "deb [trusted=no] http://mirror.example/debian/ bookworm main\n"),
        (
            "a.sources",
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n",
        ),
    ],
)
def test_apt_itself_reads_both_kinds_of_source_files(tmp_path: Path, file: str, text: str) -> None:
    """One-line lists and deb822 files give the same mirror, on a machine that has fetched no index yet."""
    (tmp_path / file).write_text(text)
    printed = subprocess.run(
        [
            "apt-get", "-o", f"Dir::State={tmp_path}", "-o", "Dir::Etc::sourcelist=/dev/null",
            "-o", f"Dir::Etc::sourceparts={tmp_path}", "update", "--print-uris",
        ],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert debian_mirrors(printed, "trixie") == ("http://mirror.example/debian",)


def test_archives_are_named_as_apt_names_them() -> None:
    """An epoch's colon is written %3a in a file's name."""
    simulation = (
        "NOTE: This is only a simulation!\n"
        "Inst zlib1g (1:1.3.dfsg-1+b1 Debian:13.7/stable [amd64])\n"
        "Inst libc6 (2.41-12+deb13u4 Debian:13.7/stable [amd64]) []\n"
        "Inst tzdata (2026c-0 Debian:13.7/stable [all])\n"
        "Conf tzdata (2026c-0 Debian:13.7/stable [all])\n"
    )
    assert chosen_archives(simulation) == (
        "zlib1g_1%3a1.3.dfsg-1+b1_amd64.deb", "libc6_2.41-12+deb13u4_amd64.deb", "tzdata_2026c-0_all.deb",
    )  # fmt: skip


def test_nothing_that_is_wanted_is_left_out() -> None:
    """Every package that is left out has its reason, and none of them is asked for."""
    assert all(LEFT_OUT.values())
    assert not set(PACKAGES) & set(LEFT_OUT)
