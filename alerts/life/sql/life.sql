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
-- The evidence of the last transition of alerts $1, as far as it has this version's form.
select alert_id, state, evidence::text as evidence from alert where alert_id = any($1) and evidence ? 'rule'

-- name: keep
-- Write alerts that changed, each over the revision that was read (0: none yet), and a transition where there is one:
-- $1 an array of objects. Returns the position of each that was written; a later one than was read stays as it is.
with given as (
    select * from jsonb_to_recordset($1::jsonb) as g (
        position int4, rule text, subject text, subject_id int4, period_start date, unit_id int4, state text,
        since timestamptz, severity text, colour text, standing jsonb, evidence jsonb, revision int4,
        from_state text, reason text, at timestamptz)
),
written as (
    insert into alert as a
        (rule, subject, subject_id, period_start, unit_id, state, since, severity, colour, standing, evidence, revision)
    select rule, subject, subject_id, coalesce(period_start, '-infinity'), unit_id, state, since, severity, colour,
           standing, coalesce(evidence, '{}'), revision + 1
    from given
    order by rule, subject, subject_id, period_start
    on conflict (rule, subject, subject_id, period_start) do update set
        unit_id = excluded.unit_id, state = excluded.state, since = excluded.since, severity = excluded.severity,
        colour = excluded.colour, standing = excluded.standing, revision = excluded.revision,
        evidence = case when excluded.evidence = '{}' then a.evidence else excluded.evidence end
    where a.revision = excluded.revision - 1
    returning alert_id, rule, subject, subject_id, period_start
),
moved as (
    insert into alert_transition (alert_id, unit_id, from_state, to_state, at, reason, severity, colour, evidence)
    select w.alert_id, g.unit_id, g.from_state, g.state, g.at, g.reason, g.severity, g.colour, g.evidence
    from given g
    join written w on w.rule = g.rule and w.subject = g.subject and w.subject_id = g.subject_id
        and w.period_start = coalesce(g.period_start, '-infinity')
    where g.reason is not null
    on conflict (alert_id, at, from_state, to_state, reason) do nothing
)
select g.position, w.alert_id
from given g
join written w on w.rule = g.rule and w.subject = g.subject and w.subject_id = g.subject_id
    and w.period_start = coalesce(g.period_start, '-infinity')

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
