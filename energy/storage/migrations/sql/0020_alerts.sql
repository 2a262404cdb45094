-- 0020_alerts: alerts of all rules, their transitions with evidence, maintenance windows, what boards read of them.

create table alert (
    alert_id     int8 primary key generated always as identity,
    rule         text not null,
    subject      text not null check (subject in ('quota', 'unit', 'meter')),
    subject_id   int4 not null,
    period_start date not null default '-infinity',
    unit_id      int4 references unit,
    state        text not null
        check (state in ('inactive', 'pending', 'firing', 'acknowledged', 'silenced', 'resolved', 'corrected')),
    since        timestamptz not null,
    severity     text not null,
    colour       text not null,
    standing     jsonb not null,
    evidence     jsonb not null,
    revision     int4 not null default 1,
    unique (rule, subject, subject_id, period_start)
);
create index alert_open on alert (subject, subject_id)
    where state in ('pending', 'firing', 'acknowledged', 'silenced');
create index alert_of_period on alert (subject, period_start, subject_id);
create index alert_of_unit on alert (unit_id, since);
comment on table alert is 'One row per rule, subject and period that has ever been more than inactive: where it stands, all that is remembered (standing), and the evidence of its last transition; -infinity where there is no period.';
comment on column alert.unit_id is 'The unit it is about; null for quotas of groups.';
comment on column alert.revision is 'Rises with every write: who writes names the revision that he read, so that nobody overwrites what he has not seen.';

create table alert_transition (
    transition_id int8 primary key generated always as identity,
    alert_id      int8 not null references alert,
    unit_id       int4 references unit,
    from_state    text not null,
    to_state      text not null,
    at            timestamptz not null,
    reason        text not null,
    severity      text not null,
    colour        text not null,
    author        text not null default '',
    note          text not null default '',
    evidence      jsonb not null,
    unique (alert_id, at, from_state, to_state, reason)
);
create index alert_transition_of_unit on alert_transition (unit_id, at);
create index alert_transition_at on alert_transition (at);
comment on table alert_transition is 'Every change of an alert, insert-only, with the evidence of that moment; author and note where a person made it, with the evidence of the change before.';

-- Thousands of alerts may change at once: of what that takes, the default compression would be the larger half. A server that
-- was built without the other one does without.
do $$
begin
    if exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
        alter table alert alter evidence set compression lz4;
        alter table alert_transition alter evidence set compression lz4;
    end if;
end
$$;

create table maintenance_window (
    window_id int8 primary key generated always as identity,
    rule      text,
    subject   text not null check (subject in ('unit', 'district', 'industry', 'all')),
    key       text check (key <> ''),
    since     timestamptz not null check (isfinite(since)),
    until     timestamptz not null check (until > since and isfinite(until)),
    author    text not null check (author <> ''),
    reason    text not null check (reason <> ''),
    ended_at  timestamptz,
    ended_by  text check (ended_by <> ''),
    check ((subject = 'all') = (key is null)),
    check ((ended_at is null) = (ended_by is null))
);
create index maintenance_window_open on maintenance_window (until) where ended_at is null;
comment on table maintenance_window is 'Times in which alerts of a unit, district or industry (of one rule, or of all) fire silently; one that is ended early, or never began, stays.';

create view board.alert as
select
    a.alert_id, a.rule, a.subject, coalesce(q.code, m.code, u.code) as code,
    u.code as unit, coalesce(u.name_zh, a.evidence #>> '{subject,name_zh}', q.key) as unit_name_zh,
    coalesce(u.name_en, a.evidence #>> '{subject,name_en}', q.key) as unit_name_en,
    coalesce(u.district, a.evidence #>> '{subject,district}') as district,
    coalesce(u.industry, a.evidence #>> '{subject,industry}') as industry,
    nullif(a.period_start, '-infinity') as period_start, a.state, a.since, a.severity, a.colour,
    a.evidence #>> '{message,zh}' as message_zh, a.evidence #>> '{message,en}' as message_en,
    (a.standing ->> 'fired_at')::timestamptz as fired_at, (a.standing ->> 'firings')::int4 as firings,
    (a.standing ->> 'acknowledged_at')::timestamptz as acknowledged_at,
    a.standing ->> 'acknowledged_by' as acknowledged_by,
    (a.standing ->> 'escalated_at')::timestamptz as escalated_at,
    (a.evidence ->> 'at')::timestamptz as data_until, a.evidence
from alert a
left join unit u on u.unit_id = a.unit_id
left join quota q on a.subject = 'quota' and q.quota_id = a.subject_id
left join meter m on a.subject = 'meter' and m.meter_id = a.subject_id
where a.state in ('pending', 'firing', 'acknowledged', 'silenced');
comment on view board.alert is 'Alerts of all rules that are open: pending, firing, acknowledged (somebody has taken it on) or silenced (by a maintenance window). code is that of the quota, unit or meter; of a quota of a group there is no unit, and the names are those of the group. message and evidence are those of its last transition, data_until up to when the data spoke; firings counts how often it has fired. Times are data time.';

create view board.alert_history as
select
    t.transition_id, t.at, t.alert_id, a.rule, a.subject, coalesce(q.code, m.code, u.code) as code,
    u.code as unit, coalesce(u.name_zh, t.evidence #>> '{subject,name_zh}', q.key) as unit_name_zh,
    coalesce(u.name_en, t.evidence #>> '{subject,name_en}', q.key) as unit_name_en,
    coalesce(u.district, t.evidence #>> '{subject,district}') as district,
    coalesce(u.industry, t.evidence #>> '{subject,industry}') as industry,
    nullif(a.period_start, '-infinity') as period_start, t.from_state, t.to_state, t.reason, t.severity, t.colour,
    t.evidence #>> '{message,zh}' as message_zh, t.evidence #>> '{message,en}' as message_en, t.author, t.note,
    t.evidence
from alert_transition t
join alert a using (alert_id)
left join unit u on u.unit_id = t.unit_id
left join quota q on a.subject = 'quota' and q.quota_id = a.subject_id
left join meter m on a.subject = 'meter' and m.meter_id = a.subject_id;
comment on view board.alert_history is 'Every change of every alert, for ever, with its reason, what people read and the evidence of that moment; author and note where a person made it. Ask for a time, or for a unit and a time.';

create view board.quota_history as
select
    t.transition_id, t.at, a.rule, coalesce(u.code, q.key) as unit, coalesce(u.name_zh, q.key) as unit_name_zh,
    coalesce(u.name_en, q.key) as unit_name_en, u.district, u.industry, q.code as quota, q.measure, q.period,
    a.period_start, t.from_state, t.to_state, t.reason, t.severity, t.colour,
    coalesce(t.evidence #>> '{figures,used}', t.evidence ->> 'used')::float8 as used,
    coalesce(t.evidence #>> '{figures,limit}', t.evidence #>> '{quota,limit}')::float8 as "limit", q.limit_unit,
    coalesce(t.evidence #>> '{figures,projected}', t.evidence #>> '{judgement,projected}')::float8 as projected,
    coalesce(t.evidence #>> '{previous,figures,used}', t.evidence #>> '{previous,used}')::float8 as previous_used,
    coalesce(t.evidence #>> '{previous,figures,limit}', t.evidence #>> '{previous,limit}')::float8 as previous_limit,
    t.author, t.evidence
from alert_transition t
join alert a using (alert_id)
join quota q on q.quota_id = a.subject_id
left join unit u on u.unit_id = q.unit_id
where a.subject = 'quota';
comment on view board.quota_history is 'Every change of every alert of a quota, with the figures of that moment and, for corrections, those said before; rule is which rule''s alert it was, reason why it changed. Of a group of units unit is its key.';
