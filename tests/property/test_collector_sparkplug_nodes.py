"""Whatever is lost, repeated or overtaken: no value is attributed to a metric that it does not belong to."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from energy.sparkplug.edge_nodes import EdgeNode, Shown
from energy.sparkplug.topics import Kind
from tests.support.edge_node import DEVICES, NAMES, Sent, SimulatedEdgeNode, owner

START = 1_771_898_400_000

sources = st.sampled_from(["", *DEVICES])
actions = st.lists(
    st.one_of(
        st.tuples(st.just("data"), sources),
        st.tuples(st.just("data"), sources),
        st.tuples(st.just("named"), sources),
        st.tuples(st.just("historical"), sources),
        st.tuples(st.just("reborn"), st.sampled_from(DEVICES)),
        st.tuples(st.just("reborn"), st.sampled_from(DEVICES)),
        st.tuples(st.sampled_from(["births", "restart", "killed", "clock back"]), st.just("")),
    ),
    max_size=12,
)


def told(edge: SimulatedEdgeNode, what: list[tuple[str, str]]) -> Iterator[Sent]:
    """The messages of an edge node that does this."""
    yield from edge.start()
    for action, device in what:
        if action == "reborn":
            yield from edge.rebirth_of(device)
        elif action == "births":
            yield from edge.births()
        elif action == "restart":
            yield from edge.death()
            yield from edge.start()
        elif action == "killed":
            # The broker notices late: the will comes after the births of the next connection.
            late = list(edge.death())
            yield from edge.start()
            yield from late
        elif action == "clock back":
            edge.now_ms -= 60_000
        else:
            yield from edge.data(device, by_name=action == "named", historical=action == "historical")


SHIFTS: dict[str, list[float]] = {
    "comes": [0],
    "lost": [],
    "twice": [0, 0],
    "again later": [0, 2.5],
    "much later": [6.5],
}
FATES = st.sampled_from(["comes"] * 3 + ["lost"] * 2 + ["twice", "again later", "much later"])


def delivered(sent: list[Sent], fates: list[str]) -> list[Sent]:
    """The messages in the order in which they come, given what becomes of each."""
    places: list[tuple[float, Sent]] = []
    for place, (one, fate) in enumerate(zip(sent, fates, strict=True)):
        places += [(place + shift, one) for shift in SHIFTS[fate]]
    return [one for _, one in sorted(places, key=lambda pair: pair[0])]


class Consumer:
    """An edge node's state under test, with all that came out of it."""

    def __init__(self) -> None:
        self.node = EdgeNode()
        self.shown: list[Shown] = []
        self._session = 0

    def take(self, sent: Sent) -> list[Shown]:
        """Take a message, unless it is one that no consumer can tell from the next: see `edge_nodes`."""
        due = None if self.node._seq is None else (self.node._seq + 1) % 256
        counted = sent.kind not in (Kind.NODE_BIRTH, Kind.NODE_DEATH)
        if counted and sent.payload.seq == due and sent.session != self._session:
            return []
        heard = self.node.take(sent.kind, sent.device, sent.payload, 0.0)
        if sent.kind is Kind.NODE_BIRTH and self.node.in_step:
            self._session = sent.session
        self.shown.extend(heard.shown)
        return heard.shown


def check(shown: list[Shown], sent: list[Sent]) -> None:
    """Each value belongs to the metric that it is given to, and was in a message with that time."""
    given_out = {
        (one.device, metric.value, metric.timestamp)
        for one in sent
        for metric in one.payload.metrics
        if metric.name != "bdSeq"
    }
    for one in shown:
        if one.name == "bdSeq":
            continue
        assert owner(one.value) == (one.device, one.name)
        assert (one.device, one.value, one.at) in given_out


@given(actions)
def test_undisturbed_everything_is_understood(what: list[tuple[str, str]]) -> None:
    """Every value of every message, but for the births of a clock that was set back, which have to be asked for."""
    what = [(action, device) for action, device in what if action != "clock back"]
    sent = list(told(SimulatedEdgeNode(START), what))
    consumer = Consumer()
    for one in sent:
        if one.kind is Kind.NODE_DEATH:
            consumer.take(one)
            continue
        assert len(consumer.take(one)) == len(one.payload.metrics)
        assert not consumer.node.wants_birth
    check(consumer.shown, sent)


@given(actions, st.data())
def test_disturbed_nothing_is_attributed_wrongly(what: list[tuple[str, str]], data: st.DataObject) -> None:
    """Messages are lost, repeated at once and much later, and overtaken; afterwards births mend all."""
    edge = SimulatedEdgeNode(START)
    sent = list(told(edge, what))
    fates = data.draw(st.lists(FATES, min_size=len(sent), max_size=len(sent)), label="fates")
    consumer = Consumer()
    for one in delivered(sent, fates):
        consumer.take(one)
    check(consumer.shown, sent)
    # One birth mends what was missed. After a clock that was set back the first is distrusted, and asks for another.
    for _ in range(3):
        mended = list(edge.births())
        sent += mended
        for one in mended:
            consumer.take(one)
        if not consumer.node.wants_birth:
            break
        assert consumer.node.rebirth_due(math.inf)
    assert consumer.node.in_step
    for device in ("", *DEVICES):
        (one,) = edge.data(device)
        sent.append(one)
        assert {shown.name for shown in consumer.take(one)} == set(NAMES)
    check(consumer.shown, sent)


@given(st.lists(st.floats(0.01, 400.0), max_size=60))
def test_births_are_asked_for_once_in_a_bounded_time(pauses: list[float]) -> None:
    """At once, then after 10 s, 20 s … at most 10 minutes, as long as no birth helps."""
    node = EdgeNode(first_s=10.0, most_s=600.0)
    node.reconnected()
    now, asked, due = 0.0, [0.0], 10.0
    assert node.rebirth_due(now)
    for pause in pauses:
        now += pause
        if node.rebirth_due(now):
            assert now - asked[-1] >= due
            asked.append(now)
            due = min(600.0, 2 * due)
        else:
            assert now - asked[-1] < due
