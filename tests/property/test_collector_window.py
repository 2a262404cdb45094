"""The window of unconfirmed envelopes: bounded, nothing forgotten, nothing sent too early."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from collector.uplink.window import Window, growing_delay

SIZE = 4
PATIENCE = 10.0


class WindowMachine(RuleBasedStateMachine):
    """Any order of sending, confirming, losing the connection and passing time."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(SIZE, float, PATIENCE)
        self.now = 0.0
        self.held: dict[int, float] = {}
        self.next_number = 1

    @precondition(lambda self: self.window.room)
    @rule()
    def add(self) -> None:
        """A new envelope is due at once."""
        self.window.add(self.next_number, b"x")
        self.held[self.next_number] = 0.0
        self.next_number += 1

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule(taken=st.booleans())
    def send(self, taken: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        """Exactly what is due goes out, in order; taken by the broker or not."""
        due = self.window.take_due(self.now)
        assert [number for number, _, _ in due] == sorted(n for n, at in self.held.items() if at <= self.now)
        for number, _, attempts in due:
            self.held[number] = self.now + max(PATIENCE, attempts + 1)
            if taken:
                self.window.sent(number, self.now)
                self.held[number] = self.now + attempts + 1
        assert self.window.take_due(self.now) == []

    @rule(numbers=st.lists(st.integers(1, 30)))
    def confirm(self, numbers: list[int]) -> None:
        """Confirmed envelopes leave; others are no business of ours."""
        removed = self.window.remove(numbers)
        assert set(removed) == set(numbers) & set(self.held)
        for number in removed:
            del self.held[number]

    @rule()
    def reconnect(self) -> None:
        """Everything is due at once."""
        self.window.restart()
        self.held = dict.fromkeys(self.held, 0.0)

    @rule(first=st.integers(1, 30), last=st.integers(1, 30))
    def ask_again(self, first: int, last: int) -> None:
        """What the platform asks for is due at once."""
        self.window.again([(first, last)])
        self.held = {number: 0.0 if first <= number <= last else at for number, at in self.held.items()}

    @invariant()
    def bounded_and_complete(self) -> None:
        """Never more than the window's size, and nothing vanished."""
        assert len(self.window) == len(self.held) <= SIZE
        assert self.window.room == SIZE - len(self.held)
        assert all(number in self.window for number in self.held)
        assert self.window.next_due() == min(self.held.values(), default=None)


TestWindow = WindowMachine.TestCase


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_delays_grow_to_their_bound(attempts: int, chance: float) -> None:
    """Doubling, stretched by at most a half, however long a gateway is cut off."""
    delay = growing_delay(0.5, 60.0, lambda: chance)
    assert 0.5 <= delay(attempts) <= 90.0
    assert delay(attempts) <= delay(attempts + 1)
