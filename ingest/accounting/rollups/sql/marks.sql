-- Which days of which points must be rolled up again.

-- name: mark
-- Mark the UTC days that the given stretches touch, per block of 1000 points, but for those that are marked already: a
-- step that touches what was marked before only reads. Two that mark the same at once make two marks, which is harmless.
insert into day_dirty (block, day)
select distinct s.point_id / 1000 as block, d.first + n as day
from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[]) as s (point_id, since, until)
cross join lateral (
    select (s.since at time zone 'UTC')::date as first,
        ((s.until - interval '1 microsecond') at time zone 'UTC')::date as last
) d
cross join lateral generate_series(0, d.last - d.first) as n
where not exists (
    select from day_dirty m where m.block = s.point_id / 1000 and m.day = d.first + n and not m.taken
)
order by block, day;

-- name: choose
-- Choose up to $4 marked days before the UTC day $1, block after block, beginning after day $3 of block $2, and take all
-- their marks: who changes an interval from now on marks its day anew.
with chosen as (
    select block, day from day_dirty where day < $1 and (block, day) > ($2, $3)
    group by block, day order by block, day limit $4
)
update day_dirty m set taken = true from chosen c
where (m.block, m.day) = (c.block, c.day)
returning m.block, m.day, m.mark_id;

-- name: next_transaction
-- The number that the next transaction to write anything will have.
select pg_snapshot_xmax(pg_current_snapshot())::text::int8;

-- name: have_ended
-- Whether all transactions with numbers below $1 have ended.
select pg_snapshot_xmin(pg_current_snapshot())::text::int8 >= $1;

-- name: lock_block
-- One at a time rolls up a block ("qw_r"); everything that rolls up waits for it here.
select pg_advisory_xact_lock(1903648626, $1);

-- name: kept_from
-- The first UTC day of which all quarter hours, and those of the day before, are kept; null where none was ever dropped.
select (max(until) at time zone 'UTC')::date + 2 from upkeep_run
where relation = 'consumption_15min' and action = 'chunks_dropped';

-- name: settle
-- These marks are dealt with: they alone, since another one may have taken later marks of the same days meanwhile.
delete from day_dirty where mark_id = any($1::int8[]);

-- name: lead
-- Whether this session is the one that rolls up what is marked ("qw_rollu"); it stays so until the session ends.
select exists (
    select from pg_locks where locktype = 'advisory' and granted and pid = pg_backend_pid()
        and (classid::int8 << 32) + objid::int8 = 8176108593614711925 and objsubid = 1
) or pg_try_advisory_lock(8176108593614711925);

-- name: look
-- How many days of blocks wait; how often people edited or undid an edit; the first and the last batch to derive.
select (select count(distinct (block, day)) from day_dirty) as waiting,
    (select count(*) + count(undone_at) from edit) as edits,
    (select min(batch) from derivation_dirty) as first_batch, (select max(batch) from derivation_dirty) as last_batch;
