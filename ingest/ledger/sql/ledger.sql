-- What the account is read from. $1 is a gateway's code, null for all.

-- name: lines
-- The account of each gateway, day and stream.
select
    gateway, unit, day, stream, expected::text, stored::text, refused::text, dropped::text, to_come::text,
    missing::text, difference::text, envelopes, readings, rejected, dropped_numbers, to_come_numbers, missing_numbers
from board.ledger
where ($1::text is null or gateway = $1) and day between $2 and $3
order by day, gateway, stream;

-- name: refusals
-- What was refused on each day, by code, as far as it is still kept.
select r.gateway, day.day, r.code, count(*) as count
from rejects as r
left join gateway on gateway.code = r.gateway
left join unit using (unit_id)
cross join lateral (select (r.received_at at time zone coalesce(unit.time_zone, $4))::date as day) as day
where r.gateway is not null and ($1::text is null or r.gateway = $1)
    and r.received_at > $2::date - interval '2 days' and r.received_at < $3::date + interval '3 days'
    and day.day between $2 and $3
group by r.gateway, day.day, r.code
order by day.day, r.gateway, r.code;

-- name: behind
-- Batches that are committed and not followed yet.
select count(*) from batch_envelopes where not followed;

-- name: zones
-- In which zones the days of the chosen gateways begin.
select distinct u.time_zone from gateway as g join unit as u using (unit_id) where $1::text is null or g.code = $1;

-- name: completeness
-- How many readings were due at each point's interval on each day, and how many came: in how many intervals, counted from
-- the first reading of the day, there is one with a value. A reading is effective with a value if any of those that
-- contradict each other has one.
with span as (
    select * from unnest($2::text[], $3::date[], $4::timestamptz[], $5::timestamptz[]) as s (zone, day, since, until)
)
select
    g.code as gateway, u.code as unit, m.code as meter, p.code as point, p.interval_s, span.day, span.until,
    due.expected, least(got.received, due.expected) as received
from gateway as g
join unit as u using (unit_id)
join span on span.zone = u.time_zone
join point as p using (gateway_id)
join meter as m using (meter_id)
cross join lateral (
    select floor(extract(epoch from span.until - span.since) / p.interval_s)::int8 as expected
) as due
cross join lateral (
    select count(distinct round(extract(epoch from ts - first_ts) / p.interval_s)) as received
    from (
        select ts, min(ts) over () as first_ts
        from (
            select ts from readings
            where point_id = p.point_id and ts >= span.since and ts < span.until and quality <> 3
            union all
            select ts from reading_conflicts
            where point_id = p.point_id and ts >= span.since and ts < span.until and quality <> 3
        ) as available
    ) as placed
) as got
where $1::text is null or g.code = $1
order by span.day, g.code, p.code;
