-- 0022_delivery: what Alertmanager is told of alerts, and which Alertmanager has taken it. Times here are real time.

create table alert_notice (
    notice_id      int8 primary key generated always as identity,
    alert_id       int8 not null references alert,
    kind           text not null check (kind in ('alert', 'correction')),
    revision       int4 not null,
    labels         jsonb not null,
    annotations    jsonb not null,
    starts_at      timestamptz not null,
    ends_at        timestamptz check (ends_at >= starts_at),
    silence_author text,
    silence_reason text,
    done           boolean not null default false,
    check ((silence_author is null) = (silence_reason is null)),
    check (not done or ends_at is not null)
);
create unique index alert_notice_open on alert_notice (alert_id) where kind = 'alert' and ends_at is null;
create index alert_notice_of on alert_notice (alert_id, revision);
create index alert_notice_undone on alert_notice (notice_id) where not done;
create index alert_notice_done on alert_notice (ends_at) where done;
comment on table alert_notice is 'What Alertmanager is told: one row per firing of an alert under one set of labels, and one per correction of what had ended. Real time. Deleted a month after its end: the history is in alert_transition.';
comment on column alert_notice.revision is 'The revision of the alert that it tells of.';
comment on column alert_notice.labels is 'Its identity in Alertmanager; they never change.';
comment on column alert_notice.silence_author is 'Who took the alert on, or made its maintenance window, while it is to be silenced; with the reason.';
comment on column alert_notice.done is 'Every Alertmanager knows its end, or has been away for so long that it takes it for over by itself; nothing is sent any more.';

create index alert_corrected on alert (since) where state = 'corrected';

create table alert_acceptance (
    notice_id    int8 not null references alert_notice on delete cascade,
    alertmanager text not null,
    active_at    timestamptz,
    ended_at     timestamptz,
    primary key (notice_id, alertmanager),
    check (active_at is not null or ended_at is not null)
);
comment on table alert_acceptance is 'When each Alertmanager first took a notice while it was active, and when its end. Real time.';
