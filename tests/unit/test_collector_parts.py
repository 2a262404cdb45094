"""Running parts: what changed is exchanged, what did not is not touched, what cannot be made harms no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import asynccontextmanager

import pytest

from collector.process.parts import Blueprint, Parts
from energy.errors import QuotawattError, SetupError
from energy.services import Control
from tests.support.eventually import eventually


class Worker:
    """A part that notes how it fares."""

    def __init__(self, settings: object) -> None:
        self.settings = settings
        self.running = self.drained = False
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.failure: Exception | None = None
        self.fail = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Run until told to stop, then drain."""
        self.running = True
        waits = [asyncio.create_task(event.wait()) for event in (stopping, self.fail)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self.failure is not None:
            raise self.failure
        await self.may_end.wait()
        self.running, self.drained = False, True


def blueprints(**settings: object) -> dict[Hashable, Blueprint[Worker]]:
    """A part for each name; where its settings are an error, it cannot be made."""

    def blueprint(own: object) -> Blueprint[Worker]:
        async def make() -> Worker:
            if isinstance(own, QuotawattError):
                raise own
            return Worker(own)

        return Blueprint(own, make)

    return {name: blueprint(own) for name, own in settings.items()}


async def change(
    parts: Parts[Worker], wanted: Mapping[Hashable, Blueprint[Worker]]
) -> tuple[int, int, list[QuotawattError]]:
    """Exchange what changed; how many stopped and started, and why others could not."""
    stopped = await parts.stop_changed(wanted)
    started, faults = await parts.start(wanted)
    return stopped, started, faults


@asynccontextmanager
async def running(**settings: object) -> AsyncIterator[Parts[Worker]]:
    """Parts that run; stopped in order at the end."""
    parts: Parts[Worker] = Parts("workers", blueprints(**settings))
    control = Control("workers", asyncio.Event())
    async with asyncio.TaskGroup() as group:
        group.create_task(parts.run(control))
        await control.wait_ready()
        try:
            yield parts
        finally:
            control.stopping.set()


async def test_all_run_until_the_stop_and_drain() -> None:
    """The service ends when the last of them has."""
    async with running(a=1, b=2) as parts:
        workers = list(parts.parts.values())
        await eventually(lambda: all(worker.running for worker in workers))
    assert all(worker.drained for worker in workers)


async def test_only_what_changed_is_exchanged() -> None:
    """Another setting, a name that is gone, and one that is new; the rest is the very same part."""
    async with running(same=1, other=2, gone=3) as parts:
        before = dict(parts.parts)
        await eventually(lambda: all(worker.running for worker in before.values()))
        assert await change(parts, blueprints(same=1, other=22, new=4)) == (2, 2, [])
        after = dict(parts.parts)
        assert after.keys() == {"same", "other", "new"}
        assert after["same"] is before["same"]
        assert after["same"].running
        assert after["other"] is not before["other"]
        assert before["other"].drained
        assert before["gone"].drained
        assert await change(parts, blueprints(same=1, other=22, new=4)) == (0, 0, [])


async def test_a_part_is_followed_only_when_it_has_drained() -> None:
    """Two of them at one port, or at one file, would be in each other's way."""
    async with running(a=1) as parts:
        old = parts.parts["a"]
        await eventually(lambda: old.running)
        old.may_end.clear()
        changing = asyncio.create_task(change(parts, blueprints(a=2)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not changing.done()
        assert parts.parts["a"] is old
        old.may_end.set()
        assert await changing == (1, 1, [])
        assert parts.parts["a"].settings == 2


async def test_what_cannot_be_made_later_harms_no_other() -> None:
    """It is told, and tried again with the next change."""
    fault = SetupError("in use")
    async with running(a=1) as parts:
        assert await change(parts, blueprints(a=1, b=fault, c=3)) == (0, 1, [fault])
        assert parts.parts.keys() == {"a", "c"}
        assert await change(parts, blueprints(a=1, b=2, c=3)) == (0, 1, [])
        assert parts.parts.keys() == {"a", "b", "c"}


async def test_what_cannot_be_made_at_the_start_ends_it() -> None:
    """With the others stopped in order: somebody is there to read the message."""
    made: list[Worker] = []

    async def make() -> Worker:
        made.append(Worker(1))
        return made[0]

    fault = SetupError("in use")
    parts: Parts[Worker] = Parts("workers", {"a": Blueprint(1, make), **blueprints(b=fault)})
    with pytest.raises(SetupError, match="in use"):
        await parts.run(Control("workers", asyncio.Event()))
    assert made[0].drained


async def test_a_part_that_fails_ends_the_service() -> None:
    """Nothing runs on half; the supervisor starts the process again."""
    parts: Parts[Worker] = Parts("workers", blueprints(a=1, b=2))
    control = Control("workers", asyncio.Event())
    task = asyncio.create_task(parts.run(control))
    await control.wait_ready()
    await eventually(lambda: all(worker.running for worker in parts.parts.values()))
    parts.parts["a"].failure = SetupError("nothing to be done")
    parts.parts["a"].fail.set()
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(task, 10)
    assert caught.group_contains(SetupError)
