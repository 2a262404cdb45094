"""One rule each of what is known of an edge node."""

from __future__ import annotations

import pytest

from energy.sparkplug.datatypes import DataType
from energy.sparkplug.edge_nodes import EdgeNode, Heard
from energy.sparkplug.payload import Metric, Payload
from energy.sparkplug.topics import Kind, NodeId, Source, parse_topic
from tests.support.edge_node import NAMES, Sent, SimulatedEdgeNode

START = 1_771_898_400_000


class Link:
    """An edge node and a consumer of it."""

    def __init__(self) -> None:
        self.edge = SimulatedEdgeNode(START)
        self.node = EdgeNode()
        self.now = 0.0
        self.feed(*self.edge.start())

    def feed(self, *sent: Sent) -> list[Heard]:
        """Let messages come."""
        return [self.node.take(one.kind, one.device, one.payload, self.now) for one in sent]

    def understood(self, *sent: Sent) -> list[str]:
        """The names of the metrics that are understood in messages that come."""
        return [shown.name for heard in self.feed(*sent) for shown in heard.shown]

    def reasons(self, *sent: Sent) -> set[str]:
        """Why something in messages that come is not understood."""
        return {fault.reason for heard in self.feed(*sent) for fault in heard.faults}


@pytest.fixture
def link() -> Link:
    """Births have come."""
    return Link()


def test_aliases_mean_what_the_births_said(link: Link) -> None:
    """Of the edge node and of each device."""
    for device in ("", "meter-1", "meter-2"):
        assert link.understood(*link.edge.data(device)) == list(NAMES)
    assert link.node.in_step
    assert not link.node.wants_birth


def test_seq_goes_round(link: Link) -> None:
    """After 255 comes 0, which is no gap."""
    for _ in range(600):
        assert link.understood(*link.edge.data("meter-1")) == list(NAMES)
    assert not link.node.wants_birth


def test_after_a_gap_aliases_mean_nothing_and_names_do(link: Link) -> None:
    """The lost message may have been a birth; a metric that says all itself is understood all the same."""
    list(link.edge.data("meter-1"))
    assert link.reasons(*link.edge.data("meter-1")) == {"unborn"}
    assert link.understood(*link.edge.data("meter-1", by_name=True)) == list(NAMES)
    assert link.node.wants_birth
    link.feed(*link.edge.births())
    assert link.understood(*link.edge.data("meter-1")) == list(NAMES)
    assert not link.node.wants_birth


def test_a_lost_birth_of_a_device_is_noticed(link: Link) -> None:
    """Its aliases have changed."""
    list(link.edge.rebirth_of("meter-1"))
    assert link.understood(*link.edge.data("meter-1")) == []
    assert link.node.wants_birth


def test_messages_that_change_places_are_a_gap(link: Link) -> None:
    """Births are asked for; nothing is held back."""
    (one,), (two,) = link.edge.data("meter-1"), link.edge.data("meter-2")
    assert link.understood(two, one) == []
    assert link.node.wants_birth


def test_a_message_that_comes_twice_is_no_gap(link: Link) -> None:
    """It is passed over."""
    (one,) = link.edge.data("meter-1")
    assert link.understood(one, one) == list(NAMES)
    assert not link.node.wants_birth


def test_data_before_any_birth_ask_for_one() -> None:
    """A consumer that comes later than the edge node."""
    link = Link()
    link.node = EdgeNode()
    assert link.reasons(*link.edge.data("meter-1")) == {"unborn"}
    assert link.node.rebirth_due(0.0)


def test_a_device_that_was_not_born_in_this_session_means_nothing(link: Link) -> None:
    """A birth of the edge node ends what its devices said before."""
    births = list(link.edge.births())
    link.feed(births[0])
    data = Sent(
        Kind.DEVICE_DATA, "meter-1", Payload(timestamp=START + 9_000, seq=1, metrics=(Metric(alias=10, value=1),)), 2
    )
    assert link.reasons(data) == {"unborn"}


def test_an_unknown_alias_asks_for_births(link: Link) -> None:
    """And so does one that stands for two names: it could be either."""
    next_seq = 3
    data = Payload(timestamp=START + 9_000, seq=next_seq, metrics=(Metric(alias=77, timestamp=1, value=1),))
    assert link.reasons(Sent(Kind.NODE_DATA, "", data, 1)) == {"alias"}
    assert link.node.wants_birth
    twice = [Metric(name=name, alias=1, datatype=DataType.INT64, value=1) for name in NAMES]
    link.feed(Sent(Kind.NODE_BIRTH, "", Payload(timestamp=START + 9_001, seq=0, metrics=tuple(twice)), 2))
    data = Payload(timestamp=START + 9_002, seq=1, metrics=(Metric(alias=1, timestamp=1, value=1),))
    assert link.reasons(Sent(Kind.NODE_DATA, "", data, 2)) == {"alias"}


def test_a_late_birth_gives_no_alias_its_old_meaning(link: Link) -> None:
    """Data would fit its seq: it is distrusted, and births are asked for."""
    old = list(link.edge.births())
    new = list(link.edge.births())
    link.feed(*new, old[0])
    assert not link.node.in_step
    assert link.node.wants_birth
    assert link.understood(*link.edge.data("")) == []


def test_a_clock_that_was_set_back_takes_two_births(link: Link) -> None:
    """The first is distrusted, the second is newer than it."""
    link.edge.now_ms -= 3_600_000
    link.feed(*link.edge.births())
    assert link.node.wants_birth
    link.feed(*link.edge.births())
    assert link.node.in_step
    assert link.understood(*link.edge.data("meter-1")) == list(NAMES)


def test_data_sent_before_a_birth_are_not_read_by_it(link: Link) -> None:
    """Brokers keep the order of each topic only: here the seq fits by chance."""
    (early,) = link.edge.data("")
    link.feed(*link.edge.births())
    fitting = Sent(early.kind, "", Payload(timestamp=early.payload.timestamp, seq=3, metrics=early.payload.metrics), 1)
    assert link.understood(fitting) == []
    assert link.node.wants_birth


def test_a_birth_that_comes_twice_changes_nothing(link: Link) -> None:
    """The messages since then still count."""
    births = list(link.edge.births())
    link.feed(*births, *link.edge.data("meter-1"), births[0])
    assert link.understood(*link.edge.data("meter-1")) == list(NAMES)


def test_deaths_tell_who_is_gone(link: Link) -> None:
    """A device alone, or the edge node with all; nobody is asked then."""
    death, birth = link.edge.rebirth_of("meter-2")
    (heard,) = link.feed(death)
    assert heard.dead == ["meter-2"]
    link.feed(birth)
    (heard,) = link.feed(*link.edge.death())
    assert heard.dead == [""]
    assert not link.node.wants_birth
    link.feed(*link.edge.start())
    assert link.understood(*link.edge.data("meter-1")) == list(NAMES)


def test_a_device_that_died_says_nothing_until_it_is_born_again(link: Link) -> None:
    """Its aliases are void, though no message was missed."""
    death, _ = link.edge.rebirth_of("meter-2")
    data = Payload(timestamp=START + 9_000, seq=4, metrics=(Metric(alias=20, timestamp=1, value=1),))
    assert link.reasons(death, Sent(Kind.DEVICE_DATA, "meter-2", data, 1)) == {"unborn"}


def test_a_dead_edge_node_is_not_asked(link: Link) -> None:
    """Whatever was missed before: nobody is there to answer."""
    list(link.edge.data("meter-1"))
    link.feed(*link.edge.data("meter-1"))
    assert link.node.wants_birth
    link.feed(*link.edge.death())
    assert not link.node.wants_birth


def test_the_will_of_an_earlier_connection_kills_nobody(link: Link) -> None:
    """Its bdSeq is not that of the last birth."""
    late = list(link.edge.death())
    link.feed(*link.edge.start())
    (heard,) = link.feed(*late)
    assert heard.dead == []
    assert link.understood(*link.edge.data("meter-1")) == list(NAMES)


def test_a_value_of_a_birth_without_a_time_is_none(link: Link) -> None:
    """It may be of any age; of data the payload's time serves, but not for what was kept."""
    name = Metric(name="x", alias=5, datatype=DataType.INT64, value=1)
    birth = Payload(timestamp=START + 9_000, seq=0, metrics=(name,))
    assert link.understood(Sent(Kind.NODE_BIRTH, "", birth, 2)) == []
    kept = Metric(alias=5, is_historical=True, value=2)
    data = Payload(timestamp=START + 9_001, seq=1, metrics=(Metric(alias=5, value=3), kept))
    (heard,) = link.feed(Sent(Kind.NODE_DATA, "", data, 2))
    assert [(shown.value, shown.at) for shown in heard.shown] == [(3, START + 9_001)]


def test_historical_values_keep_their_times(link: Link) -> None:
    """And do not pass for the present."""
    (sent,) = link.edge.data("meter-1", historical=True)
    (heard,) = link.feed(sent)
    assert [shown.at for shown in heard.shown] == [metric.timestamp for metric in sent.payload.metrics]
    assert not any(shown.live for shown in heard.shown)


def test_a_steady_edge_node_is_asked_at_once_again(link: Link) -> None:
    """The pause grows only as long as births do not help for a minute."""
    for moment in (0.0, 10.0, 30.0, 70.0, 150.0, 310.0):
        link.node._miss()
        assert link.node.rebirth_due(moment)
    link.now = 311.0
    link.feed(*link.edge.births())
    link.node._miss()
    assert not link.node.rebirth_due(370.0)
    assert link.node.rebirth_due(372.0)


def test_a_new_connection_asks_at_once(link: Link) -> None:
    """Whatever was asked before: the answer may have been missed."""
    link.node._miss()
    assert link.node.rebirth_due(0.0)
    assert not link.node.rebirth_due(1.0)
    link.node.reconnected()
    assert link.node.rebirth_due(1.0)


@pytest.mark.parametrize(
    ("topic", "source"),
    [
        ("spBv1.0/G/NBIRTH/E", Source(NodeId("G", "E"), Kind.NODE_BIRTH, "")),
        ("spBv1.0/G/DDATA/E/D", Source(NodeId("G", "E"), Kind.DEVICE_DATA, "D")),
        ("spBv1.0/G/NCMD/E", None),
        ("spBv1.0/G/DDATA/E", None),
        ("spBv1.0/G/NDATA/E/D", None),
        ("spBv1.0/STATE/host", None),
        ("spBv1.0/G/DDATA/E/D/F", None),
        ("spAv1.0/G/NBIRTH/E", None),
    ],
)
def test_topics_tell_who_says_what(topic: str, source: Source | None) -> None:
    """Commands and what does not belong to the namespace are passed over."""
    assert parse_topic(topic) == source


@pytest.mark.parametrize(
    ("quality", "is_null", "live"), [(None, False, True), (192, False, True), (0, True, True), (500, True, False)]
)
def test_only_a_good_value_is_one(link: Link, quality: int | None, *, is_null: bool, live: bool) -> None:
    """A bad one is a guess; a stale one is the last that there was, and shows no life."""
    metric = Metric(name="m", timestamp=START, datatype=DataType.INT64, value=7, quality=quality)
    data = Payload(timestamp=START, seq=3, metrics=(metric,))
    (heard,) = link.feed(Sent(Kind.DEVICE_DATA, "meter-1", data, 1))
    assert [(one.is_null, one.live) for one in heard.shown] == [(is_null, live)]
