-- What delivery reads and writes. Times of notices and acceptances are real time, those of alerts data time: all are parameters.

-- name: lead
-- Become the one instance that delivers; the lock lasts as long as the connection.
select pg_try_advisory_lock(8176108593446812741)

-- name: notices
-- What is not done; of those under the same labels the latest.
select distinct on (alert_id, labels)
    notice_id, alert_id, kind, revision, labels::text as labels, annotations::text as annotations, starts_at, ends_at,
    silence_author, silence_reason
from alert_notice
where not done
order by alert_id, labels, notice_id desc

-- name: acceptances
-- Who has taken what is not done.
select notice_id, alertmanager, active_at, ended_at
from alert_acceptance join alert_notice using (notice_id)
where not done

-- name: changed
-- Alerts of which nothing is said as they stand: those that fire (silenced ones only where something was said before), those of which
-- something is said although they may be over, and those corrected since $1 (data time) after they had ended, or had never fired;
-- at most $2, the loudest first.
with open_notice as (
    select alert_id, revision from alert_notice where kind = 'alert' and ends_at is null
),
candidate as (
    select alert_id, severity from alert left join open_notice o using (alert_id)
    where state in ('pending', 'firing', 'acknowledged', 'silenced') -- as the index has it
        and state <> 'pending'
        and (o.alert_id is not null or state <> 'silenced')
        and o.revision is distinct from alert.revision
    union
    select alert_id, severity from alert join open_notice o using (alert_id)
    where o.revision <> alert.revision
    union
    select alert_id, severity from alert
    where state = 'corrected' and since >= $1
        and exists (
            select from alert_transition t
            where t.alert_id = alert.alert_id and t.to_state = 'corrected' and t.at = alert.since
                and t.from_state not in ('firing', 'acknowledged', 'silenced')
        )
        and not exists (
            select from alert_notice n where n.alert_id = alert.alert_id and n.revision >= alert.revision
        )
),
changed as (
    select alert_id from candidate
    order by array_position(array['critical', 'warning', 'attention', 'notice'], severity), alert_id
    limit $2
)
select a.alert_id, a.rule, a.subject, a.revision, a.standing::text as standing, t.transition_id, t.reason, t.note,
    t.evidence::text as evidence
from changed
join alert a using (alert_id)
join lateral (
    -- `at` never goes back, and the index has it: by number alone the planner may walk through all transitions
    select * from alert_transition where alert_id = a.alert_id order by at desc, transition_id desc limit 1
) t on true
order by a.alert_id

-- name: windows
-- Maintenance windows that may silence something at $1 (data time).
select window_id, rule, subject, key, since, until, author, reason, ended_at, ended_by
from maintenance_window
where since <= $1 and until > $1

-- name: begin
-- Write notices that begin: $1 an array of objects. Returns the number of each position.
with given as (
    select * from jsonb_to_recordset($1::jsonb) as g (
        position int4, alert_id int8, kind text, revision int4, labels jsonb, annotations jsonb, starts_at timestamptz,
        silence_author text, silence_reason text)
),
numbered as (
    select nextval(pg_get_serial_sequence('alert_notice', 'notice_id')) as notice_id, given.*
    from (select * from given order by position) given
),
written as (
    insert into alert_notice (notice_id, alert_id, kind, revision, labels, annotations, starts_at, silence_author, silence_reason)
    overriding system value
    select notice_id, alert_id, kind, revision, labels, annotations, starts_at, silence_author, silence_reason from numbered
)
select position, notice_id from numbered

-- name: go_on
-- Write notices that go on or end: $1 an array of objects.
update alert_notice n set
    revision = g.revision, annotations = g.annotations, ends_at = g.ends_at,
    silence_author = g.silence_author, silence_reason = g.silence_reason
from jsonb_to_recordset($1::jsonb) as g (
    notice_id int8, revision int4, annotations jsonb, ends_at timestamptz, silence_author text, silence_reason text)
where n.notice_id = g.notice_id

-- name: took
-- Write acceptances: the first ones stay.
insert into alert_acceptance (notice_id, alertmanager, active_at, ended_at)
select * from unnest($1::int8[], $2::text[], $3::timestamptz[], $4::timestamptz[])
on conflict (notice_id, alertmanager) do update set
    active_at = coalesce(alert_acceptance.active_at, excluded.active_at),
    ended_at = coalesce(alert_acceptance.ended_at, excluded.ended_at)

-- name: finish
-- Nothing is sent of these any more: notices $1, and those that a later one under the same labels has replaced.
update alert_notice n set done = true
where not done and ends_at is not null
    and (notice_id = any($1)
        or exists (
            select from alert_notice later
            where later.alert_id = n.alert_id and later.labels = n.labels and later.notice_id > n.notice_id
        ))

-- name: prune
-- Delete what is done and ended before $1, with who has taken it.
delete from alert_notice where done and ends_at < $1
