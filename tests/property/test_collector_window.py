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
        self.window = Window(float)
        self.window.restart(SIZE, PATIENCE)
        self.now = 0.0
        self.held: dict[int, float] = {}
        self.live: set[int] = set()
        self.under_way: set[int] = set()
        self.attempts: dict[int, int] = {}
        self.next_number = 1

    @precondition(lambda self: self.window.room)
    @rule(live=st.booleans())
    def add(self, live: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        """A new envelope is due at once."""
        self._add(self.next_number, live=live)
        self.next_number += 1

    @precondition(lambda self: self.window.room and self.lost())
    @rule()
    def add_again(self) -> None:
        """One of an earlier connection is due at once, and remembers how often it was sent."""
        self._add(self.lost()[0], live=False)

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule(taken=st.booleans())
    def send(self, taken: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        """Exactly what is due goes out, live first and then in order; taken by the carrier or not."""
        due = self.window.take_due(self.now)
        expected = sorted((n not in self.live, n) for n, at in self.held.items() if at <= self.now)
        assert [envelope.number for envelope in due] == [number for _, number in expected]
        for number, _, attempts, live in due:
            assert (attempts, live) == (self.attempts[number], number in self.live)
            self.attempts[number] += 1
            self.held[number] = self.now + max(PATIENCE, attempts + 1)
            self.under_way.add(number)
            if taken:
                self.under_way.remove(number)
                assert self.window.sent(number, self.now) == self.now + attempts + 1
                self.held[number] = self.now + attempts + 1
        assert self.window.take_due(self.now) == []

    @precondition(lambda self: self.held)
    @rule(seconds=st.floats(0, 20))
    def postpone(self, seconds: float) -> None:
        """The platform asks to send one later."""
        number = min(self.held)
        self.window.postpone(number, self.now + seconds)
        self.held[number] = self.now + seconds
        self.under_way.discard(number)

    @rule(numbers=st.lists(st.integers(1, 30)))
    def confirm(self, numbers: list[int]) -> None:
        """Confirmed envelopes leave, those of an earlier connection too; others are no business of ours."""
        removed = self.window.remove(numbers)
        assert set(removed) == set(numbers) & set(self.attempts)
        for number in removed:
            self.held.pop(number, None)
            self.under_way.discard(number)
            del self.attempts[number]

    @rule()
    def reconnect(self) -> None:
        """Nothing is on the way."""
        self.window.restart(SIZE, PATIENCE)
        self.held = {}
        self.under_way = set()

    @rule(first=st.integers(1, 30), last=st.integers(1, 30))
    def ask_again(self, first: int, last: int) -> None:
        """What the platform asks for is due at once, unless the carrier is at it."""
        self.window.again([(first, last)])
        for number in set(range(first, last + 1)) & set(self.held) - self.under_way:
            self.held[number] = 0.0

    @invariant()
    def bounded_and_complete(self) -> None:
        """Never more than the window's size, and nothing vanished."""
        assert len(self.window) == len(self.held) <= SIZE
        assert self.window.room == SIZE - len(self.held)
        assert all(number in self.window for number in self.held)
        assert self.window.next_due() == min(self.held.values(), default=None)

    def lost(self) -> list[int]:
        """What was on the way on an earlier connection and was not confirmed."""
        return sorted(set(self.attempts) - set(self.held))

    def _add(self, number: int, *, live: bool) -> None:
        self.window.add(number, b"x", live=live)
        self.held[number] = 0.0
        self.attempts.setdefault(number, 0)
        self.live = self.live | {number} if live else self.live - {number}


TestWindow = WindowMachine.TestCase


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_delays_grow_to_their_bound(attempts: int, chance: float) -> None:
    """Doubling, stretched by at most a half, however long a gateway is cut off."""
    delay = growing_delay(0.5, 60.0, lambda: chance)
    assert 0.5 <= delay(attempts) <= 90.0
    assert delay(attempts) <= delay(attempts + 1)
