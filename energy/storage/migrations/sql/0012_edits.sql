-- 0012_edits: what people say about readings. Raw readings are never altered; each edit is a record that can be undone.

create table edit (
    edit_id     int8 primary key generated always as identity,
    point_id    int4 not null references point,
    kind        text not null check (kind in ('replacement', 'ratio', 'exclude', 'amount', 'accept')),
    since       timestamptz not null,
    until       timestamptz not null check (until >= since),
    old_end     float8,
    new_start   float8,
    ratio       numeric check (ratio > 0),
    quanta      int8,
    author      text not null check (author <> ''),
    reason      text not null check (reason <> ''),
    document    text not null default '',
    recorded_at timestamptz not null,
    undone_at   timestamptz,
    undone_by   text,
    undone_why  text,
    check ((undone_at is null) = (undone_by is null) and (undone_at is null) = (undone_why is null))
);
create index edit_of_point on edit (point_id, since) where undone_at is null;
comment on table edit is 'Edits: replacement (old register ended at since with old_end, the new one began at until with new_start), ratio (readings from since on are multiplied by ratio until the next one), exclude (readings in [since, until) are not used), amount (consumption of [since, until) is quanta), accept (what is suspect in [since, until) is accepted). An undone edit stays, and does nothing.';
