-- name: fired
-- How many quotas have fired, in whatever period, warnings of bands left aside; asked again and again.
select count(distinct subject_id)
from alert
where subject = 'quota' and severity in ('warning', 'critical') and (standing ->> 'firings')::int > 0;

-- name: stored
-- How many raw readings are stored; asked once a simulated day, because it counts them all.
select count(*) from readings;

-- name: flagged
-- Every alert of a quota that has fired, likewise, each rule and period by itself, with its whole course and the latest
-- evidence; the highest use first.
select
    u.code as unit, u.name_zh, u.name_en, q.code as quota, q.period, a.period_start, a.rule, a.state, f.verdict,
    f.used, f.limit_value as limit, f.projected, a.evidence::text as evidence, c.fired_at, c.course::text as course
from alert a
join quota q on q.quota_id = a.subject_id
join unit u on u.unit_id = q.unit_id
join quota_figure f on f.quota_id = q.quota_id and f.period_start = a.period_start
cross join lateral (
    select
        min(t.at) filter (where t.to_state = 'firing') as fired_at,
        jsonb_agg(jsonb_build_object(
            'at', t.at, 'state', t.to_state, 'reason', t.reason, 'used', t.evidence #> '{figures,used}',
            'projected', t.evidence #> '{figures,projected}', 'said', t.evidence #> '{previous,figures,used}'
        ) order by t.transition_id) as course
    from alert_transition t
    where t.alert_id = a.alert_id
) c
where a.subject = 'quota' and a.severity in ('warning', 'critical') and c.fired_at is not null
order by f.used_share desc nulls last, q.code, a.period_start, a.rule;
