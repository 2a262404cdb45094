"""Messages that change places within the reorder timeout are understood as if they had not; nothing is mistaken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from energy.sparkplug.edge_nodes import EdgeNode, Heard, Shown
from energy.sparkplug.topics import Kind
from ingest.receiving.sparkplug.ordering import MOST_HELD, MOST_HELD_BYTES, Arrived, Ordering, Told
from tests.support.edge_node import DEVICES, NAMES, Sent, SimulatedEdgeNode, owner

START = 1_771_898_400_000
TIMEOUT_S = 2.0


class Receiver:
    """The consumer under test, with all that came out of it."""

    def __init__(self) -> None:
        self.ordering = Ordering(EdgeNode(), TIMEOUT_S)
        self.now = 0.0
        self.told: list[Told] = []

    def take(self, sent: Sent, *, wanted: bool = True) -> None:
        """A message comes."""
        self.told += self.ordering.take(Arrived(sent.kind, sent.device, sent.payload, b"", wanted), self.now)

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds
        self.told += self.ordering.expire(self.now)

    @property
    def shown(self) -> list[Shown]:
        """All that was understood."""
        return [one for told in self.told for one in told.heard.shown if one.name != "bdSeq"]


def session(edge: SimulatedEdgeNode, actions: list[tuple[str, str]]) -> list[Sent]:
    """Births, then data and rebirths of devices."""
    sent = list(edge.start())
    for action, device in actions:
        sent += edge.rebirth_of(device or DEVICES[0]) if action == "reborn" else edge.data(device)
    return sent


actions = st.lists(
    st.tuples(st.sampled_from(["data", "data", "data", "reborn"]), st.sampled_from(["", *DEVICES])), max_size=20
)
shifts = st.lists(st.floats(0, 3.5), min_size=60, max_size=60)


@given(actions, shifts)
def test_what_changes_places_in_time_is_understood_in_order(what: list[tuple[str, str]], late: list[float]) -> None:
    """Every value of every message, in the order of the edge node, and nobody is asked for births."""
    sent = session(SimulatedEdgeNode(START), what)
    undisturbed, disturbed = Receiver(), Receiver()
    for one in sent:
        undisturbed.take(one)
    # The birth of the edge node comes first: without it there is no number to wait for.
    places = [(0.0, 0)] + [(at + late[at % 60], at) for at in range(1, len(sent))]
    for _, at in sorted(places):
        disturbed.take(sent[at])
    assert disturbed.shown == undisturbed.shown
    assert not disturbed.ordering.node.wants_birth
    assert not disturbed.ordering.waits


@given(
    actions,
    shifts,
    st.lists(st.booleans(), min_size=60, max_size=60),
    st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_what_is_lost_mistakes_nothing(
    what: list[tuple[str, str]], late: list[float], kept: list[bool], pauses: list[bool]
) -> None:
    """Some are lost, some come late, time-outs end in between: no value is given to another metric; births mend all."""
    edge = SimulatedEdgeNode(START)
    sent = session(edge, what)
    receiver = Receiver()
    for _, at in sorted((at + late[at % 60], at) for at in range(len(sent)) if kept[at % 60]):
        receiver.take(sent[at])
        if pauses[at % 60]:
            receiver.wait(TIMEOUT_S)
    receiver.wait(TIMEOUT_S)
    assert not receiver.ordering.waits
    for one in receiver.shown:
        assert owner(one.value) == (one.device, one.name)
    for birth in edge.births():
        receiver.take(birth)
    for device in ("", *DEVICES):
        (data,) = edge.data(device)
        before = len(receiver.shown)
        receiver.take(data)
        assert [one.name for one in receiver.shown[before:]] == list(NAMES)


def test_what_waits_is_bounded() -> None:
    """With one message more than may wait, the first one counts as lost."""
    edge, receiver = SimulatedEdgeNode(START), Receiver()
    for one in edge.start():
        receiver.take(one)
    list(edge.data(""))
    for _ in range(MOST_HELD):
        receiver.take(*edge.data("meter-1", by_name=True))
    before = len(receiver.shown)
    assert before == len(NAMES) * (1 + len(DEVICES))
    receiver.take(*edge.data("meter-1", by_name=True))
    assert not receiver.ordering.waits
    assert len(receiver.shown) - before == len(NAMES) * (MOST_HELD + 1)
    assert receiver.ordering.node.wants_birth


def test_large_messages_that_wait_are_bounded_too() -> None:
    """By their bytes, long before there are too many."""
    edge, receiver = SimulatedEdgeNode(START), Receiver()
    for one in edge.start():
        receiver.take(one)
    list(edge.data(""))
    body = bytes(MOST_HELD_BYTES // 4)
    for waits in (True, True, True, True, False):
        (one,) = edge.data("meter-1", by_name=True)
        receiver.told += receiver.ordering.take(Arrived(one.kind, one.device, one.payload, body, True), 0.0)
        assert receiver.ordering.waits is waits


def test_the_timer_begins_anew_with_the_next_gap() -> None:
    """What was missing came; the next that is missing has the whole time again."""
    edge, receiver = SimulatedEdgeNode(START), Receiver()
    for one in edge.start():
        receiver.take(one)
    messages = [one for _ in range(4) for one in edge.data("meter-1")]
    receiver.take(messages[1])
    receiver.take(messages[3])
    receiver.wait(0.9 * TIMEOUT_S)
    receiver.take(messages[0])
    receiver.wait(0.9 * TIMEOUT_S)
    assert receiver.ordering.waits
    assert not receiver.ordering.node.wants_birth
    receiver.take(messages[2])
    assert len(receiver.shown) == len(NAMES) * (1 + len(DEVICES) + 4)


def test_data_of_unwanted_devices_are_counted_only() -> None:
    """Their aliases are known to nobody; that is no reason to ask for births."""
    edge, receiver = SimulatedEdgeNode(START), Receiver()
    for one in edge.start():
        receiver.take(one, wanted=one.device != "meter-2")
    for device in ("meter-2", "meter-1", "meter-2", "meter-1"):
        receiver.take(*edge.data(device), wanted=device != "meter-2")
    assert not receiver.ordering.node.wants_birth
    assert {one.device for one in receiver.shown} == {"", "meter-1"}
    (death, _birth) = edge.rebirth_of("meter-2")
    receiver.take(death, wanted=False)
    assert receiver.told[-1].heard == Heard([], [], ["meter-2"])


def test_a_death_lets_nothing_wait() -> None:
    """What came too early is told before it: nothing is told of a dead edge node afterwards."""
    edge, receiver = SimulatedEdgeNode(START), Receiver()
    for one in edge.start():
        receiver.take(one)
    list(edge.data(""))
    receiver.take(*edge.data("meter-1", by_name=True))
    receiver.take(*edge.death())
    assert [told.arrived.kind for told in receiver.told[-2:]] == [Kind.DEVICE_DATA, Kind.NODE_DEATH]
    assert not receiver.ordering.node.wants_birth
