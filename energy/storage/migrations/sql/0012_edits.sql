-- 0012_edits: what people say about readings. Raw readings are never altered; each edit is a record that can be undone.

create table edit (
    edit_id     int8 primary key generated always as identity,
    point_id    int4 not null references point,
    kind        text not null check (kind in ('replacement', 'ratio', 'exclude', 'amount', 'accept')),
    since       timestamptz not null check (isfinite(since)),
    until       timestamptz not null check (until >= since and isfinite(until)),
    old_end     float8,
    new_start   float8,
    ratio       numeric check (ratio > 0),
    amount      numeric,
    unit        text,
    author      text not null check (author <> ''),
    reason      text not null check (reason <> ''),
    document    text not null default '',
    recorded_at timestamptz not null,
    undone_at   timestamptz,
    undone_by   text check (undone_by <> ''),
    undone_why  text check (undone_why <> ''),
    check ((undone_at is null) = (undone_by is null) and (undone_at is null) = (undone_why is null)),
    check (kind = 'replacement' or (old_end is null and new_start is null)),
    check (kind in ('replacement', 'ratio') or ratio is null),
    check ((kind = 'amount') = (amount is not null) and (amount is null) = (unit is null)),
    check (kind <> 'ratio' or (ratio is not null and since = until)),
    check (kind in ('replacement', 'ratio') or until > since)
);
create index edit_of_point on edit (point_id, since) where undone_at is null;
comment on table edit is 'What people say about readings; an undone edit stays, and does nothing. Times have whole milliseconds, as readings do.';
comment on column edit.kind is 'replacement: the old register ended at since, the new one began at until. ratio: readings from since on are multiplied by ratio. exclude: readings in [since, until) are not used. amount: consumption of [since, until) is amount. accept: what is suspect in [since, until) is accepted.';
comment on column edit.old_end is 'State of the register at since, as its readings would have come (the point''s unit, not multiplied by a ratio); null when not known.';
comment on column edit.new_start is 'State of the new register at until, likewise.';
comment on column edit.ratio is 'What readings from until on are multiplied by, until another change gives another; null leaves it as it is.';
comment on column edit.amount is 'In unit, the base unit of the carrier.';

create view board.edit as
select
    e.edit_id, u.code as unit, m.code as meter, p.code as point, m.carrier, e.kind, e.since, e.until, e.old_end,
    e.new_start, e.ratio, e.amount, e.unit as unit_of_measure, e.author, e.reason, e.document, e.recorded_at,
    e.undone_at is null as in_force, e.undone_at, e.undone_by, e.undone_why
from edit e
join point p using (point_id)
join meter m using (meter_id)
join unit u using (unit_id);
comment on view board.edit is 'What people said about readings, with author and reason, undone ones too: replacement (the old register ended at since with old_end, the new one began at until with new_start), ratio (readings from since on times ratio), exclude (readings of since to until are not used), amount (what was used from since to until), accept (what is suspect from since to until is accepted).';
