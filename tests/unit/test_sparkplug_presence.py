"""What is noted of edge nodes while the database is away is written in the end as if it had not been."""

from __future__ import annotations

from energy.sparkplug.edge_nodes import NODE
from energy.sparkplug.topics import NodeId
from ingest.receiving.sparkplug.presence import _Noted, _State

A, B = NodeId("G", "A"), NodeId("G", "B")
UP, DOWN, LATER = _State(True, 1), _State(False, 2), _State(True, 3)


def test_what_came_later_prevails() -> None:
    """Of a device; others stay as they were noted."""
    first = _Noted(None, {}, {A: {NODE: UP, "d": UP, "e": UP}, B: {NODE: UP}})
    both = first.followed_by(_Noted(None, {}, {A: {"d": LATER}}))
    assert both == _Noted(None, {}, {A: {NODE: UP, "d": LATER, "e": UP}, B: {NODE: UP}})


def test_the_death_of_an_edge_node_ends_what_its_devices_said() -> None:
    """A birth of a device that was noted before it must not be written after it."""
    first = _Noted(None, {}, {A: {NODE: UP, "d": UP}, B: {"d": UP}})
    both = first.followed_by(_Noted(None, {A: 2}, {A: {NODE: DOWN}}))
    assert both == _Noted(None, {A: 2}, {A: {NODE: DOWN}, B: {"d": UP}})
    reborn = both.followed_by(_Noted(None, {}, {A: {NODE: LATER, "d": LATER}}))
    assert reborn == _Noted(None, {A: 2}, {A: {NODE: LATER, "d": LATER}, B: {"d": UP}})


def test_when_all_is_forgotten_nothing_from_before_is_written() -> None:
    """The host began anew."""
    first = _Noted(1, {A: 2}, {A: {NODE: DOWN}})
    again = _Noted(5, {}, {B: {NODE: LATER}})
    assert first.followed_by(again) is again
    assert _Noted(1, {}, {}).followed_by(_Noted(None, {}, {A: {NODE: UP}})).forgotten_ms == 1
