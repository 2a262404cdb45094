-- Raw readings whose time is over.

-- name: oldest_mark
-- The oldest time that accounting has still to derive; a mark of all time counts as very old.
select min(greatest(at, '0002-01-01Z')) from derivation_dirty, unnest(since) as at;

-- name: oldest_open
-- The oldest time in which derived rows have still to change: marks to derive, days to roll up, days of units.
select least(
    (select min(greatest(at, '0002-01-01Z')) from derivation_dirty, unnest(since) as at),
    (select min(day)::timestamp at time zone 'UTC' from day_dirty),
    (select min(greatest(since, '0002-01-01'))::timestamp at time zone 'UTC' from unit_dirty)
);

-- name: over
-- The oldest chunks of $4 that end at or before $1, at most $2 of them; none where the newest ended before $3.
select since, until from (
    select range_start as since, range_end as until, max(range_end) over () as newest
    from timescaledb_information.chunks where hypertable_name = $4
) chunks
where until <= $1 and newest >= $3 order by until limit $2;

-- name: drop
-- Drop the chunks of $2 that end at or before $1.
select count(*) from drop_chunks($2::text::regclass, older_than => $1::timestamptz);

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
