-- 0009_upkeep: what was removed because its time was over, so that an empty range is not taken for a loss.

create table upkeep_run (
    run_id   int8 primary key generated always as identity,
    at       timestamptz not null,
    relation text not null,
    action   text not null check (action in (
        'chunk_interval', 'chunks_seen', 'chunks_dropped', 'rows_deleted', 'policy_set', 'policy_removed',
        'policy_paused', 'policy_resumed', 'columnstore_set'
    )),
    until    timestamptz,
    count    int8 not null default 0,
    detail   text not null default ''
);
create index upkeep_run_relation on upkeep_run (relation, action, run_id);
comment on table upkeep_run is 'What upkeep did, insert-only; until: the time before which chunks were dropped or rows deleted (of chunks_seen: where the oldest chunk begins); count: how many.';

-- Batches come nearly in the order of their time, so that the summary of block ranges finds a stretch of it.
create index ingest_batch_committed on ingest_batch using brin (committed_at) with (autosummarize = on);
