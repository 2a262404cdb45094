-- 0009_upkeep: what was removed because its time was over, so that an empty range is not taken for a loss.

create table upkeep_run (
    run_id   int8 primary key generated always as identity,
    at       timestamptz not null,
    relation text not null,
    action   text not null,
    until    timestamptz,
    count    int8 not null,
    detail   text not null default ''
);
comment on table upkeep_run is 'What upkeep did: chunks dropped, rows deleted, chunk intervals set, policies made; until: the time before which it was removed.';
