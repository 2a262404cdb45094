"""A mapping that is written is read as the same mapping."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from energy.config import decode_toml
from ingest.receiving.sparkplug.mapping_file import MappingFile, MetricEntry, NodeEntry, written

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/+#\0"), min_size=1, max_size=8)
metric_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
scales = st.floats(allow_nan=False, allow_infinity=False).filter(lambda scale: scale != 0)
metrics = st.builds(
    MetricEntry,
    device=st.none() | names,
    metric=metric_names,
    point=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True),
    scale=st.just(1.0) | scales,
)
nodes = st.builds(
    NodeEntry,
    group=names,
    edge_node=names,
    gateway=st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True),
    metrics=st.lists(metrics, max_size=3).map(tuple),
)


@given(st.lists(nodes, max_size=3).map(tuple))
def test_a_written_mapping_is_read_as_the_same(all_nodes: tuple[NodeEntry, ...]) -> None:
    """Quotes, control characters, Chinese, numbers without a point."""
    file = MappingFile(all_nodes)
    assert decode_toml(written(file), MappingFile, "exported.toml") == file
