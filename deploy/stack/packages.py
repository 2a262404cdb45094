"""Fetches the packages of Debian that the stack consists of, with the system's own apt and nothing of its state.

apt reads its configuration as always (mirror, proxy, credentials, certificates), but keeps lists, archives and the
record of what is installed in our cache. It checks Debian's signature and every checksum, and resolves the
dependencies. Nothing is installed on the system; no right beyond writing the cache is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from deploy.stack.files import make_directory, write_whole
from deploy.stack.programs import run, streaming
from deploy.stack.sources import debian_mirrors
from energy.errors import SetupError

Progress = Callable[[str], None]

SUITE = "trixie"
PACKAGES = ("postgresql-17", "postgresql-17-timescaledb", "mosquitto")

# Dependencies that a server run by hand does not use. apt is told that they are installed already.
LEFT_OUT = {
    "adduser": "makes system users at installation",
    "debconf": "asks questions at installation",
    "init-system-helpers": "registers system services",
    "libaudit-common": "holds a configuration that is read by a system's PAM only",
    "libllvm19": "just-in-time compilation: 27 MB to download; our settings turn it off",
    "libsasl2-modules-db": "a plug-in for logging in over LDAP, which we do not configure",
    "locales": "the C.UTF-8 locale is built into the C library",
    "openssl-provider-legacy": "holds withdrawn ciphers",
    "postgresql-client-common": "wrappers in Perl; we call the programs themselves",
    "postgresql-common": "wrappers in Perl; we call the programs themselves",
    "readline-common": "documentation and an example of ~/.inputrc",
    "sensible-utils": "chooses an editor",
    "ssl-cert": "makes a certificate at installation; we listen on the loopback interface only",
    "sysvinit-utils": "registers system services",
}

WAYS = (
    "Ways to get a stack:\n"
    "  - on Debian 13: apt install postgresql-17-timescaledb mosquitto (they are found by themselves);\n"
    "  - containers: timescale/timescaledb and eclipse-mosquitto, then give their addresses as below;\n"
    "  - existing servers: set QUOTAWATT_DSN=postgresql://… and QUOTAWATT_MQTT=host:port;\n"
    "  - a machine with apt, dpkg-deb and Debian's keyring (package debian-archive-keyring), and a mirror in reach."
)

_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
)
_CONFIGURATION = """\
Dir::State "{root}/state";
Dir::State::status "{root}/status";
Dir::State::lists "{root}/lists";
Dir::Cache "{root}/cache";
Dir::Cache::archives "{archives}";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
// Pins and hooks of the system are about the system's own packages.
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
APT::Update::Error-Mode "any";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
Acquire::Retries "3";
"""
_STATUS = """\
Package: {name}
Status: install ok installed
Maintainer: Quotawatt
Version: 99:0
Architecture: {architecture}
Multi-Arch: foreign
Description: left out: {reason}

"""
_CHOSEN = re.compile(r"^Inst (?P<name>\S+) \((?P<version>\S+) .*\[(?P<architecture>[a-z0-9-]+)\]\)", re.MULTILINE)
_PERCENT = re.compile(r"^dlstatus:\d+:(?P<percent>[\d.]+):")
_STEP = 10


def download(cache: Path, progress: Progress, packages: Sequence[str] = PACKAGES) -> tuple[Path, ...]:
    """Fetch what is missing of the packages into `cache` and return the archives to unpack; others are removed.

    Call it under the fetch lock. Archives that an earlier, interrupted run left are used again.

    Raises:
        SetupError: apt is missing, no mirror could be used, or apt failed; the advice names other ways.
    """
    archives = cache / "archives"
    configuration = _configure(cache / "apt", archives)
    _refresh_lists(cache / "apt", configuration, progress)
    command = ["apt-get", "-c", str(configuration), "-y", "install"]
    progress("fetching packages")
    with streaming([*command, "-o", "APT::Status-Fd=1", "--download-only", *packages]) as lines:
        _report(lines, progress)
    chosen = chosen_archives(run([*command, "--simulate", *packages]))
    return _only(archives, chosen)


def chosen_archives(simulation: str) -> tuple[str, ...]:
    """The archives' file names, from what `apt-get --simulate install` prints."""
    return tuple(
        f"{match['name']}_{match['version'].replace(':', '%3a')}_{match['architecture']}.deb"
        for match in _CHOSEN.finditer(simulation)
    )


def architecture() -> str:
    """Debian's name of this machine's architecture.

    Raises:
        SetupError: this is not a machine with dpkg; the advice names other ways.
    """
    try:
        return run(["dpkg", "--print-architecture"]).strip()
    except SetupError as error:
        raise SetupError("The stack's programs cannot be fetched: there is no dpkg here.", advice=WAYS) from error


def _configure(root: Path, archives: Path) -> Path:
    for directory in (root, root / "state", root / "lists" / "partial", root / "cache", archives / "partial"):
        make_directory(directory, 0o755)
    known = architecture()
    status = "".join(_STATUS.format(name=name, reason=reason, architecture=known) for name, reason in LEFT_OUT.items())
    write_whole(root / "status", status)
    write_whole(root / "apt.conf", _CONFIGURATION.format(root=root, archives=archives))
    return root / "apt.conf"


def _refresh_lists(root: Path, configuration: Path, progress: Progress) -> None:
    """Fetch the index of the first mirror that has the suite, signed by Debian."""
    refusals: list[str] = []
    for mirror in _mirrors():
        progress("fetching the package index")
        source = f"deb [arch={architecture()} signed-by={_keyring()}] {mirror} {SUITE} main\n"
        write_whole(root / "sources.list", source)
        try:
            run(["apt-get", "-c", str(configuration), "update"], seconds=600)
        except SetupError as error:
            refusals.append(str(error))
        else:
            return
    reason = "\n".join(refusals) or "apt's configuration names no mirror of Debian."
    raise SetupError(f"The stack's programs cannot be fetched: {reason}", advice=WAYS)


def _mirrors() -> tuple[str, ...]:
    try:
        return debian_mirrors(run(["apt-get", "update", "--print-uris"]), SUITE)
    except SetupError as error:
        raise SetupError(f"The stack's programs cannot be fetched: {error}", advice=WAYS) from error


def _keyring() -> Path:
    for path in _KEYRINGS:
        if path.is_file():
            return path
    raise SetupError("The stack's programs cannot be fetched: Debian's keyring is not here.", advice=WAYS)


def _report(lines: Iterator[str], progress: Progress) -> None:
    reported = 0
    for line in lines:
        match = _PERCENT.match(line)
        if match and (percent := int(float(match["percent"]))) >= reported + _STEP:
            reported = percent - percent % _STEP
            progress(f"fetching packages: {reported} %")


def _only(archives: Path, names: tuple[str, ...]) -> tuple[Path, ...]:
    """The archives of these names; others are of an older point release and are removed."""
    wanted = tuple(archives / name for name in names)
    for path in set(archives.glob("*.deb")).difference(wanted):
        path.unlink()
    return wanted
