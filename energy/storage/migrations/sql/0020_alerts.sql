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
    unique (rule, subject, subject_id, period_start)
);
comment on table alert is 'One row per rule, subject and period that has ever been more than inactive: where it stands, all that is remembered (standing), and the evidence of its last change; -infinity where there is no period.';
create index alert_open on alert (subject, subject_id) where state in ('pending', 'firing', 'acknowledged', 'silenced');

create table alert_transition (
    transition_id int8 primary key generated always as identity,
    alert_id      int8 not null references alert,
    from_state    text not null,
    to_state      text not null,
    at            timestamptz not null,
    reason        text not null,
    severity      text not null,
    colour        text not null,
    author        text not null default '',
    evidence      jsonb not null,
    unique (alert_id, at, from_state, to_state, reason)
);
comment on table alert_transition is 'Every change of an alert, insert-only, with the evidence of that moment.';

create table maintenance_window (
    window_id int8 primary key generated always as identity,
    rule      text,
    subject   text not null check (subject in ('unit', 'district', 'industry', 'all')),
    key       text,
    since     timestamptz not null,
    until     timestamptz not null check (until > since),
    author    text not null,
    reason    text not null,
    ended_at  timestamptz
);
comment on table maintenance_window is 'Times in which alerts of a unit, district or industry (of one rule, or of all) fire silently.';
