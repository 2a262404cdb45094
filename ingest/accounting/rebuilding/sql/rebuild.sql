-- Rebuilding: whole stretches of many points, read in the order in which they lie on disk.

-- name: heap_order
-- Read what a portion needs page by page, not point by point: it is sorted afterwards, and a page holds many points.
select set_config('enable_indexscan', 'off', true);

-- name: any_order
-- For the rest of the transaction again as the planner likes.
select set_config('enable_indexscan', 'on', true);

-- name: points
-- Ids of the points of units $1 or of the codes $2, all of them where neither is given; and which codes are no one's.
select (select coalesce(array_agg(point_id order by point_id), '{}') from counted_point c join unit u using (unit_id)
        where ($1::text[] = '{}' and $2::text[] = '{}') or u.code = any($1) or c.code = any($2)) as points,
    array(select code from unnest($1::text[]) code where code not in (select code from unit)) as no_units,
    array(select code from unnest($2::text[]) code where code not in (select code from counted_point)) as no_points;

-- name: inside
-- Raw readings of points $1 in [$2, $3).
select point_id, ts, value, quality from readings
where point_id = any($1::int4[]) and ts >= $2 and ts < $3

-- name: contested
-- What contradicts readings of points $1 in [$2, $3).
select point_id, ts, value, quality from reading_conflicts
where point_id = any($1::int4[]) and ts >= $2 and ts < $3

-- name: neighbours
-- The last $4 raw readings before $2 and the first $4 at or after $3 of points $1.
select p.point_id, r.ts, r.value, r.quality
from unnest($1::int4[]) as p (point_id)
cross join lateral (
    (select ts, value, quality from readings where point_id = p.point_id and ts < $2 order by ts desc limit $4)
    union all
    (select ts, value, quality from readings where point_id = p.point_id and ts >= $3 order by ts limit $4)
) r

-- name: dropped
-- The time before which upkeep has dropped readings; null where it never has.
select max(until) from upkeep_run where relation = 'readings' and action = 'chunks_dropped';

-- name: written
-- How many rows this session has written to each table so far, as its statistics say.
select coalesce(h.hypertable_name, s.relname) as relation, sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::int8 as rows
from pg_stat_xact_user_tables s
left join timescaledb_information.chunks h on h.chunk_schema = s.schemaname and h.chunk_name = s.relname
group by 1;

-- name: waiting
-- How many batches wait to be derived.
select count(*) from derivation_dirty;

-- name: groups
-- How many groups there are.
select count(*) from derivation_group;

-- name: marked_days
-- Days of block $1 that are to be rolled up.
select distinct day from day_dirty where block = $1;
