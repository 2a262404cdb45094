"""Running parts, each with the settings it was made from: what changed is exchanged, and nothing else is touched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from energy.errors import QuotawattError
from energy.services import Control


class Part(Protocol):
    """Something that runs until it is told to stop."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Run until `stopping` is set, drain, return."""


P = TypeVar("P", bound=Part)


class Blueprint(NamedTuple, Generic[P]):
    """How a part is made.

    Attributes:
        settings: all that decides what the part does; equal settings mean that a running part may go on.
        make: makes it, ready to run.
    """

    settings: Any
    make: Callable[[], Awaitable[P]]


class _Running(NamedTuple, Generic[P]):
    settings: Any
    part: P
    stopping: asyncio.Event
    task: asyncio.Task[None]


class Parts(Generic[P]):
    """A service of parts that run side by side.

    Args:
        name: the service's name.
        blueprints: what runs from the start.
    """

    def __init__(self, name: str, blueprints: Mapping[Hashable, Blueprint[P]]) -> None:
        self.name = name
        self._first = blueprints
        self._running: dict[Hashable, _Running[P]] = {}
        self._group: asyncio.TaskGroup

    @property
    def parts(self) -> Mapping[Hashable, P]:
        """What runs, by its key."""
        return {key: running.part for key, running in self._running.items()}

    async def run(self, control: Control) -> None:
        """Make and run all parts; the first that fails ends the others.

        Raises:
            QuotawattError: a part could not be made.
            ExceptionGroup: parts failed.
        """
        async with asyncio.TaskGroup() as self._group:
            try:
                _, faults = await self.start(self._first)
                if not faults:
                    control.ready()
                    await control.stopping.wait()
            finally:
                for running in self._running.values():
                    running.stopping.set()
        if faults:
            raise faults[0]

    async def stop_changed(self, blueprints: Mapping[Hashable, Blueprint[P]]) -> int:
        """Stop what is not wanted any more, or otherwise, and wait until it has drained; returns how many."""
        old = [
            key
            for key, running in self._running.items()
            if key not in blueprints or blueprints[key].settings != running.settings
        ]
        for key in old:
            self._running[key].stopping.set()
        if old:
            await asyncio.wait([self._running[key].task for key in old])
        for key in old:
            del self._running[key]
        return len(old)

    async def start(self, blueprints: Mapping[Hashable, Blueprint[P]]) -> tuple[int, list[QuotawattError]]:
        """Make and start what does not run yet; returns how many, and why others could not be made."""
        count, faults = 0, []
        for key, blueprint in blueprints.items():
            if key in self._running:
                continue
            try:
                part = await blueprint.make()
            except QuotawattError as error:
                faults.append(error)
                continue
            stopping = asyncio.Event()
            task = self._group.create_task(part.run(stopping))
            self._running[key] = _Running(blueprint.settings, part, stopping, task)
            count += 1
        return count, faults
