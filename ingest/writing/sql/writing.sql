-- How a batch is written. Rows arrive by binary COPY; no statement asks the server's clock.

-- name: reserve_numbers
-- Batch numbers for the next batches of one worker, so that not every batch asks for one.
select nextval('batch_id') from generate_series(1, $1);

-- name: prepare_staging
-- Where a batch goes that contradicts itself or what is stored; made once per connection, emptied by every commit. Its
-- rows are to be looked up one by one in the index, whatever the planner believes of a table it knows nothing about: a
-- join that reads whole chunks takes the longer the more is stored.
create temporary table if not exists ingest_staging (
    row       int4 not null,
    ts        timestamptz not null,
    point_id  int4 not null,
    value     float8 not null,
    quality   int2 not null,
    batch     int8 not null
) on commit delete rows;
set local enable_mergejoin = off;
set local enable_hashjoin = off;
set local plan_cache_mode = force_custom_plan;

-- name: find_taken
-- The staged rows between two times whose key is stored already, and those of them whose content differs. NaN equals NaN.
select
    coalesce(array_agg(s.row), '{}') as taken,
    coalesce(array_agg(s.row) filter (where (r.value, r.quality) is distinct from (s.value, s.quality)), '{}')
        as contradicting
from ingest_staging s join readings r on r.point_id = s.point_id and r.ts = s.ts
where s.ts >= $1 and s.ts < $2 and r.ts >= $1 and r.ts < $2;

-- name: keep_conflicts
-- Keep what contradicts the stored row of its key; the same again is there already.
insert into reading_conflicts (point_id, ts, value, quality, batch)
select point_id, ts, value, quality, batch
from ingest_staging where row = any($1::int4[])
order by point_id, ts, value, quality
on conflict do nothing;

-- name: record_batch
-- The batch's own row, the envelopes in it, and the hint to those who derive: delivered when this transaction commits.
with recorded as (
    insert into ingest_batch (
        batch, worker, received_at, committed_at, envelopes, offered, stored, duplicates, conflicts, rejected
    ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
), named as (
    insert into batch_envelopes (batch, gateways, streams, sender, seq, readings, rejected)
    select $1, $11::text[], $12::text[], $13::int4[], $14::int8[], $15::int4[], $16::int4[]
    where cardinality($14::int8[]) > 0
)
select pg_notify('readings', $1::text);

-- name: committed_batch
-- Whether a commit whose answer was lost has happened after all: a batch of this number, and the same one.
select stored, duplicates, conflicts, rejected, committed_at from ingest_batch
where batch = $1 and worker = $2 and received_at = $3 and envelopes = $4 and offered = $5;
