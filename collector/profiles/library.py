"""Where profiles are found: those that come with the collector, one TOML file per model, and a user's own.

A new meter is a new file. A name that stands twice is a fault: nothing shadows anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeAlias

from collector.profiles.checks import faults
from collector.profiles.dlt645 import Dlt645Profile, dlt645_faults
from collector.profiles.model import Profile
from energy.config import Document, FaultCollector, parse_document
from energy.errors import ConfigError, Fault

AnyProfile: TypeAlias = Profile | Dlt645Profile
"""A profile of whatever protocol."""
_SUFFIX = ".toml"


class Library:
    """Profiles by name.

    Args:
        directories: a user's own, beside the models that come with the collector.

    Raises:
        ConfigError: a directory cannot be read, or a name stands twice.
    """

    def __init__(self, directories: Iterable[Path] = ()) -> None:
        self._files: dict[str, tuple[str, Traversable]] = {}
        found: list[Fault] = []
        for source, file in _files(directories, found):
            name = file.name.removesuffix(_SUFFIX)
            first, _ = self._files.setdefault(name, (source, file))
            if first != source:
                found.append(Fault(source, 0, "", f"a profile {name} exists already: {first}"))
        if found:
            raise ConfigError(tuple(found), advice="Give the file another name: no profile shadows another.")
        self._loaded: dict[str, AnyProfile] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all profiles, sorted."""
        return tuple(sorted(self._files))

    def source(self, name: str) -> str:
        """The file of a profile, for people; raises ConfigError where there is none."""
        return self._file(name)[0]

    def load_any(self, name: str) -> AnyProfile:
        """The profile of that name, addresses zero-based.

        Raises:
            ConfigError: there is none, or its file has faults.
        """
        if name not in self._loaded:
            source, file = self._file(name)
            self._loaded[name] = parse_profile(_text(file, source), source)
        return self._loaded[name]

    def load(self, name: str) -> Profile:
        """The Modbus profile of that name, addresses zero-based.

        Raises:
            ConfigError: there is none, it is for another protocol, or its file has faults.
        """
        profile = self.load_any(name)
        if not isinstance(profile, Profile):
            fault = Fault(self.source(name), 0, "protocol", f"{name} is for {profile.protocol}, not for modbus")
            raise ConfigError((fault,))
        return profile

    def _file(self, name: str) -> tuple[str, Traversable]:
        if name not in self._files:
            message = f"no such profile (known: {', '.join(self.names)})"
            raise ConfigError((Fault("collector/profiles/models", 0, name, message),))
        return self._files[name]


def parse_profile(text: str, source: str) -> AnyProfile:
    """A profile from the text of its file, addresses zero-based; `source` names the file.

    Raises:
        ConfigError: the file has faults; all of them, each with its line.
    """
    return profile_of(parse_document(text, source))


def profile_of(document: Document) -> AnyProfile:
    """A profile from the document of its file, addresses zero-based; raises ConfigError with all faults."""
    profile: AnyProfile = document.decode(AnyProfile)  # type: ignore[arg-type]  # mypy takes no union for a type
    collector = FaultCollector(document)
    for path, message in faults(profile) if isinstance(profile, Profile) else dlt645_faults(profile):
        collector.add(path, message)
    collector.raise_faults()
    return profile.on_the_wire() if isinstance(profile, Profile) else profile


@cache
def shipped() -> Library:
    """The profiles that come with the collector."""
    return Library()


def profile_names() -> tuple[str, ...]:
    """Names of all profiles that come with the collector, sorted."""
    return shipped().names


def load_profile(name: str) -> Profile:
    """The shipped Modbus profile of that name.

    Raises:
        ConfigError: there is none, it is for another protocol, or its file has faults.
    """
    return shipped().load(name)


def load_any_profile(name: str) -> AnyProfile:
    """The shipped profile of that name, of whatever protocol.

    Raises:
        ConfigError: there is none, or its file has faults.
    """
    return shipped().load_any(name)


def _files(directories: Iterable[Path], found: list[Fault]) -> Iterator[tuple[str, Traversable]]:
    for file in (resources.files("collector.profiles") / "models").iterdir():
        if file.name.endswith(_SUFFIX):
            yield f"collector/profiles/models/{file.name}", file
    for directory in directories:
        try:
            yield from ((str(path), path) for path in sorted(directory.iterdir()) if path.name.endswith(_SUFFIX))
        except OSError as error:
            found.append(Fault(str(directory), 0, "", f"cannot be read: {error.strerror}"))


def _text(file: Traversable, source: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError((Fault(source, 0, "", f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise ConfigError((Fault(source, 0, "", "not UTF-8 text"),)) from error
