"""Runs the services of a process: downstream starts first, upstream stops first, and nothing outlives the deadline.

    await run_services([health, writer, receiver], grace=10)

Each service starts when the one before it is ready. To stop, the last one is told first; it drains into those before
it, which are told only when it has ended. So a reading on its way in is carried to the end. After `grace` seconds all
that still runs is cancelled. A service that fails, or ends without having been told to, stops the others in the same
order. `run_main` is the outermost frame of a process around it. Under systemd (`Type=notify`) the runner tells when all
are ready, that the event loop still turns, and when the stop begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol

import uvloop

from energy import metrics
from energy.errors import FatalError, QuotawattError, RejectedError
from energy.logs import configure_logs
from energy.supervision import Supervisor
from energy.waiting import first_of, set_within

INTERRUPTED = 130
"""Exit code after Ctrl-C or a second signal, as shells use it (128 + SIGINT)."""

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Control:
    """What a service is given to tell and to be told.

    Attributes:
        name: the service's name.
        stopping: set when the service is to drain and return.
        finished: the service itself asked for the stop.
    """

    def __init__(self, name: str, stop: asyncio.Event) -> None:
        self.name = name
        self.stopping = asyncio.Event()
        self.finished = False
        self._ready = asyncio.Event()
        self._stop = stop

    def ready(self) -> None:
        """Tell that the service works, so that the one upstream of it may start."""
        self._ready.set()

    def request_stop(self) -> None:
        """Ask for an orderly stop of all services: for one whose work is finished. It may then return at any time."""
        self.finished = True
        self._stop.set()

    async def wait_ready(self) -> None:
        """Wait until `ready` was called."""
        await self._ready.wait()


class Service(Protocol):
    """One part of a process that runs until it is told to stop."""

    @property
    def name(self) -> str:
        """Unique in its process; appears in logs and errors."""

    async def run(self, control: Control) -> None:
        """Start, call `control.ready()`, serve until `control.stopping` is set, drain, return."""


class ServiceEndedError(FatalError):
    """A service returned although nobody had told it to."""


async def run_services(services: Sequence[Service], *, grace: float, stop: asyncio.Event | None = None) -> None:
    """Run `services`, given downstream first, until a stop is asked for or one fails.

    Args:
        services: each starts when the one before it is ready.
        grace: real seconds that the whole stop may take before the rest is cancelled.
        stop: set by the caller to stop. Without it SIGTERM and SIGINT do so, and a second signal cancels at once.

    Raises:
        Exception: that of the service that failed first; later failures are notes on it.
        ServiceEndedError: a service returned by itself.
    """
    runner = _Runner(stop or asyncio.Event(), grace)
    supervisor = Supervisor()
    with _signals(runner.stop) if stop is None else contextlib.nullcontext():
        try:
            await runner.start(services)
            await _report_life(supervisor, runner.stop)
            supervisor.tell("STOPPING=1")
            await runner.shut_down()
        finally:
            await runner.cut_off()
    runner.raise_failure()


async def _report_life(supervisor: Supervisor, stop: asyncio.Event) -> None:
    """Say that all services are ready, and then, until the stop, that the event loop still turns."""
    if stop.is_set():
        return
    supervisor.tell("READY=1")
    if supervisor.watchdog_s is None:
        await stop.wait()
        return
    while not stop.is_set():
        supervisor.tell("WATCHDOG=1")
        await set_within(stop, supervisor.watchdog_s)


def run_main(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `main()` on uvloop with logs; where it fails in a foreseen way, say so on stderr and exit.

    Raises:
        SystemExit: with the `exit_code` of the QuotawattError, or `INTERRUPTED`.
        Exception: what nobody foresaw, with its traceback.
    """
    configure_logs()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(INTERRUPTED)
    except QuotawattError as error:
        sys.exit(report(error))
    except ExceptionGroup as group:
        foreseen, unforeseen = group.split(QuotawattError)
        if foreseen is None or unforeseen is not None:
            raise
        sys.exit(report(min(_leaves(foreseen), key=_gravity)))


def report(error: QuotawattError) -> int:
    """Write one clear message with its advice to stderr; returns the exit code that belongs to it."""
    advice = f"\n  {error.advice}" if error.advice else ""
    sys.stderr.write(f"quotawatt: {error}{advice}\n")
    return error.exit_code


def _leaves(group: BaseExceptionGroup[QuotawattError]) -> Iterator[QuotawattError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _gravity(error: QuotawattError) -> int:
    """What needs a person comes first, what passes by itself last."""
    return 0 if isinstance(error, FatalError) else 1 if isinstance(error, RejectedError) else 2


class _Runner:
    """The tasks of one call of `run_services`; whatever goes wrong in one of them ends in `stop` being set."""

    def __init__(self, stop: asyncio.Event, grace: float) -> None:
        self.stop = stop
        self._grace = grace
        self._running: list[tuple[Control, asyncio.Task[None]]] = []
        self._failures: list[Exception] = []
        self._cutting_off = False

    async def start(self, services: Sequence[Service]) -> None:
        for service in services:
            control = Control(service.name, self.stop)
            task = asyncio.create_task(self._run(service, control), name=service.name)
            self._running.append((control, task))
            await first_of(control.wait_ready(), self.stop.wait())
            if self.stop.is_set():
                return
            metrics.service_ready(service.name)

    async def shut_down(self) -> None:
        """Tell one service after the other, upstream first, each when those above it have drained."""
        deadline = asyncio.get_running_loop().time() + self._grace
        for control, task in reversed(self._running):
            control.stopping.set()
            left = deadline - asyncio.get_running_loop().time()
            await asyncio.wait([task], timeout=max(0.0, left))
            if not task.done():
                metrics.service_overdue(control.name, self._grace)
                return

    async def cut_off(self) -> None:
        """Cancel what still runs, upstream first, so that nobody writes into a stage that is gone."""
        self._cutting_off = True
        for _, task in reversed(self._running):
            task.cancel()
            await asyncio.wait([task])

    def raise_failure(self) -> None:
        if not self._failures:
            return
        first, *others = self._failures
        for other in others:
            first.add_note(f"then also: {other!r}")
        raise first

    async def _run(self, service: Service, control: Control) -> None:
        try:
            await service.run(control)
            if control.stopping.is_set() or control.finished:
                metrics.service_ended(service.name)
            else:
                self._fail(service.name, ServiceEndedError(f"the service {service.name} ended by itself"))
        except asyncio.CancelledError:
            if not self._cutting_off:
                self._fail(service.name, ServiceEndedError(f"the service {service.name} was cancelled from within"))
            raise
        except Exception as error:  # noqa: BLE001 - any failure stops all; it is counted here and raised by the runner
            self._fail(service.name, error)
        finally:
            self.stop.set()

    def _fail(self, name: str, error: Exception) -> None:
        metrics.service_failed(name, error)
        self._failures.append(error)


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """Let the first SIGTERM or SIGINT set `stop`, and the next one cancel the task that runs the services."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def on_signal() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)
