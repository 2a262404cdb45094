-- What a back-test asks of the tables that its evaluations have written.

-- name: periods
-- Quotas in the periods that were looked at.
select quota_id, period_start from quota_figure order by 1, 2

-- name: broken
-- Quotas with more used than allowed, as the figures stand.
select quota_id, period_start from quota_figure where used > limit_value

-- name: moves
-- All transitions, in their order, with the figures of quotas.
select a.rule, a.subject, a.subject_id, nullif(a.period_start, '-infinity') as period_start,
    coalesce(t.evidence #>> '{subject,code}', '') as code, coalesce(t.evidence #>> '{subject,unit}', '') as unit,
    t.at, t.from_state, t.to_state, t.reason, t.severity, t.colour,
    (t.evidence #>> '{figures,used}')::float8 as used, (t.evidence #>> '{figures,limit}')::float8 as "limit",
    (t.evidence #>> '{previous,figures,used}')::float8 as said_used
from alert_transition t join alert a using (alert_id)
order by t.transition_id

-- name: quota_ids
-- The numbers of all quotas, with their codes.
select quota_id, code from quota

-- name: unit_ids
-- The numbers of units by their codes.
select unit_id, code from unit where code = any($1::text[])

-- name: zone
-- The zone of most units: in which times are shown.
select time_zone from unit group by 1 order by count(*) desc, 1 limit 1
