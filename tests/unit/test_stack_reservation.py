"""Who works with a stack for a while keeps others from stopping it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest

from deploy.stack import Stack
from energy.errors import SetupError
from tests.support.stack import cache_environment, server_directory


@pytest.fixture
def state() -> Iterator[Path]:
    """Where stacks of the test's own lie; none of their servers is ever started."""
    with server_directory() as directory:
        yield directory


def _stack(state: Path) -> Stack:
    return Stack("reserved", state, environ=cache_environment())


def test_a_reserved_stack_is_not_stopped_by_others(state: Path) -> None:
    """Neither a stop nor a second user gets in, and both learn who is there; afterwards both do."""
    with _stack(state).reserved("a demo"):
        with pytest.raises(SetupError, match=r"^a demo is running on this stack: stop it first$"):
            _stack(state).down()
        with pytest.raises(SetupError, match="a demo is running") as refused, _stack(state).reserved("another"):
            pass
        assert "QUOTAWATT_STACK" in refused.value.advice
    _stack(state).down()
    with _stack(state).reserved("another"):
        pass


def test_who_reserved_a_stack_may_stop_it(state: Path) -> None:
    """The demo's own stop at its end, while it still keeps others out."""
    stack = _stack(state)
    said: list[str] = []
    with stack.reserved("a demo"):
        stack.down(said.append)
        with pytest.raises(SetupError, match="a demo is running"):
            _stack(state).down()
    assert said == []  # nothing ran


def test_a_reservation_may_begin_in_another_thread(state: Path) -> None:
    """An event loop must not wait for another command's work on the stack, so a thread of its own does."""
    with ExitStack() as held:
        thread = Thread(target=held.enter_context, args=[_stack(state).reserved("a demo")])
        thread.start()
        thread.join(timeout=10)
        with pytest.raises(SetupError, match="a demo is running"):
            _stack(state).down()
    _stack(state).down()


def test_a_reservation_ends_with_an_error_too(state: Path) -> None:
    """A demo that fails leaves a stack that can be stopped."""
    with pytest.raises(LookupError), _stack(state).reserved("a demo"):
        raise LookupError
    _stack(state).down()
