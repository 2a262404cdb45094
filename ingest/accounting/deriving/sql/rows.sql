-- Quarter hours; times are ms since 1970.

-- name: standing
-- The rows in some stretches of points, sorted by (number of the stretch from 0, time), all between $4 and $5.
select (s.number - 1)::int4, c.ts, coalesce(c.quanta, 0), c.quality, c.method, c.flags, c.covered_s, c.ready
from (
    select point_id, number, 'epoch'::timestamptz + since * interval '1 ms' as since,
        'epoch'::timestamptz + until * interval '1 ms' as until
    from unnest($1::int4[], $2::int8[], $3::int8[]) with ordinality as g (point_id, since, until, number)
) s
cross join lateral (
    select * from consumption_15min
    where point_id = s.point_id and ts >= s.since and ts < s.until and ts >= $4 and ts <= $5
    offset 0
) c
order by s.number, c.ts

-- name: prepare
-- Where rows go first that may stand there already: made once a session, emptied by every commit, and here for the next.
create temporary table if not exists derivation_rows (
    point_id int4, ts timestamptz, quanta int8, quality int2, method int2, flags int4, covered_s int2, ready timestamptz
) on commit delete rows;
delete from derivation_rows;

-- name: put
-- Write quarter hours, over those that stand there.
insert into consumption_15min (point_id, ts, quanta, quality, method, flags, covered_s, ready)
select point_id, ts, quanta, quality, method, flags, covered_s, ready from derivation_rows
on conflict (point_id, ts) do update
set (quanta, quality, method, flags, covered_s, ready) = (excluded.quanta, excluded.quality, excluded.method,
    excluded.flags, excluded.covered_s, excluded.ready);

-- name: forget
-- Take quarter hours away, all of them between $3 and $4.
delete from consumption_15min c
using (
    select point_id, 'epoch'::timestamptz + start * interval '1 ms' as ts
    from unnest($1::int4[], $2::int8[]) as g (point_id, start)
) s
where c.point_id = s.point_id and c.ts = s.ts and c.ts >= $3 and c.ts <= $4;

-- name: forget_gaps
-- Take gaps away that reach into some stretches, but for those named: $4, $5.
delete from gap g
using unnest($1::int4[], $2::int8[], $3::int8[]) as s (point_id, since, until)
where g.point_id = s.point_id
    and g.began < 'epoch'::timestamptz + s.until * interval '1 ms'
    and g.ended > 'epoch'::timestamptz + s.since * interval '1 ms'
    and not exists (
        select from unnest($4::int4[], $5::int8[]) as k (point_id, began)
        where k.point_id = g.point_id and 'epoch'::timestamptz + k.began * interval '1 ms' = g.began
    );

-- name: put_gaps
-- Write gaps; what is there and the same is left alone.
insert into gap (point_id, began, ended, quanta)
select point_id, 'epoch'::timestamptz + began * interval '1 ms', 'epoch'::timestamptz + ended * interval '1 ms', quanta
from unnest($1::int4[], $2::int8[], $3::int8[], $4::int8[]) as g (point_id, began, ended, quanta)
on conflict (point_id, began) do update set (ended, quanta) = (excluded.ended, excluded.quanta)
where (gap.ended, gap.quanta) is distinct from (excluded.ended, excluded.quanta);

-- name: mark
-- Mark stretches of points dirty; $2 and $3 are times.
insert into derivation_dirty (batch, points, since, until) values (nextval('batch_id'), $1::int4[], $2, $3);
