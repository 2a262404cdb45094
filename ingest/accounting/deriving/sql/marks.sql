-- What is dirty.

-- name: read
-- Up to $3 batches other than $1 that one of the groups $2 has still to do, each with whether it is of ingest without
-- contradictions (0), with some (1), or not of ingest (2), the groups that are done with it, and what it touched.
select d.batch, (case when b.conflicts = 0 then 0 when b.conflicts > 0 then 1 else 2 end)::int2,
    coalesce((select array_agg(n.grp) from derivation_done n where n.batch = d.batch), '{}'), d.points, d.since, d.until
from derivation_dirty d left join ingest_batch b using (batch)
where d.batch <> all($1::int8[]) and exists (
    select from unnest($2::int4[]) as g
    where not exists (select from derivation_done n where n.batch = d.batch and n.grp = g)
)
order by d.batch limit $3

-- name: done
-- Groups are done with batches.
insert into derivation_done (batch, grp) select b, g from unnest($1::int8[]) as b, unnest($2::int4[]) as g
on conflict do nothing;

-- name: clear
-- Take away what every one of $1 groups is done with, as far as this transaction sees; what another worker takes away
-- just now is left to it, so that none waits for the other.
with whole as (
    select batch from derivation_dirty
    where batch in (select batch from derivation_done group by batch having count(*) >= $1)
    for update skip locked
), marks as (
    delete from derivation_dirty where batch in (select batch from whole)
)
delete from derivation_done where batch in (select batch from whole);

-- name: groups
-- How many groups there are.
select count(*) from derivation_group;

-- name: finish
-- All groups are done with batches.
with marks as (
    delete from derivation_dirty where batch = any($1::int8[])
)
delete from derivation_done where batch = any($1::int8[]);

-- name: waiting
-- How many batches are dirty.
select count(*) from derivation_dirty;

-- name: notify_totals
-- Wake whoever judges totals; delivered at commit.
select pg_notify('totals', '');

-- name: marked_units
-- Up to $3 units of the groups $2 (of $1) that are marked to be totalled again.
select distinct unit_id from unit_dirty where unit_id % $1::int4 = any($2::int4[]) order by unit_id limit $3;
