-- name: meters
-- What estimation must know of points: their zone, their quantum, and the point of their check meter, which is the one
-- of the same carrier that fits best (same quantity, then class of points); where two fit alike, none. Not by flow:
-- the points of a check meter count in no balance. The registry's triggers mark gaps when any of this changes.
with asked as (
    select c.point_id, c.carrier, c.quantity, c.class, c.check_id, c.quantum, u.time_zone
    from counted_point c join unit u using (unit_id)
    where c.point_id = any($1::int4[])
),
candidates as (
    select a.point_id, o.point_id as check_point, o.quantum as check_quantum,
        rank() over (partition by a.point_id order by o.quantity = a.quantity desc, o.class = a.class desc) as place
    from asked a join counted_point o on o.meter_id = a.check_id and o.carrier = a.carrier
),
chosen as (
    select point_id, min(check_point) as check_point, min(check_quantum) as check_quantum
    from candidates where place = 1 group by point_id having count(*) = 1
)
select a.point_id, a.time_zone, a.quantum, c.check_point, c.check_quantum
from asked a left join chosen c using (point_id);

-- name: measured
-- What was measured in each span, for binary COPY: whole quarter hours of which nothing is estimated, substituted or
-- set by a person. Quarter hours are numbered from 1970. $4, $5: the span that holds all spans, so that chunks outside
-- it are not even opened; $6: quarter hours with as many quanta are not used.
select s.point_id, (extract(epoch from c.ts) / 900)::int8 as quarter, c.quanta
from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[]) as s (point_id, since, until)
cross join lateral (
    select ts, quanta from consumption_15min
    where point_id = s.point_id and ts >= s.since and ts < s.until and ts >= $4 and ts < $5
        and quality = 0 and method <= 2 and covered_s = 900 and quanta > -$6::int8 and quanta < $6::int8
    offset 0
) c

-- name: dependents
-- Gaps whose course may rest on what changed: of the same point, where it began within $4 after the change; of points
-- whose check meter's it is, where it overlaps ($5: no gap that uses one is longer). Times are ms since 1970.
with changed as (
    select point_id, 'epoch'::timestamptz + since * interval '1 ms' as since,
        'epoch'::timestamptz + until * interval '1 ms' as until
    from unnest($1::int4[], $2::int8[], $3::int8[]) as c (point_id, since, until)
)
select g.point_id, g.began, g.ended
from changed c join gap g on g.point_id = c.point_id and g.began > c.since and g.began < c.until + $4::interval
union
select g.point_id, g.began, g.ended
from changed c
join point p on p.point_id = c.point_id
join meter m on m.check_id = p.meter_id
join point q on q.meter_id = m.meter_id
join gap g on g.point_id = q.point_id and g.began < c.until and g.ended > c.since and g.began > c.since - $5::interval
order by point_id, began;
