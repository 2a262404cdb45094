-- name: points
-- The points to judge: those of $1 and all others of their meters, and of the meters above: what they show bears on them.
with concerned as (
    select meter_id from point where point_id = any($1)
    union
    select m.parent_id from point p join meter m using (meter_id) where p.point_id = any($1) and m.parent_id is not null
)
select c.point_id, c.meter_id, c.unit_id, c.carrier, c.level, c.quantity, c.unit, c.quantum::float8 as quantum,
    c.interval_s, c.max_rate, c.resolution, c.float32, c.class, c.flow, p.low, p.high, u.time_zone
from counted_point c
join point p using (point_id)
join unit u using (unit_id)
where c.meter_id in (select meter_id from concerned)
order by c.point_id;

-- name: children
-- The points of the meters below those of $1.
select m.parent_id, c.point_id, c.meter_id, c.level, c.quantity, c.flow, c.quantum::float8 as quantum, c.resolution
from meter m join counted_point c using (meter_id)
where m.parent_id = any($1)
order by c.point_id;

-- name: siblings
-- Points of the meters $1 that show one of the quantities $2.
select point_id, meter_id, quantity, unit from point
where meter_id = any($1) and quantity = any($2)
order by point_id;

-- name: intervals
-- Intervals of the points $1 from $2 up to $3, the points numbered from 0; for binary COPY.
-- offset 0 keeps each point's part apart, so that it reaches the index.
select (s.number - 1)::int4, c.ts, coalesce(c.quanta, 0), c.quality, c.flags, c.method, c.covered_s
from unnest($1::int4[]) with ordinality as s (point_id, number)
cross join lateral (
    select * from consumption_15min i
    where i.point_id = s.point_id and i.ts >= $2::timestamptz and i.ts < $3::timestamptz
    offset 0
) c

-- name: readings
-- Effective readings with a value of the points $1 from $2 to $3, both ends included, sorted by (number of the point
-- from 0, time); for binary COPY.
select (s.number - 1)::int4, e.ts, e.value, e.quality
from unnest($1::int4[]) with ordinality as s (point_id, number)
cross join lateral (
    select r.ts, r.value, r.quality from readings_effective r
    where r.point_id = s.point_id and r.ts between $2::timestamptz and $3::timestamptz and r.quality <> 3
    offset 0
) e
order by s.number, e.ts

-- name: ends
-- The same, but of each point only the first and the last reading.
select (s.number - 1)::int4, e.ts, e.value, e.quality
from unnest($1::int4[]) with ordinality as s (point_id, number)
cross join lateral (
    (select r.ts, r.value, r.quality from readings_effective r
     where r.point_id = s.point_id and r.ts between $2::timestamptz and $3::timestamptz and r.quality <> 3
     order by r.ts limit 1)
    union
    (select r.ts, r.value, r.quality from readings_effective r
     where r.point_id = s.point_id and r.ts between $2::timestamptz and $3::timestamptz and r.quality <> 3
     order by r.ts desc limit 1)
) e
order by s.number, e.ts

-- name: contested
-- Keys of the points $1 from $2 up to $3 for which several values came.
select point_id, ts from reading_conflicts
where point_id = any($1) and ts >= $2 and ts < $3
group by point_id, ts order by point_id, ts;

-- name: seen
-- Per quarter hour the mean and the greatest magnitude of what the points $1 showed from $2 up to $3; for binary COPY.
select (s.number - 1)::int4, e.slot, e.mean, e.most
from unnest($1::int4[]) with ordinality as s (point_id, number)
cross join lateral (
    select date_bin('15 minutes', r.ts, 'epoch') as slot, avg(r.value) as mean, max(abs(r.value)) as most
    from readings_effective r
    where r.point_id = s.point_id and r.ts >= $2::timestamptz and r.ts < $3::timestamptz
        and r.quality <> 3 and r.value <> 'NaN'
    group by 1
) e

-- name: horizon
-- Up to where intervals of units $1 are known, among the points of blocks $2, between $3 and $4. Of the last slot only
-- what is covered whole counts: others may be a moment late.
select h.unit_id, h.block, max(last.known_until) as known_until
from unnest($1::int4[], $2::int4[]) as h (unit_id, block)
join counted_point c on c.unit_id = h.unit_id and c.point_id between h.block * 1000 and h.block * 1000 + 999
cross join lateral (
    select i.ts + case when i.covered_s = 900 then interval '15 minutes' else interval '0' end as known_until
    from consumption_15min i
    where i.point_id = c.point_id and i.ts >= $3 and i.ts < $4
    order by i.ts desc limit 1
) last
group by h.unit_id, h.block;

-- name: before
-- Use of the points $1 in the spans $2 to $3, moved back by $4 weeks of the zone's clock $5; numbered from 0. Only spans of which every
-- slot was measured.
select (s.number - 1)::int4 as number, c.quanta
from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[], $4::int4[])
    with ordinality as s (point_id, since, until, weeks, number)
cross join lateral (
    select
        ((s.since at time zone $5) - make_interval(weeks => s.weeks)) at time zone $5 as since,
        ((s.until at time zone $5) - make_interval(weeks => s.weeks)) at time zone $5 as until
) w
cross join lateral (
    select sum(i.quanta)::int8 as quanta, count(*) filter (where i.quality = 0) as measured
    from consumption_15min i
    where i.point_id = s.point_id and i.ts >= w.since and i.ts < w.until
) c
where c.measured * interval '15 minutes' >= w.until - w.since
order by s.number;

-- name: usage
-- Whole days known of the points $1 and their use in quanta, in three periods that begin at $2 and end before $3: in the
-- first one up to its last such day, in the others as many days from their beginning. $4: seconds of a whole day.
select (s.number - 1)::int4 as number, period.number::int4 as period, count(*)::int4 as days,
    sum(d.quanta)::int8 as quanta, max(d.day) as last
from unnest($1::int4[]) with ordinality as s (point_id, number)
cross join lateral (
    select max(day) - ($2::date[])[1] + 1 as days from consumption_day t
    where t.point_id = s.point_id and t.day >= ($2::date[])[1] and t.day < ($3::date[])[1]
        and t.covered_s >= $4 and t.quanta is not null
) so_far
cross join unnest($2::date[], $3::date[]) with ordinality as period (first, beyond, number)
join consumption_day d on d.point_id = s.point_id and d.day >= period.first
    and d.day < least(period.beyond, period.first + so_far.days) and d.covered_s >= $4 and d.quanta is not null
group by s.number, period.number;
