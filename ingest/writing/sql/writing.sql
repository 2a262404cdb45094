-- How a batch is written. Rows arrive by binary COPY; no statement asks the server's clock.

-- name: reserve_numbers
-- Batch numbers for the next batches of one worker, so that not every batch asks for one.
select nextval('batch_id') from generate_series(1, $1);

-- name: create_staging
-- Where a batch goes that contradicts itself or what is stored; once per connection, emptied by every commit.
create temporary table if not exists ingest_staging (
    ts        timestamptz not null,
    point_id  int4 not null,
    value     float8 not null,
    quality   int2 not null,
    batch     int8 not null,
    effective bool not null
) on commit delete rows;

-- name: merge_staged
-- Store what has no row yet, in the order of the index, so that two workers take their locks in one order.
insert into readings (ts, point_id, value, quality, batch)
select ts, point_id, value, quality, batch from ingest_staging where effective order by point_id, ts
on conflict do nothing;

-- name: record_conflicts
-- Keep what contradicts the stored row of its key. A statement of its own: it must see the rows of other workers on
-- which merge_staged waited. NaN equals NaN in PostgreSQL.
insert into reading_conflicts (point_id, ts, value, quality, batch)
select s.point_id, s.ts, s.value, s.quality, s.batch
from ingest_staging s join readings r on r.point_id = s.point_id and r.ts = s.ts
where (r.value, r.quality) is distinct from (s.value, s.quality)
order by s.point_id, s.ts, s.value, s.quality
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
-- Whether a commit whose answer was lost has happened after all.
select stored, duplicates, conflicts, rejected, committed_at from ingest_batch where batch = $1;
