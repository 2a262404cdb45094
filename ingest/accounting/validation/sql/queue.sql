-- name: zones
-- The time zones of the units whose points are in blocks $1.
select distinct b.block, u.time_zone
from unnest($1::int4[]) as b (block)
join point p on p.point_id between b.block * 1000 and b.block * 1000 + 999
join meter m using (meter_id)
join unit u using (unit_id);

-- name: mark
-- Days $2 of block $1 are to be judged, at once ($3) or as their turn comes; in one order, so that two who mark do not
-- wait for each other in a circle.
insert into validation_day as v (block, day, marked, at_once)
select $1, day, true, $3 from unnest($2::date[]) as m (day) order by day
on conflict (block, day) do update set marked = true, at_once = v.at_once or $3
where not v.marked or (not v.at_once and $3);

-- name: take
-- Take a marked day from $4 up to $1 that nobody else has taken, and that is to be judged at once, is over in all zones,
-- or was not judged since data time $2: of these kinds the first, then what has waited, then the newest. It was judged
-- at data time $3 then.
update validation_day v set marked = false, at_once = false, judged_at = $3
from (
    select block, day from validation_day
    where marked and day between $4 and $1 and (
        at_once or (judged_at <= $2) is not false
        or day < (select min(($3 at time zone time_zone)::date) from unit)
    )
    order by at_once desc, ((judged_at <= $2) is not false) desc, day desc, block limit 1 for update skip locked
) t
where v.block = t.block and v.day = t.day
returning v.block, v.day;

-- name: points
-- The points of block $1.
select point_id from point where point_id between $1 * 1000 and $1 * 1000 + 999 order by point_id;

-- name: judged
-- Say by what a day of a block was judged.
update validation_day set fingerprint = $3 where block = $1 and day = $2;

-- name: fingerprints
-- What the findings of each block of $1 rest on beside intervals and readings: parameters ($2) and registry.
select b.block, hashtextextended(coalesce(string_agg(concat_ws('|', p.point_id, p.quantity, p.unit, p.quantum,
    p.interval_s, p.low, p.high, p.max_rate, p.flow, p.resolution, p.float32, p.class, m.meter_id, m.carrier, m.level,
    m.parent_id, u.unit_id, u.time_zone), ';' order by p.point_id), ''), $2) as fingerprint
from unnest($1::int4[]) as b (block)
left join (point p join meter m using (meter_id) join unit u using (unit_id))
    on p.point_id between b.block * 1000 and b.block * 1000 + 999
group by b.block;

-- name: blocks
-- Blocks of which days were judged.
select distinct block from validation_day where fingerprint is not null order by block;

-- name: again
-- Mark days from $3 on that were judged by something else than the fingerprints $2 of their blocks $1.
with found as (
    update validation_day v set marked = true
    from unnest($1::int4[], $2::int8[]) as f (block, fingerprint)
    where v.block = f.block and v.day >= $3 and v.fingerprint <> f.fingerprint and not v.marked
    returning 1
)
select count(*) from found;

-- name: waiting
-- How many days from $2 up to $1 are marked.
select count(*) from validation_day where marked and day between $2 and $1;
