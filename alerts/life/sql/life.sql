-- What the evaluation reads and keeps of alerts. Times are parameters: data time comes from the service's clock.

-- name: standings
-- Where alerts of subject kind $1 stand: those that are open, and those of periods that begin at $2 or later or of no
-- period; of the subjects $3, or of all where that is null.
select alert_id, rule, subject_id, nullif(period_start, '-infinity') as period_start, standing::text as standing, revision
from alert
where subject = $1
  and (state in ('pending', 'firing', 'acknowledged', 'silenced') or period_start >= $2 or period_start = '-infinity')
  and ($3::int4[] is null or subject_id = any($3))

-- name: said
-- What the evidence of the last transition of alerts $1 says of itself, as far as it has this version's form.
select a.alert_id, a.state, e.condition, e.now, e.figures::text as figures, e.rule ->> 'version' as rule_version,
    coalesce((e.quota ->> 'version')::int4, 0) as quota_version
from alert a
cross join lateral jsonb_to_record(a.evidence) as e (
    condition text, now timestamptz, figures jsonb, rule jsonb, quota jsonb)
where a.alert_id = any($1) and e.rule is not null

-- name: keep
-- Write alerts that changed, each over the revision that was read (0: none yet), a column an argument; a later one than
-- was read stays as it is. Returns those that were written. Evidence is JSON as it is encoded, in bytes; null where it stays
-- what it was.
insert into alert as a
    (rule, subject, subject_id, period_start, unit_id, revision, state, since, severity, colour, standing, evidence)
select rule, subject, subject_id, coalesce(period_start, '-infinity'), unit_id, revision + 1, state, since, severity, colour,
       standing, coalesce(convert_from(evidence, 'UTF8')::jsonb, '{}')
from unnest($1::text[], $2::text[], $3::int4[], $4::date[], $5::int4[], $6::int4[], $7::text[], $8::timestamptz[],
        $9::text[], $10::text[], $11::jsonb[], $12::bytea[])
    as g (rule, subject, subject_id, period_start, unit_id, revision, state, since, severity, colour, standing, evidence)
on conflict (rule, subject, subject_id, period_start) do update set
    unit_id = excluded.unit_id, state = excluded.state, since = excluded.since, severity = excluded.severity,
    colour = excluded.colour, standing = excluded.standing, revision = excluded.revision,
    evidence = case when excluded.evidence = '{}' then a.evidence else excluded.evidence end
where a.revision = excluded.revision - 1
returning alert_id, rule, subject, subject_id, nullif(period_start, '-infinity') as period_start

-- name: keep_moves
-- The transitions of alerts $1 that were just written: from $2, for reasons $3, at $4. Their evidence is copied as it lies
-- in the alert, already compressed.
insert into alert_transition (alert_id, unit_id, from_state, to_state, at, reason, severity, colour, evidence)
select a.alert_id, a.unit_id, m.from_state, a.state, m.at, m.reason, a.severity, a.colour, a.evidence
from unnest($1::int8[], $2::text[], $3::text[], $4::timestamptz[]) as m (alert_id, from_state, reason, at)
join alert a using (alert_id)
on conflict (alert_id, at, from_state, to_state, reason) do nothing

-- name: tell
-- Wake whoever delivers.
notify alerts

-- name: say
-- Write what a person said of alert $1: state $2, since $3, standing $4; the transition from $5 for reason $6 at $3, by $7 with
-- note $8.
with written as (
    update alert set state = $2, since = $3, standing = $4, revision = revision + 1 where alert_id = $1
    returning alert_id, unit_id, severity, colour, evidence
)
insert into alert_transition
    (alert_id, unit_id, from_state, to_state, at, reason, severity, colour, author, note, evidence)
select alert_id, unit_id, $5, $2, $3, $6, severity, colour, $7, $8, evidence from written
