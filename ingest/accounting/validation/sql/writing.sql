-- name: standing
-- The findings of points $1 and day $2 that stand: those of the month ($3) or those of the day itself.
select point_id, check_id, since, until, severity, detail::text as detail from finding
where point_id = any($1) and day = $2 and (check_id = 'high_low') = $3;

-- name: forget
-- Take findings away, by point, check and beginning.
delete from finding f using unnest($1::int4[], $2::text[], $3::timestamptz[]) as g (point_id, check_id, since)
where f.point_id = g.point_id and f.day = $4 and f.check_id = g.check_id and f.since = g.since;

-- name: write
-- Write findings of day $7.
insert into finding (point_id, day, check_id, since, until, severity, detail)
select point_id, $7, check_id, since, until, severity, detail::jsonb
from unnest($1::int4[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[])
    as f (point_id, check_id, since, until, severity, detail);

-- name: restate
-- Units whose totals rest on points $1, of which something became suspect or ceased to be: their days $2 to $3 are
-- stated anew.
insert into unit_dirty (unit_id, since, until)
select distinct c.unit_id, $2::date, $3::date from counted_point c
where c.point_id = any($1) and c.flow <> 'internal';
