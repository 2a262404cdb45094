"""Runs the system's own tools to their end, and says what they said when they fail."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.stack.paths import Account
from energy.errors import SetupError

_SHOWN_LINES = 5


def tied(arguments: Sequence[str]) -> list[str]:
    """The same command, killed by the kernel as soon as we die.

    Otherwise a fetch that is killed leaves an apt behind that holds its lock and writes on into our directories.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *arguments] if setpriv else list(arguments)


def run(
    arguments: Sequence[str],
    *,
    account: Account | None = None,
    directory: Path = Path("/"),
    seconds: float = 120,
    accept: Sequence[int] = (0,),
) -> str:
    """Run a tool as `account` in `directory` and return what it printed; exit codes but those of `accept` are failures.

    Raises:
        SetupError: it is missing, failed, or took longer than `seconds`.
    """
    with _explained(arguments):
        done = subprocess.run(  # noqa: S603  # a fixed command, no shell
            tied(arguments), capture_output=True, text=True, errors="replace", timeout=seconds, check=False,
            cwd=directory, env=clean_environment(), user=account.uid if account else None,
            group=account.gid if account else None, extra_groups=[] if account else None,
        )  # fmt: skip
    if done.returncode not in accept:
        raise SetupError(failure(arguments[0], done.returncode, done.stderr or done.stdout))
    return done.stdout


@contextmanager
def streaming(arguments: Sequence[str]) -> Iterator[Iterator[str]]:
    """Run a tool and hand out its output line by line while it runs.

    Raises:
        SetupError: at the end, when it is missing or failed.
    """
    with (
        _explained(arguments),
        subprocess.Popen(  # noqa: S603  # a fixed command, no shell
            tied(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", cwd="/", env=clean_environment(),
        ) as process,
    ):  # fmt: skip
        lines: list[str] = []
        try:
            yield _recorded(process.stdout or iter(()), lines)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise SetupError(failure(arguments[0], process.returncode, "".join(lines)))


def failure(program: str, code: int, output: str) -> str:
    """One message of a failed tool: its errors where it marks them (`E:`), else its last lines."""
    lines = [line for line in output.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(("E:", "Err:"))]
    said = "\n".join((marked or lines)[-_SHOWN_LINES:])
    return f"{os.path.basename(program)} failed with code {code}: {said}"  # noqa: PTH119  # a name, not a path


def clean_environment() -> Mapping[str, str]:
    """What servers and tools see of our environment: where proxies and apt's configuration are, and no more.

    Nothing of it can change which libraries they load or which language they answer in.
    """
    kept = {
        name: value for name, value in os.environ.items() if name == "APT_CONFIG" or name.lower().endswith("_proxy")
    }
    return {**kept, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def _recorded(source: Iterator[str], lines: list[str]) -> Iterator[str]:
    for line in source:
        lines.append(line)
        yield line


@contextmanager
def _explained(arguments: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"{arguments[0]} did not finish within {error.timeout:.0f} s.") from error
    except (FileNotFoundError, PermissionError) as error:
        raise SetupError(f"{arguments[0]} cannot be run: {error.strerror}.") from error
