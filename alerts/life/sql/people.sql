-- What people read of alerts, and say of them.

-- name: alerts
-- Alerts by number $1, states $2, unit $3, rules $4, a district that begins with $5, an industry that begins with $6,
-- changed from $7 on, and severities $10; each null for any. At most $8: open ones first, of these the gravest, quotas
-- before what is said of units and their data, and longest first (of what fires: since it fired).
select a.alert_id, a.rule, a.subject, coalesce(q.code, m.code, u.code, a.evidence #>> '{subject,code}', '') as code,
    coalesce(u.code, '') as unit, coalesce(u.name_zh, a.evidence #>> '{subject,name_zh}', q.key, '') as name_zh,
    coalesce(u.name_en, a.evidence #>> '{subject,name_en}', q.key, '') as name_en,
    coalesce(u.district, a.evidence #>> '{subject,district}', '') as district,
    coalesce(u.industry, a.evidence #>> '{subject,industry}', '') as industry,
    coalesce(u.time_zone, $9) as time_zone, nullif(a.period_start, '-infinity') as period_start, a.subject_id, a.unit_id,
    a.standing::text as standing, coalesce(a.evidence #>> '{message,zh}', '') as message_zh,
    coalesce(a.evidence #>> '{message,en}', '') as message_en
from alert a
left join unit u on u.unit_id = a.unit_id
left join quota q on a.subject = 'quota' and q.quota_id = a.subject_id
left join meter m on a.subject = 'meter' and m.meter_id = a.subject_id
where ($1::int8 is null or a.alert_id = $1) and ($2::text[] is null or a.state = any($2))
  and ($3::text is null or u.code = $3) and ($4::text[] is null or a.rule = any($4))
  and ($5::text is null or starts_with(coalesce(u.district, a.evidence #>> '{subject,district}'), $5))
  and ($6::text is null or starts_with(coalesce(u.industry, a.evidence #>> '{subject,industry}'), $6))
  and ($7::timestamptz is null or a.since >= $7) and ($10::text[] is null or a.severity = any($10))
order by a.state not in ('firing', 'acknowledged', 'silenced', 'pending'),
    array_position(array['critical', 'warning', 'attention', 'notice'], a.severity),
    array_position(array['quota', 'unit', 'meter'], a.subject), a.state = 'pending',
    case when a.state in ('firing', 'acknowledged', 'silenced') then (a.standing ->> 'fired_at')::timestamptz else a.since end,
    a.alert_id
limit $8

-- name: moves
-- Every change of alert $1, in their order.
select transition_id, from_state, to_state, at, reason, severity, colour, author, note, evidence::text as evidence
from alert_transition where alert_id = $1 order by transition_id

-- name: figures
-- The figures of quota $1 in the period from $2, as the last evaluation found them.
select used, limit_value as "limit", used_share, elapsed_share, pace, projected, projected_low, projected_high,
    quality::float8 as quality, provisional::int4::float8 as provisional, ready, evaluated_at
from quota_figure where quota_id = $1 and period_start = $2

-- name: locked
-- An alert that a person speaks of, so that nobody writes it meanwhile: $1 its number.
select standing::text as standing from alert where alert_id = $1 for update

-- name: add_window
-- A maintenance window: rule $1, subject $2, key $3, from $4 until $5, by $6, because of $7.
insert into maintenance_window (rule, subject, key, since, until, author, reason)
values ($1, $2, $3, $4, $5, $6, $7) returning window_id

-- name: windows
-- Maintenance windows that have not ended at $1 (null: all), the latest to begin first; at most $2.
select window_id, rule, subject, key, since, until, author, reason, ended_at, coalesce(ended_by, '') as ended_by
from maintenance_window
where $1::timestamptz is null or (until > $1 and (ended_at is null or ended_at > $1))
order by since desc, window_id desc
limit $2

-- name: window_ends
-- Window $1, so that nobody ends it meanwhile.
select until, ended_at from maintenance_window where window_id = $1 for update

-- name: end_window
-- End window $1 at $2, by $3.
update maintenance_window set ended_at = $2, ended_by = $3 where window_id = $1

-- name: has_spoken
-- Whether there is an alert of rule $1.
select exists (select from alert where rule = $1)

-- name: known_key
-- Whether a window of subject $1 and key $2 covers any unit.
select exists (
    select from unit
    where case $1 when 'unit' then code = $2 when 'district' then starts_with(district, $2)
        when 'industry' then starts_with(industry, $2) else true end)
