-- Records whose time is over: each statement looks at no more than the $2 oldest rows by key, so that it stays short.

-- name: batches
-- Batches with their envelopes, but for those of which the ledger has not taken note yet.
with oldest as (
    select batch, committed_at from ingest_batch order by batch limit $2
), over as (
    select o.batch from oldest o left join batch_envelopes e using (batch)
    where o.committed_at < $1 and coalesce(e.followed, true)
), envelopes as (
    delete from batch_envelopes where batch in (select batch from over)
)
delete from ingest_batch where batch in (select batch from over);

-- name: accounts
-- Daily accounts of gateways, but for those of each stream with the highest number: the next day's are counted from it.
delete from gateway_day g using (
    select gateway, stream, day from gateway_day one
    where day < ($1::timestamptz at time zone 'UTC')::date and exists (
        select from gateway_day later
        where later.gateway = one.gateway and later.stream = one.stream and later.day > one.day
            and later.day < ($1::timestamptz at time zone 'UTC')::date and later.last_seq >= one.last_seq
    )
    limit $2
) over
where (g.gateway, g.stream, g.day) = (over.gateway, over.stream, over.day);

-- name: runs
-- The record of upkeep itself; what of each table was dropped last stays known.
delete from upkeep_run where run_id in (
    select run_id from upkeep_run
    where at < $1 and run_id < (select max(run_id) from upkeep_run where action = 'chunks_dropped')
        and run_id not in (select max(run_id) from upkeep_run where action = 'chunks_dropped' group by relation)
    order by run_id limit $2
);
