-- Rows of a block of points, read and written by binary COPY; what must change is found in between.
-- -2^63 stands for null.

-- name: calendars
-- The points $1 <= id < $2 with the zone of their unit, and the day on which its statistics month begins.
select p.point_id, u.time_zone as zone, u.statistics_day
from point p join meter m using (meter_id) join unit u using (unit_id)
where p.point_id >= $1 and p.point_id < $2 order by p.point_id;

-- name: read_quarter_hours
-- Quarter hours of points $1 <= id < $2 in [$3, $4).
select point_id, ts, coalesce(quanta, -9223372036854775808), quality, covered_s::int4, flags, ready
from consumption_15min where point_id >= $1 and point_id < $2 and ts >= $3 and ts < $4

-- name: failing
-- Spans of points $1 <= id < $2 in which a check failed, as far as they reach into [$3, $4); seconds since 1970.
select point_id, floor(extract(epoch from since))::int8 as since, ceil(extract(epoch from until))::int8 as until
from failing_span where point_id >= $1 and point_id < $2 and until > $3 and since < $4;

-- name: read_hours
-- Likewise hours.
select point_id, ts, coalesce(quanta, -9223372036854775808), quality, covered_s, flags, ready
from consumption_hour where point_id >= $1 and point_id < $2 and ts >= $3 and ts < $4

-- name: read_days
-- Likewise days.
select point_id, day, coalesce(quanta, -9223372036854775808), quality, covered_s, flags, ready
from consumption_day where point_id >= $1 and point_id < $2 and day >= $3 and day < $4

-- name: read_months
-- Likewise months of kind $5.
select point_id, month, coalesce(quanta, -9223372036854775808), quality, covered_s, flags, ready
from consumption_month where point_id >= $1 and point_id < $2 and month >= $3 and month < $4 and kind = $5

-- name: change_hours
-- Hours as they shall be; $2: seconds since 1970, $7: µs since 2000.
update consumption_hour c set (quanta, quality, covered_s, flags, ready)
    = (nullif(n.quanta, -9223372036854775808), n.quality, n.covered_s, n.flags,
       '2000-01-01T00:00Z'::timestamptz + n.ready * interval '1 microsecond')
from unnest($1::int4[], $2::int8[], $3::int8[], $4::int2[], $5::int4[], $6::int4[], $7::int8[])
    as n (point_id, at, quanta, quality, covered_s, flags, ready)
where c.point_id = n.point_id and c.ts = to_timestamp(n.at);

-- name: change_days
-- Likewise days; $2: days since 1970.
update consumption_day c set (quanta, quality, covered_s, flags, ready)
    = (nullif(n.quanta, -9223372036854775808), n.quality, n.covered_s, n.flags,
       '2000-01-01T00:00Z'::timestamptz + n.ready * interval '1 microsecond')
from unnest($1::int4[], $2::int4[], $3::int8[], $4::int2[], $5::int4[], $6::int4[], $7::int8[])
    as n (point_id, at, quanta, quality, covered_s, flags, ready)
where c.point_id = n.point_id and c.day = '1970-01-01'::date + n.at;

-- name: change_months
-- Likewise months of kind $8.
update consumption_month c set (quanta, quality, covered_s, flags, ready)
    = (nullif(n.quanta, -9223372036854775808), n.quality, n.covered_s, n.flags,
       '2000-01-01T00:00Z'::timestamptz + n.ready * interval '1 microsecond')
from unnest($1::int4[], $2::int4[], $3::int8[], $4::int2[], $5::int4[], $6::int4[], $7::int8[])
    as n (point_id, at, quanta, quality, covered_s, flags, ready)
where c.point_id = n.point_id and c.kind = $8 and c.month = '1970-01-01'::date + n.at;

-- name: take_hours
-- Take hours away that have no quarter hour any more.
delete from consumption_hour c using unnest($1::int4[], $2::int8[]) as g (point_id, at)
where c.point_id = g.point_id and c.ts = to_timestamp(g.at);

-- name: take_days
-- Likewise days.
delete from consumption_day c using unnest($1::int4[], $2::int4[]) as g (point_id, at)
where c.point_id = g.point_id and c.day = '1970-01-01'::date + g.at;

-- name: take_months
-- Likewise months of kind $3.
delete from consumption_month c using unnest($1::int4[], $2::int4[]) as g (point_id, at)
where c.point_id = g.point_id and c.kind = $3 and c.month = '1970-01-01'::date + g.at;
