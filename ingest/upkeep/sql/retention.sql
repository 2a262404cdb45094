-- Raw readings whose time is over.

-- name: oldest_mark
-- The oldest time that accounting has still to derive.
select min(at) from derivation_dirty, unnest(since) as at;

-- name: over
-- The oldest chunks of readings that end at or before $1, at most $2 of them; none where the newest ended before $3.
select since, until from (
    select range_start as since, range_end as until, max(range_end) over () as newest
    from timescaledb_information.chunks where hypertable_name = 'readings'
) chunks
where until <= $1 and newest >= $3 order by until limit $2;

-- name: drop
-- Drop the chunks of readings that end at or before $1.
select count(*) from drop_chunks('readings', older_than => $1::timestamptz);

-- name: seen
-- Where the oldest chunk began when that was last written down.
select until from upkeep_run
where relation = 'readings' and action in ('chunks_seen', 'chunks_dropped') order by run_id desc limit 1;

-- name: forget_conflicts
-- Conflicts of readings that are gone; their view would show them otherwise as if they were all that was ever read.
delete from reading_conflicts where ts < $1;

-- name: forget_flags
-- Likewise flags.
delete from reading_flags where ts < $1;
