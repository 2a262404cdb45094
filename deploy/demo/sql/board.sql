-- What the terminal board asks of the database, twice a second.

-- name: quotas
-- The newest period of each quota, and earlier periods whose alert still fires.
-- Two steps down indexes a quota, however many periods have gone by.
select
    u.code as unit, u.name_zh, u.name_en, u.district, q.code as quota, q.measure, q.period,
    s.period_start::timestamp at time zone u.time_zone as period_start, s.used::float8 as used,
    s.limit_value::float8 as "limit", q.limit_unit, s.used_share::float8 as share,
    s.elapsed_share::float8 as elapsed_share, s.pace::float8 as pace, s.projected::float8 as projected, s.exhausted_at,
    s.state, s.cause, s.verdict, s.colour, s.since, s.ready
from quota q
join unit u using (unit_id)
cross join lateral (
    select max(period_start) as period_start from quota_state where quota_id = q.quota_id
    union
    select period_start from quota_state where quota_id = q.quota_id and state = 'firing'
) shown
join quota_state s on s.quota_id = q.quota_id and s.period_start = shown.period_start

-- name: flow
-- One row: readings stored since $1 and ever, gateways online and known, envelopes kept, batches to derive, newest reading.
select
    (select coalesce(sum(stored), 0) from (select * from ingest_batch order by batch desc limit 1000) b
     where committed_at > $1) as lately,
    (select coalesce(sum(stored), 0) from ingest_batch)::int8 as stored,
    (select count(*) from gateway g join gateway_status s on s.gateway = g.code where s.online) as online,
    (select count(*) from gateway) as gateways,
    (select count(*) from derivation_dirty) as dirty,
    (select max(latest.ts) from point p left join lateral (
        select ts from readings r where r.point_id = p.point_id order by ts desc limit 1) latest on true) as newest
