-- Readings of points; given times are ms since 1970.

-- name: extent
-- From when to when there is any chunk of readings or quarter hours; and before it what the first reading of an interval
-- meter speaks of. What contradicts a reading is of the same moment, so that it lies within.
select (extract(epoch from min(range_start)) * 1000)::int8
        - (select coalesce(max(interval_s), 0) * 1000 from counted_point where quantity = 'interval') as since,
    (extract(epoch from max(range_end)) * 1000)::int8 as until
from timescaledb_information.chunks
where hypertable_schema = 'public' and hypertable_name in ('readings', 'consumption_15min');

-- name: around
-- Raw readings of each dirty stretch of a point, and up to $6 before and after it, all between $4 and $5; with the
-- number of the stretch, from 0. Constants by which chunks are left out: the last and the first beginning of a stretch
-- ($7, $8), the last and the first end ($9, $10).
select (s.number - 1)::int4, r.ts, r.value, r.quality
from (
    select point_id, number, 'epoch'::timestamptz + since * interval '1 ms' as since,
        'epoch'::timestamptz + until * interval '1 ms' as until
    from unnest($1::int4[], $2::int8[], $3::int8[]) with ordinality as g (point_id, since, until, number)
) s
cross join lateral (
    (select ts, value, quality from readings
     where point_id = s.point_id and ts < s.since and ts >= $4 and ts <= $7 order by ts desc limit $6)
    union all
    (select ts, value, quality from readings
     where point_id = s.point_id and ts >= s.since and ts <= s.until and ts >= $8 and ts <= $9)
    union all
    (select ts, value, quality from readings
     where point_id = s.point_id and ts > s.until and ts <= $5 and ts >= $10 order by ts limit $6)
) r

-- name: prepare
-- Where stretches go of which there are too many to write them into a query: made once a session, emptied by every
-- commit, and here for the next.
create temporary table if not exists derivation_spans (
    number int4, point_id int4, since timestamptz, until timestamptz
) on commit delete rows;
delete from derivation_spans;

-- name: within_spans
-- Raw readings of each stretch of a point, both ends included, all between $1 and $2.
select s.number, r.ts, r.value, r.quality
from derivation_spans s
cross join lateral (
    select ts, value, quality from readings
    where point_id = s.point_id and ts >= s.since and ts <= s.until and ts >= $1 and ts <= $2
    offset 0
) r

-- name: conflicts
-- What contradicts readings of each stretch of a point, both ends included.
select (s.number - 1)::int4, c.ts, c.value, c.quality
from (
    select point_id, number, 'epoch'::timestamptz + since * interval '1 ms' as since,
        'epoch'::timestamptz + until * interval '1 ms' as until
    from unnest($1::int4[], $2::int8[], $3::int8[]) with ordinality as g (point_id, since, until, number)
) s
cross join lateral (
    select ts, value, quality from reading_conflicts
    where point_id = s.point_id and ts >= s.since and ts <= s.until
    offset 0
) c
