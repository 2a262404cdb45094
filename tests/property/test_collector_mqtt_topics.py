"""Patterns of topics match and overlap as MQTT says, checked against plain enumeration."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.drivers.mqtt.topics import PointTemplate, TopicPattern
from collector.errors import MappingError

LETTERS = ("a", "b", "")
TOPICS = ["/".join(levels) for count in (1, 2, 3, 4) for levels in itertools.product(LETTERS, repeat=count)]
TOPICS.remove("")  # MQTT 5.0, section 4.7.3: at least one character

LEVEL = st.sampled_from(["a", "b", "", "+", "{one}"])


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Up to three levels, perhaps with `#` at the end."""
    levels = draw(st.lists(LEVEL, min_size=1, max_size=3).filter(lambda some: some.count("{one}") < 2))
    if draw(st.booleans()):
        levels.append("#")
    return "/".join(levels) or "a"


def expected(pattern: str, topic: str) -> bool:
    """Section 4.7.1 as a regular expression: `#` stands for its parent too."""
    text = re.sub(r"\+|\{one\}", "[^/]*", pattern)
    text = ".*" if text == "#" else re.sub(r"/#$", "(/.*)?", text)
    return re.fullmatch(text, topic) is not None


@given(patterns())
def test_a_pattern_matches_what_its_filter_matches(text: str) -> None:
    """All topics of up to four levels, empty ones among them; the named level is what stands there."""
    pattern = TopicPattern(text)
    for topic in TOPICS:
        named = pattern.match(topic)
        assert (named is not None) == expected(text, topic), topic
        assert (TopicPattern(pattern.filter).match(topic) is not None) == (named is not None)
        if named:
            assert named == {"one": topic.split("/")[text.split("/").index("{one}")]}


@given(patterns(), patterns())
def test_patterns_overlap_where_a_topic_is_meant_by_both(one: str, two: str) -> None:
    """Both ways round."""
    common = any(expected(one, topic) and expected(two, topic) for topic in TOPICS)
    # Two may have the empty topic in common, such as `/#` and `+`; there is none (MQTT 5.0, section 4.7.3).
    assume(common or not (expected(one, "") and expected(two, "")))
    assert TopicPattern(one).overlaps(TopicPattern(two)) is common
    assert TopicPattern(two).overlaps(TopicPattern(one)) is common


def test_topics_of_the_broker_itself_are_not_matched_by_wildcards() -> None:
    """MQTT 5.0, section 4.7.2: `$SYS` and the like have to be named."""
    assert TopicPattern("#").match("$SYS/uptime") is None
    assert TopicPattern("+/uptime").match("$SYS/uptime") is None
    assert TopicPattern("$SYS/{what}").match("$SYS/uptime") == {"what": "uptime"}


@given(st.text(max_size=70))
def test_a_template_gives_a_code_or_is_refused(level: str) -> None:
    """Whatever stands in the topic, what comes out is a point's code."""
    template = PointTemplate("E-{line}", frozenset({"line"}))
    if re.fullmatch(r"[A-Za-z0-9._-]{0,62}", level):
        assert template.fill({"line": level}) == f"E-{level}"
    else:
        with pytest.raises(MappingError, match="is no point code"):
            template.fill({"line": level})
