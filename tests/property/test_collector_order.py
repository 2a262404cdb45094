"""The order of sending: nothing forgotten, nothing doubled, live never behind the backlog, rates kept."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from collector.uplink.bucket import TokenBucket
from collector.uplink.order import BEHIND_S, Order, Row, Source, Want
from collector.uplink.settings import UplinkSettings

SIZE = 8
RESERVE = 2
BACKLOG_PER_S = 3.0
REST_BYTES_PER_S = 20.0
BODY = b"0123456789"


class OrderMachine(RuleBasedStateMachine):
    """A spool, a window and the order between them, through appends, confirmations, losses, drops and resends."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.last = 0
        self.is_border: dict[int, bool] = {}
        self.unconfirmed: set[int] = set()
        self.confirmed: set[int] = set()
        self.window: set[int] = set()
        self.added: dict[int, int] = {}
        self.spent = {Source.BACKLOG: 0.0, Source.REST: 0.0}

    @initialize(borders=st.booleans(), rest=st.sampled_from([0.0, REST_BYTES_PER_S]), before=st.integers(0, 20))
    def begin(self, borders: bool, rest: float, before: int) -> None:  # noqa: FBT001 - hypothesis passes it
        """Some are there before the first connection."""
        self.borders, self.rest = borders, rest
        self.order = Order(
            UplinkSettings(
                window=SIZE,
                backlog_per_s=BACKLOG_PER_S,
                send="borders" if borders else "all",
                rest_bytes_per_s=rest,
            )
        )
        self.append([number % 2 == 0 for number in range(before)])
        self.order.restart(self.last, SIZE)

    @rule(classes=st.lists(st.booleans(), max_size=12))
    def append(self, classes: list[bool]) -> None:
        """New envelopes, each border or rest."""
        for is_border in classes:
            self.last += 1
            self.is_border[self.last] = is_border
            self.unconfirmed.add(self.last)

    @rule(seconds=st.floats(0, 10))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule()
    def fill(self) -> None:
        """Take what may be taken, as the uplink does."""
        while (want := self.want()) is not None:
            live = self.waiting_live()
            assert want.source is Source.LIVE or not live, "live waits behind the backlog"
            taken = self.order.take(want, self.fetch(want), self.window, self.now)
            for number, body in taken:
                self.add(want.source, number, body)
            if want.source is not Source.LIVE and taken:
                assert SIZE - len(self.window) >= RESERVE, "the backlog took the last places"
            if not taken and want.source is Source.REST and self.want() == want:
                break
        assert not self.waiting_live() or len(self.window) == SIZE

    @precondition(lambda self: self.window)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        """The platform is done with some."""
        for number in data.draw(st.sets(st.sampled_from(sorted(self.window)))):
            self.window.discard(number)
            self.unconfirmed.discard(number)
            self.confirmed.add(number)

    @precondition(lambda self: self.unconfirmed)
    @rule()
    def drop_the_oldest(self) -> None:
        """A bound of the spool takes one away."""
        number = min(self.unconfirmed)
        self.unconfirmed.discard(number)
        self.window.discard(number)

    @rule()
    def reconnect(self) -> None:
        """Nothing is on the way any more."""
        self.window.clear()
        self.added.clear()
        self.order.restart(self.last, SIZE)

    @precondition(lambda self: self.confirmed)
    @rule(data=st.data())
    def resend(self, data: st.DataObject) -> None:
        """The platform asks for confirmed ones again, in the middle of a fetch."""
        want = self.want()
        rows = self.fetch(want) if want is not None else []
        for number in data.draw(st.sets(st.sampled_from(sorted(self.confirmed)))):
            self.confirmed.discard(number)
            self.unconfirmed.add(number)
            self.added.pop(number, None)
        self.order.start_over()
        if want is not None:
            assert self.order.take(want, rows, self.window, self.now) == []

    @invariant()
    def bounded(self) -> None:
        """Never more than the window, each once."""
        assert len(self.window) <= SIZE
        assert all(times == 1 for times in self.added.values())
        assert self.spent[Source.BACKLOG] <= BACKLOG_PER_S * (1 + self.now) + 0.01
        # What cannot be cut may overdraw the budget once.
        assert self.spent[Source.REST] <= REST_BYTES_PER_S * (1 + self.now) + len(BODY)

    def teardown(self) -> None:
        """With a platform that confirms all, everything gets through in the end that is to be sent at all."""
        if not hasattr(self, "order"):
            return
        for _ in range(200):
            self.fill()
            self.unconfirmed -= self.window
            self.window.clear()
            times = self.order.next_time(self.last, self.now)
            self.now = max(self.now, times or self.now)
        kept_back = {number for number in self.unconfirmed if self.borders and not self.is_border[number]}
        assert self.unconfirmed == (kept_back if self.rest == 0 else set())
        assert not self.order.waits(self.last)

    def want(self) -> Want | None:
        """What the order asks for now."""
        return self.order.want(SIZE - len(self.window), self.last, self.now)

    def fetch(self, want: Want) -> list[Row]:
        """What the spool would give."""
        fitting = [
            number
            for number in sorted(self.unconfirmed)
            if want.after < number <= want.until and want.border in (None, self.is_border[number])
        ]
        return [(number, BODY) for number in fitting[: want.limit]]

    def waiting_live(self) -> bool:
        """Whether a live envelope that is to be sent is not on the way."""
        return any(
            number > self.order._live and (self.is_border[number] or not self.borders) for number in self.unconfirmed
        )

    def add(self, source: Source, number: int, body: bytes) -> None:
        """Take one into the window."""
        assert number not in self.window
        self.window.add(number)
        self.added[number] = self.added.get(number, 0) + 1
        if source is Source.BACKLOG:
            self.spent[source] += 1
        elif source is Source.REST:
            assert self.borders
            assert not self.is_border[number]
            assert not any(self.is_border[other] for other in self.unconfirmed - self.window)
            self.spent[source] += len(body)


TestOrder = OrderMachine.TestCase
TestOrder.settings = settings(stateful_step_count=30)


def test_live_envelopes_that_waited_too_long_let_the_newest_go_first() -> None:
    """A platform that fell behind for a while, with the connection up, gets what is new before what is old."""
    order = Order(UplinkSettings(window=4, backlog_per_s=1.0))
    order.restart(0, 4)
    assert order.want(0, 100, 0.0) is None
    assert order.want(0, 100, BEHIND_S + 1) is None
    want = order.want(4, 101, BEHIND_S + 2)
    assert want is not None
    assert (want.source, want.after, want.until) == (Source.LIVE, 100, 101)
    order.take(want, [(101, BODY)], {}, BEHIND_S + 2)
    want = order.want(3, 101, BEHIND_S + 2)
    assert want is not None
    assert (want.source, want.after, want.until) == (Source.BACKLOG, 0, 100)


def test_an_idle_hour_makes_nothing_old() -> None:
    """What comes after a long silence is live."""
    order = Order(UplinkSettings())
    order.restart(0, 32)
    assert order.want(32, 0, 0.0) is None
    want = order.want(32, 5, 3600.0)
    assert want is not None
    assert want.source is Source.LIVE


@given(
    start=st.floats(0, 1e8),
    rate=st.floats(0.1, 1_000),
    most=st.floats(1, 1_000),
    steps=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 50)), max_size=50),
)
def test_a_bucket_keeps_its_rate(start: float, rate: float, most: float, steps: list[tuple[float, int]]) -> None:
    """However it is used, no more is spent than came, plus what was there at first; and `when` is right."""
    bucket = TokenBucket(rate, most)
    now, spent = start, 0.0
    for seconds, amount in steps:
        now += seconds
        if (whole := bucket.whole(now)) > 0:
            used = min(amount, whole)
            bucket.spend(used)
            spent += used
        assert spent <= most + rate * (now - start) + 0.01
        when = bucket.next_time(now)
        assert when is not None
        assert when >= now
        now = when
        assert bucket.whole(now) >= 1


def test_a_bucket_without_a_rate_gives_nothing_ever() -> None:
    """A budget of nothing is none."""
    bucket = TokenBucket(0.0, 10.0)
    assert bucket.whole(0.0) == bucket.whole(1e9) == 0
    assert bucket.next_time(0.0) is None


def test_what_is_asked_for_again_is_found_in_every_class() -> None:
    """Also among the rest of a thin line, which was sent long ago."""
    order = Order(UplinkSettings(window=4, send="borders", rest_bytes_per_s=1e6))
    order.restart(2, 4)
    for _ in range(2):
        backlog = order.want(4, 2, 0.0)
        assert backlog is not None
        assert (backlog.source, backlog.border, backlog.after) == (Source.BACKLOG, True, 0)
        assert order.take(backlog, [(1, BODY)], {}, 0.0) == [(1, BODY)]
        rest = order.want(3, 2, 0.0)
        assert rest is not None
        assert (rest.source, rest.border, rest.after) == (Source.REST, False, 0)
        assert order.take(rest, [(2, BODY)], {}, 0.0) == [(2, BODY)]
        assert order.want(2, 2, 0.0) is None
        order.start_over()
