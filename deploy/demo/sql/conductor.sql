-- name: fired
-- How many quotas have fired, in whatever period; asked again and again.
select count(distinct quota_id) from quota_transition where to_state = 'firing';

-- name: stored
-- How many raw readings are stored; asked once a simulated day, because it counts them all.
select count(*) from readings;

-- name: flagged
-- The latest evidence of every quota that has fired, each period by itself, the highest use first.
select
    u.code as unit, u.name_zh, u.name_en, q.code as quota, q.period, s.period_start, s.state, s.verdict,
    s.used::float8 as used, s.limit_value::float8 as limit, s.projected::float8 as projected, s.evidence::text as evidence,
    t.at as fired_at
from quota_state s
join quota q using (quota_id)
join unit u using (unit_id)
join (
    select quota_id, period_start, min(at) as at
    from quota_transition where to_state = 'firing'
    group by quota_id, period_start
) t using (quota_id, period_start)
order by s.used / s.limit_value desc, q.code;
