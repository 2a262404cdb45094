-- What `quotawatt rejects` looks for. The first seven parameters of each query say which rejects are meant, null for
-- any: gateway, code, point, carrier, received since, received before, open (not replayed yet) or not.

-- name: summary
-- How many there are of each kind, the latest first.
select gateway, code, point, rejects, open, first_at, last_at,
    (select detail from rejects where reject_id = kinds.newest) as detail
from (
    select gateway, code, point, count(*) as rejects, count(*) filter (where replayed_by is null) as open,
        min(received_at) as first_at, max(received_at) as last_at, max(reject_id) as newest
    from rejects
    where ($1::text is null or coalesce(gateway, '') = $1) and ($2::text is null or code = $2)
        and ($3::text is null or point = $3) and ($4::text is null or carrier = $4)
        and ($5::timestamptz is null or received_at >= $5) and ($6::timestamptz is null or received_at < $6)
        and ($7::bool is null or (replayed_by is null) = $7)
    group by gateway, code, point
    order by newest desc
    limit $8
) kinds
order by newest desc;

-- name: each
-- Single ones, the latest first.
select reject_id, received_at, carrier, gateway, source, stream, seq, reading_index, point, code, detail,
    octet_length(payload) as bytes, batch, replayed_by
from rejects
where ($1::text is null or coalesce(gateway, '') = $1) and ($2::text is null or code = $2)
    and ($3::text is null or point = $3) and ($4::text is null or carrier = $4)
    and ($5::timestamptz is null or received_at >= $5) and ($6::timestamptz is null or received_at < $6)
    and ($7::bool is null or (replayed_by is null) = $7)
order by reject_id desc
limit $8;

-- name: payload
-- One payload, as it was kept.
select payload from rejects where reject_id = $1;

-- name: newest
-- The number of the newest one.
select coalesce(max(reject_id), 0) from rejects;

-- name: next_open
-- The next ones to be replayed after number $8, up to $9: at most $10, of about so many bytes of payload as $11 says.
select reject_id from (
    select reject_id, sum(octet_length(payload)) over (order by reject_id) - octet_length(payload) as before
    from (
        select reject_id, payload from rejects
        where ($1::text is null or coalesce(gateway, '') = $1) and ($2::text is null or code = $2)
            and ($3::text is null or point = $3) and ($4::text is null or carrier = $4)
            and ($5::timestamptz is null or received_at >= $5) and ($6::timestamptz is null or received_at < $6)
            and ($7::bool is null or (replayed_by is null) = $7)
            and reject_id > $8 and reject_id <= $9
        order by reject_id limit $10
    ) next
) piece
where before < $11
order by reject_id;

-- name: take
-- These, locked until the transaction ends; those that another replay has, or has just done with, are left out.
select reject_id, carrier, gateway, source, reading_index, payload
from rejects where reject_id = any($1::int8[]) and replayed_by is null
order by reject_id for update skip locked;

-- name: mark_replayed
-- They are stored as part of batch $2; in the very transaction that stores them.
update rejects set replayed_by = $2 where reject_id = any($1::int8[]);
