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
