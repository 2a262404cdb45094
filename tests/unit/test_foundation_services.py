"""The service runner: order, drain, deadline, and a failure in every phase."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from energy.errors import TransportError
from energy.services import Control, ServiceEndedError, run_services
from tests.support.eventually import eventually


@dataclass
class Recorder:
    """A service that notes what happens to it and misbehaves as told."""

    name: str
    journal: list[str]
    fails_starting: bool = False
    ready: bool = True
    ends: asyncio.Event | None = None
    fails: asyncio.Event | None = None
    fails_draining: bool = False
    hangs: bool = False
    asks_to_stop: bool = False
    cancels_itself: bool = False
    draining: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, what: str) -> None:
        """Write one line of the journal."""
        self.journal.append(f"{self.name} {what}")

    async def run(self, control: Control) -> None:
        """Live the life that the fields describe."""
        self.note("starts")
        if self.fails_starting:
            raise TransportError(f"{self.name} cannot start")
        if self.ready:
            control.ready()
        try:
            await self.serve(control)
        except asyncio.CancelledError:
            self.note("cancelled")
            raise
        self.note("ends")

    async def serve(self, control: Control) -> None:
        """Serve until told otherwise."""
        if self.asks_to_stop:
            control.request_stop()
        if self.cancels_itself:
            raise asyncio.CancelledError
        if self.ends is not None:
            await self.ends.wait()
            return
        if self.fails is not None:
            await self.fails.wait()
            raise TransportError(f"{self.name} failed")
        await control.stopping.wait()
        self.note("drains")
        self.draining.set()
        if self.fails_draining:
            raise TransportError(f"{self.name} failed to drain")
        if self.hangs:
            await asyncio.Event().wait()


def three(journal: list[str], **middle: object) -> list[Recorder]:
    """Three services, downstream first; the middle one misbehaves."""
    return [Recorder("sink", journal), Recorder("middle", journal, **middle), Recorder("source", journal)]  # type: ignore[arg-type] # fields by name


IN_ORDER = ["sink starts", "middle starts", "source starts"]


def stopped(*names: str) -> list[str]:
    """The journal of an orderly stop."""
    return [f"{name} {what}" for name in names for what in ("drains", "ends")]


async def run(services: list[Recorder], *, grace: float = 5.0, stop: asyncio.Event | None = None) -> None:
    """Run them with a stop of the test's own, so that no signal handlers are touched."""
    await run_services(services, grace=grace, stop=stop or asyncio.Event())


async def test_downstream_starts_first_and_upstream_stops_first() -> None:
    """Each starts when the one before is ready; each is told to stop when the one upstream has ended."""
    journal: list[str] = []
    stop = asyncio.Event()
    running = asyncio.ensure_future(run(three(journal), stop=stop))
    await eventually(lambda: journal == IN_ORDER)
    stop.set()
    await running
    assert journal == IN_ORDER + stopped("source", "middle", "sink")


async def test_nothing_starts_before_the_one_downstream_is_ready() -> None:
    """A stop while a service still starts stops what runs and starts nothing more."""
    journal: list[str] = []
    stop = asyncio.Event()
    running = asyncio.ensure_future(run(three(journal, ready=False), stop=stop))
    await eventually(lambda: "middle starts" in journal)
    stop.set()
    await running
    assert journal == ["sink starts", "middle starts", *stopped("middle", "sink")]


async def test_a_failure_at_the_start_stops_those_that_run_in_reverse() -> None:
    """The error comes out; what had started drains; what comes after never starts."""
    journal: list[str] = []
    with pytest.raises(TransportError, match="middle cannot start"):
        await run(three(journal, fails_starting=True))
    assert journal == ["sink starts", "middle starts", *stopped("sink")]


async def test_a_failure_while_serving_stops_all_in_order() -> None:
    """Upstream of the failed service drains first, then downstream."""
    journal: list[str] = []
    fails = asyncio.Event()
    running = asyncio.ensure_future(run(three(journal, fails=fails)))
    await eventually(lambda: journal == IN_ORDER)
    fails.set()
    with pytest.raises(TransportError, match="middle failed"):
        await running
    assert journal == IN_ORDER + stopped("source", "sink")


async def test_a_failure_while_draining_does_not_keep_the_others_from_draining() -> None:
    """Those downstream still drain, and the error comes out at the end."""
    journal: list[str] = []
    stop = asyncio.Event()
    running = asyncio.ensure_future(run(three(journal, fails_draining=True), stop=stop))
    await eventually(lambda: journal == IN_ORDER)
    stop.set()
    with pytest.raises(TransportError, match="failed to drain"):
        await running
    assert journal == [*IN_ORDER, *stopped("source"), "middle drains", *stopped("sink")]


async def test_later_failures_are_notes_on_the_first() -> None:
    """Nothing that went wrong is hidden."""
    journal: list[str] = []
    fails = asyncio.Event()
    services = [Recorder("sink", journal, fails_draining=True), Recorder("source", journal, fails=fails)]
    fails.set()
    with pytest.raises(TransportError, match="source failed") as caught:
        await run(services)
    assert any("sink failed to drain" in note for note in caught.value.__notes__)


async def test_what_does_not_drain_in_time_is_cut_off_with_all_below_it() -> None:
    """After the grace the rest is cancelled, upstream first."""
    journal: list[str] = []
    stop = asyncio.Event()
    running = asyncio.ensure_future(run(three(journal, hangs=True), stop=stop, grace=0.05))
    await eventually(lambda: journal == IN_ORDER)
    stop.set()
    await running
    assert journal == [*IN_ORDER, *stopped("source"), "middle drains", "middle cancelled", "sink cancelled"]


async def test_a_service_that_ends_by_itself_is_a_failure() -> None:
    """A pipeline with a stage missing must not look healthy."""
    journal: list[str] = []
    ends = asyncio.Event()
    ends.set()
    with pytest.raises(ServiceEndedError, match="middle ended by itself"):
        await run(three(journal, ends=ends))
    assert journal[-2:] == stopped("sink")


async def test_a_service_that_cancels_itself_is_a_failure() -> None:
    """A cancellation that nobody asked for must not pass as an orderly stop."""
    journal: list[str] = []
    with pytest.raises(ServiceEndedError, match="middle was cancelled from within"):
        await run(three(journal, cancels_itself=True))


async def test_a_service_whose_work_is_finished_may_ask_for_the_stop() -> None:
    """That is no failure."""
    journal: list[str] = []
    services = three(journal)
    services[2].asks_to_stop = True
    services[2].ends = asyncio.Event()
    services[2].ends.set()
    await run(services)
    assert journal == [*IN_ORDER, "source ends", *stopped("middle", "sink")]


async def test_cancelling_the_runner_cancels_every_service_upstream_first() -> None:
    """No task outlives the call."""
    journal: list[str] = []
    running = asyncio.ensure_future(run(three(journal)))
    await eventually(lambda: journal == IN_ORDER)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert journal == [*IN_ORDER, "source cancelled", "middle cancelled", "sink cancelled"]


async def test_cancelling_during_the_drain_cuts_it_short() -> None:
    """The grace is a bound, not a wait that must be sat out."""
    journal: list[str] = []
    stop = asyncio.Event()
    services = three(journal, hangs=True)
    running = asyncio.ensure_future(run(services, stop=stop, grace=600))
    await eventually(lambda: journal == IN_ORDER)
    stop.set()
    await services[1].draining.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert journal[-2:] == ["middle cancelled", "sink cancelled"]


async def test_without_services_the_runner_waits_for_the_stop() -> None:
    """Nothing to run is a valid, if dull, process."""
    stop = asyncio.Event()
    stop.set()
    await run([], stop=stop)
