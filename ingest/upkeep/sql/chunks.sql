-- Chunks: how large, how many, and how long those to come shall be.

-- name: interval
-- Interval of chunks to come.
select time_interval from timescaledb_information.dimensions where hypertable_name = $1 and column_name = 'ts';

-- name: set_interval
-- Chunks to come get another interval; those that exist keep theirs.
select set_chunk_time_interval($1::text::regclass, $2::interval);

-- name: summary
-- How many chunks there are, how many of them compressed, and what they span.
select count(*) as chunks, count(*) filter (where is_compressed) as compressed, min(range_start) as since,
    max(range_end) as until
from timescaledb_information.chunks where hypertable_name = $1;

-- name: newest
-- Estimated rows and bytes of index of the newest chunks that are counted and large enough to tell bytes per row. Since
-- they were counted they have grown: rows per page then, times pages now, as the planner estimates.
select c.reltuples::float8 * pg_relation_size(c.oid) / (c.relpages * current_setting('block_size')::float8) as rows,
    pg_indexes_size(c.oid)::float8 as index_bytes
from timescaledb_information.chunks k
join pg_class c on c.oid = format('%I.%I', k.chunk_schema, k.chunk_name)::regclass
where k.hypertable_name = $1 and not k.is_compressed and c.reltuples >= $2 and c.relpages > 0
order by k.range_end desc limit 3;

-- name: shared_buffers
-- Memory for all tables and indexes, bytes.
select pg_size_bytes(current_setting('shared_buffers'));

-- name: stored
-- Rows stored from $1 to $2, and when the first of them were.
select coalesce(sum(stored), 0)::float8 as rows, min(committed_at) as since
from ingest_batch where committed_at > $1 and committed_at <= $2;

-- name: counted
-- Points of which consumption is derived.
select count(*) from counted_point;
