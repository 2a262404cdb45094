-- How the bounds of `rejects` are kept. What a row takes is its texts, its payload as it came, and about 400 bytes of
-- fixed columns, index entries and headers.

-- name: lock
-- One worker at a time ("qw_rejec"); whoever comes second goes away. Kept by the session over many transactions.
select pg_try_advisory_lock(8176108593446806883);

-- name: unlock
-- Let the next one.
select pg_advisory_unlock(8176108593446806883);

-- name: measure
-- Bytes on disk, with what waits to be vacuumed, and the number of the newest.
select pg_total_relation_size('rejects') as on_disk, coalesce((select max(reject_id) from rejects), 0) as newest;

-- name: sizes
-- Bytes that each gateway has in there, as estimated; '' for senders that are not known.
select coalesce(gateway, '') as gateway,
    sum(octet_length(payload) + octet_length(detail) + octet_length(source) + 400)::int8 as bytes
from rejects group by 1;

-- name: remove_old
-- Remove those received before $1 among the $2 oldest.
with gone as (
    delete from rejects where reject_id in (
        select reject_id from (select reject_id, received_at from rejects order by reject_id limit $2) oldest
        where received_at < $1
    )
    returning code, replayed_by, octet_length(payload) + octet_length(detail) + octet_length(source) + 400 as bytes
)
select code, replayed_by is not null as replayed, count(*) as rejects, sum(bytes)::int8 as bytes
from gone group by 1, 2;

-- name: remove_oldest_of
-- Remove the oldest of gateway $1, about $2 bytes of them and at most $3.
with gone as (
    delete from rejects where reject_id in (
        select reject_id from (
            select reject_id, sum(bytes) over (order by reject_id) - bytes as before
            from (
                select reject_id,
                    octet_length(payload) + octet_length(detail) + octet_length(source) + 400 as bytes
                from rejects where coalesce(gateway, '') = $1 order by reject_id limit $3
            ) oldest
        ) summed
        where before < $2
    )
    returning code, replayed_by, octet_length(payload) + octet_length(detail) + octet_length(source) + 400 as bytes
)
select code, replayed_by is not null as replayed, count(*) as rejects, sum(bytes)::int8 as bytes
from gone group by 1, 2;
