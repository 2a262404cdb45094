-- name: meters
-- The meters of units $2 (null: all) that have a point which consumption is derived from, and the latest reading of any of
-- these at $1, in order of their ids.
select m.meter_id, m.code, u.code as unit, u.name_zh as unit_zh, u.name_en as unit_en, m.carrier, m.level::text as level,
    m.name_zh, m.name_en, u.district, u.industry,
    case when max(r.ready) > $1 then $1 else max(r.ready) end as at
from meter m
join unit u using (unit_id)
join counted_point p using (meter_id)
left join lateral (
    select ready from consumption_15min c
    where c.point_id = p.point_id and c.ts < $1::timestamptz order by c.ts desc limit 1
) r on true
where $2::int4[] is null or m.unit_id = any($2)
group by m.meter_id, u.unit_id
order by m.meter_id

-- name: findings
-- Meters of units $2 (null: all) of which checks found something yesterday or today at $1: whether one failed (what is
-- missing is told by completeness), and whether one found the meter stuck.
select p.meter_id, max((f.severity = 'failure' and f.check_id <> 'missing')::int) as suspect,
    max((f.check_id in ('stuck_register', 'stuck_interval', 'zero_run'))::int) as stuck
from finding f
join counted_point p using (point_id)
join unit u using (unit_id)
where f.day between ($1::timestamptz at time zone 'UTC')::date - 2 and ($1::timestamptz at time zone 'UTC')::date + 1
    and f.day between ($1::timestamptz at time zone u.time_zone)::date - 1 and ($1::timestamptz at time zone u.time_zone)::date
    and f.since < $1 and ($2::int4[] is null or p.unit_id = any($2))
group by p.meter_id

-- name: still
-- Whole days in a row up to the last one, at $1, on which meters of units $2 (null: all) stood still while their unit used
-- energy by any other meter; null where the last day is not known, or the register's step is too coarse to tell. below:
-- the meters below it moved on the last one.
with balanced as (
    select distinct on (meter_id) p.meter_id, p.point_id, p.unit_id, u.time_zone as zone,
        ($1::timestamptz at time zone u.time_zone)::date as today
    from counted_point p join unit u using (unit_id)
    where p.flow <> 'sold' and ($2::int4[] is null or p.unit_id = any($2))
    order by meter_id, array_position(array['register', 'net_register', 'interval', 'rate'], p.quantity), p.point_id
),
last_day as (
    select b.*, d.quanta, d.flags
    from balanced b
    join consumption_day d on d.point_id = b.point_id and d.day = b.today - 1
    where d.quality < 4 and d.ready >= day_start(b.today, b.zone)
),
standing as (
    select l.meter_id, n.ago, d.flags & 16384 as coarse
    from last_day l
    cross join generate_series(1, 35) as n (ago)
    join consumption_day d on d.point_id = l.point_id and d.day = l.today - n.ago
    where l.quanta = 0 and d.quanta = 0 and d.quality < 3
        and exists (
            select from consumption_day o join counted_point q using (point_id)
            where q.unit_id = l.unit_id and q.meter_id <> l.meter_id and o.day = l.today - n.ago and o.quanta > 0
        )
        and exists (select from consumption_month m where m.point_id = l.point_id and m.kind = 'month' and m.quanta > 0)
),
in_a_row as (
    select meter_id, count(*) filter (where ago = rank) as days, bool_or(coarse > 0) filter (where ago = rank) as coarse
    from (select *, row_number() over (partition by meter_id order by ago) as rank from standing) ranked
    group by meter_id
)
select l.meter_id, case when not coalesce(s.coarse, false) then coalesce(s.days, 0) end as still_d,
    (coalesce(s.days, 0) > 0 and not s.coarse and exists (
        select from meter below join balanced c on c.meter_id = below.meter_id
        join consumption_day d on d.point_id = c.point_id and d.day = l.today - 1
        where below.parent_id = l.meter_id and d.quanta > 0
    ))::int as below
from last_day l left join in_a_row s using (meter_id)

-- name: changes
-- Meters of units $2 (null: all) that were replaced on record, or whose register restarted or fell with no record that
-- says why, within seven days before $1.
with points as (
    select p.meter_id, p.point_id, u.time_zone as zone, ($1::timestamptz at time zone u.time_zone)::date as today
    from counted_point p join unit u using (unit_id)
    where $2::int4[] is null or p.unit_id = any($2)
),
replacements as (
    select e.point_id, e.since, e.until from edit e
    where e.kind = 'replacement' and e.recorded_at <= $1 and (e.undone_at is null or e.undone_at > $1)
        and e.since <= $1 and e.until > $1::timestamptz - interval '9 days'
)
select p.meter_id,
    max(exists (
        select from replacements r where r.point_id = p.point_id and r.until > $1::timestamptz - interval '7 days'
    )::int) as replaced,
    max((d.flags & 10 > 0 and not exists (
        select from replacements r
        where r.point_id = p.point_id and r.since < day_start(d.day + 1, p.zone) and r.until >= day_start(d.day, p.zone)
    ))::int) as reset
from points p
left join consumption_day d on d.point_id = p.point_id and d.day between p.today - 7 and p.today
group by p.meter_id

-- name: completeness
-- Share of the last whole day at $1 that lies between readings, over the points of meters of units $2 (null: all) that
-- have delivered before. A day that is still being rolled up is not known.
select p.meter_id,
    case when not bool_or(p.behind) then sum(coalesce(d.covered_s, 0)) / nullif(sum(p.due), 0) end as completeness_day
from (
    select p.meter_id, p.point_id, t.today, extract(epoch from t.until - t.since) as due, exists (
            select from day_dirty y
            where y.block = p.point_id / 1000 and y.day between (t.since at time zone 'UTC')::date
                and ((t.until - interval '1 minute') at time zone 'UTC')::date
        ) as behind
    from counted_point p join unit u using (unit_id)
    cross join lateral (select ($1::timestamptz at time zone u.time_zone)::date as today) n
    cross join lateral (
        select n.today, day_start(n.today - 1, u.time_zone) as since, day_start(n.today, u.time_zone) as until
    ) t
    where $2::int4[] is null or p.unit_id = any($2)
) p
left join consumption_day d on d.point_id = p.point_id and d.day = p.today - 1
where d.day is not null or exists (select from consumption_day b where b.point_id = p.point_id and b.day < p.today)
group by p.meter_id

-- name: balance
-- The last whole day at $1 of meters of units $2 (null: all) that have meters below them which measure the same carrier:
-- what they measured less the sum of those, over what they measured; null where one of them is not known.
with balanced as (
    select distinct on (meter_id) p.meter_id, p.point_id, p.carrier, p.quantum, u.time_zone as zone,
        ($1::timestamptz at time zone u.time_zone)::date as today
    from counted_point p join unit u using (unit_id)
    where p.flow <> 'sold' and ($2::int4[] is null or p.unit_id = any($2))
    order by meter_id, array_position(array['register', 'net_register', 'interval', 'rate'], p.quantity), p.point_id
),
used as (
    select b.meter_id, b.carrier, d.quanta * b.quantum as amount
    from balanced b
    left join consumption_day d on d.point_id = b.point_id and d.day = b.today - 1
        and d.quality < 4 and d.ready >= day_start(b.today, b.zone)
)
select above.meter_id,
    case when count(*) = count(below.amount) then (above.amount - sum(below.amount)) / nullif(above.amount, 0) end as balance_gap
from used above
join meter m on m.parent_id = above.meter_id and m.carrier = above.carrier
left join used below on below.meter_id = m.meter_id
group by above.meter_id, above.amount
