-- What the terminal board asks of the database, twice a second.

-- name: quotas
-- The newest period of each quota, and others whose alert still fires or was corrected since $1. What is shown of an
-- alert is that of the gravest, warnings of bands left aside: the figures show those. said: what a corrected one had said.
select
    u.code as unit, u.name_zh, u.name_en, u.district, q.code as quota, q.measure, q.period,
    f.period_start::timestamp at time zone u.time_zone as period_start, coalesce(f.used, 0) as used,
    f.limit_value as "limit", q.limit_unit, coalesce(f.used_share, 0) as share, f.elapsed_share, f.pace, f.projected,
    f.exhausted_at, coalesce(a.state, 'inactive') as state,
    case when a.severity = 'critical' then 'exceeded' when a.severity = 'warning' then 'on_course' end as cause,
    f.verdict, f.colour, coalesce(a.fired_at, a.since, f.evaluated_at) as since, f.ready, a.said
from quota q
join unit u using (unit_id)
cross join lateral (
    select max(period_start) as period_start from quota_figure where quota_id = q.quota_id
    union
    select period_start from alert
    where subject = 'quota' and subject_id = q.quota_id and severity in ('warning', 'critical')
        and (state in ('firing', 'acknowledged', 'silenced') or state = 'corrected' and since > $1)
) shown
join quota_figure f on f.quota_id = q.quota_id and f.period_start = shown.period_start
left join lateral (
    select state, severity, (standing ->> 'fired_at')::timestamptz as fired_at, since,
        case when state = 'corrected' then (evidence #>> '{previous,figures,used}')::float8 end as said
    from alert
    where subject = 'quota' and subject_id = q.quota_id and period_start = f.period_start
        and severity in ('warning', 'critical')
    order by
        array_position(
            array['firing', 'acknowledged', 'silenced', 'corrected', 'pending', 'resolved', 'inactive'], state),
        severity = 'critical' desc
    limit 1
) a on true

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
