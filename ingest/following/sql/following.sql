-- Which numbers of the gateways' streams came in, which are still to come, and which are asked for again.
-- Rows are locked in the order of their bytes, as by those who write statuses, whatever the database's language.

-- name: lead
-- One worker at a time follows; the lock is the connection's, and ends with it.
select pg_try_advisory_lock($1);

-- name: announced
-- Which streams' statuses say that less is kept than is taken over yet.
select gateway, stream, announced from gateway_stream where announced > kept_from;

-- name: fold
-- Take up to $1 batches and add their envelopes to what is known of their streams and days. An envelope that comes twice
-- is counted where it came first; one whose number is settled, no more. Of streams that a gateway never used before $3 a
-- day are followed; all others are one, `others`, without numbers.
with taken as materialized (
    select batch, gateways, streams, sender, seq, readings, rejected from batch_envelopes
    where not followed order by batch limit $1
), marked as (
    update batch_envelopes set followed = true from taken where batch_envelopes.batch = taken.batch
), named as materialized (
    select taken.batch, sender.number, sender.gateway, sender.stream
    from taken
    cross join lateral unnest(taken.gateways, taken.streams) with ordinality as sender (gateway, stream, number)
), strange as materialized (
    select
        gateway, stream, min(committed_at) as first_at,
        row_number() over (partition by gateway order by min(batch), stream) as place
    from named join ingest_batch using (batch)
    where not exists (select from gateway_stream as s where s.gateway = named.gateway and s.stream = named.stream)
    group by gateway, stream
), other as materialized (
    select gateway, stream from strange
    where place > $3 or place > $3 - (
        select count(*) from gateway_stream as s
        where s.gateway = strange.gateway and s.first_at > strange.first_at - interval '1 day'
    )
), sender as materialized (
    select
        named.batch, record.committed_at, named.number, named.gateway, named.stream as own_stream,
        case when other.stream is null then named.stream else 'others' end as stream,
        (record.committed_at at time zone coalesce(unit.time_zone, $2))::date as day
    from named
    join ingest_batch as record using (batch)
    left join other on other.gateway = named.gateway and other.stream = named.stream
    left join gateway on gateway.code = named.gateway
    left join unit using (unit_id)
), numbered as materialized (
    -- On its own: beside the join to their senders the planner would unpack a batch once for each sender in it.
    select taken.batch, one.number, one.seq, one.readings, one.rejected, one.place
    from taken
    cross join lateral unnest(taken.sender, taken.seq, taken.readings, taken.rejected) with ordinality
        as one (number, seq, readings, rejected, place)
), envelope as materialized (
    select
        sender.gateway, sender.stream, sender.day, sender.committed_at, one.readings, one.rejected,
        case when sender.stream <> 'others' and one.seq > coalesce(known.settled_to, 0) then one.seq end as seq,
        row_number() over (
            partition by sender.gateway, sender.own_stream, one.seq order by one.batch, one.place
        ) = 1 and not coalesce(
            one.seq <= known.settled_to or known.stored @> one.seq or known.refused @> one.seq, false
        ) as fresh
    from numbered as one
    join sender using (batch, number)
    left join gateway_stream as known on known.gateway = sender.gateway and known.stream = sender.stream
), streams as (
    insert into gateway_stream as known (gateway, stream, stored, refused, last_seq, first_at, latest_at)
    select
        gateway, stream,
        coalesce(range_agg(seq_span(seq, seq)) filter (where readings > 0 and seq is not null), '{}'),
        coalesce(range_agg(seq_span(seq, seq)) filter (where readings = 0 and seq is not null), '{}'),
        coalesce(max(seq), 0), min(committed_at), max(committed_at)
    from envelope group by gateway, stream order by gateway collate "C", stream collate "C"
    on conflict (gateway, stream) do update set
        stored = known.stored + excluded.stored,
        refused = known.refused + excluded.refused,
        last_seq = greatest(known.last_seq, excluded.last_seq),
        first_at = least(known.first_at, excluded.first_at),
        latest_at = greatest(known.latest_at, excluded.latest_at)
    returning 1
), days as (
    insert into gateway_day as known (gateway, stream, day, last_seq, envelopes, readings, rejected)
    select
        gateway, stream, day, coalesce(max(seq), 0), count(*) filter (where fresh),
        coalesce(sum(readings) filter (where fresh), 0), coalesce(sum(rejected) filter (where fresh and readings > 0), 0)
    from envelope
    where (select count(*) from streams) >= 0  -- streams are locked before days, as by those who write statuses
    group by gateway, stream, day order by gateway collate "C", stream collate "C", day
    on conflict (gateway, stream, day) do update set
        last_seq = greatest(known.last_seq, excluded.last_seq),
        envelopes = known.envelopes + excluded.envelopes,
        readings = known.readings + excluded.readings,
        rejected = known.rejected + excluded.rejected
)
select
    (select count(*) from taken) as batches,
    (select count(*) from envelope) as envelopes,
    (select min(committed_at) from sender) as oldest_at;

-- name: take_over
-- What the statuses said before everything committed until then was followed; now it can be judged by.
with ready as (
    select s.gateway, s.stream, a.announced
    from unnest($1::text[], $2::text[], $3::int8[]) as a (gateway, stream, announced)
    join gateway_stream as s on s.gateway = a.gateway and s.stream = a.stream
    order by s.gateway collate "C", s.stream collate "C" for update of s
)
update gateway_stream as s set kept_from = greatest(s.kept_from, ready.announced)
from ready where s.gateway = ready.gateway and s.stream = ready.stream;

-- name: superseding
-- Of streams with open numbers: which are no longer, or are again, their gateway's present one.
select s.gateway, s.stream, status.stream <> s.stream as superseded
from gateway_stream as s
join gateway_status as status using (gateway)
where s.open <> '{}'::int8multirange and s.superseded <> (status.stream <> s.stream);

-- name: supersede
-- The same, once everything committed until then is followed.
with ready as (
    select s.gateway, s.stream, a.superseded
    from unnest($1::text[], $2::text[], $3::bool[]) as a (gateway, stream, superseded)
    join gateway_stream as s on s.gateway = a.gateway and s.stream = a.stream
    order by s.gateway collate "C", s.stream collate "C" for update of s
)
update gateway_stream as s set superseded = ready.superseded
from ready where s.gateway = ready.gateway and s.stream = ready.stream;

-- name: name_missing
-- Numbers that have turned out to be missing, each told once, of at most $1 streams.
with news as (
    select gateway, stream, missing - named as numbers from gateway_stream
    where open <> '{}'::int8multirange and missing - named <> '{}'::int8multirange
    order by gateway collate "C", stream collate "C" limit $1 for update
)
update gateway_stream as s set named = s.named + news.numbers
from news where s.gateway = news.gateway and s.stream = news.stream
returning s.gateway, s.stream, seq_count(news.numbers)::text as count, seq_text(news.numbers, 8) as numbers;

-- name: crowded
-- Of the streams whose numbers take much room, at most $2 that are in more than $1 pieces.
select gateway, stream from gateway_stream
where greatest(
    pg_column_size(stored), pg_column_size(refused), pg_column_size(dropped), pg_column_size(open)
) > 2000 and $1 < greatest(
    (select count(*) from unnest(stored)), (select count(*) from unnest(refused)),
    (select count(*) from unnest(dropped)), (select count(*) from unnest(open))
)
limit $2;

-- name: settle
-- Count what has become of the numbers of a stream below its $3 highest pieces by day, and follow them no more. What is
-- still to come among them is missing for good.
with s as materialized (
    select * from gateway_stream where gateway = $1 and stream = $2 for update
), settled as materialized (
    select max(upper(part)) - 1 as until
    from (
        select part, row_number() over (partition by kind order by part desc) as place
        from s
        cross join lateral (values (1, stored), (2, refused), (3, dropped), (4, open)) as kinds (kind, numbers)
        cross join lateral unnest(numbers) as part
    ) as pieces
    where place > $3
), kept as materialized (
    select seq_span(until + 1, 9223372036854775807) as numbers from settled
), part as materialized (
    select
        day, seq_count(numbers * s.stored) as stored, seq_count(numbers * s.refused - s.stored) as refused,
        seq_count(numbers * s.dropped - s.stored - s.refused) as dropped, seq_count(numbers * s.open) as missing
    from s
    cross join settled
    cross join lateral (
        select
            d.day,
            seq_span(1, least(d.last_seq, until)) - seq_span(1, greatest(s.settled_to, max(d.last_seq) over (
                order by d.day rows between unbounded preceding and 1 preceding
            ))) as numbers
        from gateway_day as d where d.gateway = s.gateway and d.stream = s.stream
    ) as days
), days as (
    update gateway_day as d set
        settled_stored = settled_stored + part.stored, settled_refused = settled_refused + part.refused,
        settled_dropped = settled_dropped + part.dropped, settled_missing = settled_missing + part.missing
    from part where d.gateway = $1 and d.stream = $2 and d.day = part.day
)
update gateway_stream as g set
    settled_to = settled.until,
    settled_gone = g.settled_gone + (select coalesce(sum(dropped + missing), 0) from part),
    stored = g.stored * kept.numbers, refused = g.refused * kept.numbers, dropped = g.dropped * kept.numbers,
    named = g.named * kept.numbers, recalled = g.recalled * kept.numbers, wanted = g.wanted * kept.numbers
from settled cross join kept
where g.gateway = $1 and g.stream = $2 and settled.until is not null
returning g.gateway, g.stream, g.settled_to, (select coalesce(sum(missing), 0) from part)::text as missing;

-- name: gaps
-- How many numbers are open now.
select
    coalesce(sum(to_come), 0)::float8 as to_come, coalesce(sum(lost), 0)::float8 as missing
from gateway_stream
cross join lateral (
    select sum(coalesce(upper(part), 9223372036854775807) - lower(part)::numeric) from unnest(open - missing) as part
) as kept (to_come)
cross join lateral (
    select sum(coalesce(upper(part), 9223372036854775807) - lower(part)::numeric) from unnest(missing) as part
) as gone (lost)
where open <> '{}'::int8multirange;

-- name: holes
-- The lowest $1 open ranges of every stream whose gateway is online, and of its missing ones those never asked for.
select
    s.gateway, s.stream, status.region, status.carrier,
    (
        select coalesce(range_agg(part), '{}')
        from (select part from unnest(s.open - s.missing) as part limit $1) as lowest
    ) as to_come,
    (
        select coalesce(range_agg(part), '{}')
        from (select part from unnest(s.missing - s.recalled) as part limit $1) as lowest
    ) as missing
from gateway_stream as s
join gateway_status as status using (gateway)
where s.open <> '{}'::int8multirange and status.online
    and s.open - (s.missing * s.recalled) <> '{}'::int8multirange;

-- name: asked
-- A gateway was asked to send again; where that waits for its next status ($6), what for.
with named as (
    select range_agg(seq_span(part.first, part.last)) as numbers from unnest($4::int8[], $5::int8[]) as part (first, last)
)
update gateway_stream set
    asked = asked + 1,
    asked_at = $3,
    recalled = recalled + (named.numbers * missing),
    wanted = case when $6 then coalesce(wanted, '{}') + named.numbers else wanted end
from named where gateway = $1 and stream = $2;

-- name: hand_out
-- What a gateway is asked for in the answer to its status, at most $3 ranges of each stream: the others wait for the next
-- one. What has come meanwhile is left out.
with due as (
    select gateway, stream, wanted * open as numbers from gateway_stream
    where gateway = $1 and wanted is not null order by stream collate "C" limit $2 for update
), lowest as (
    select due.*, (
        select coalesce(range_agg(part), '{}') from (select part from unnest(numbers) as part limit $3) as parts
    ) as handed
    from due
)
update gateway_stream as s set wanted = nullif(numbers - handed, '{}')
from lowest where s.gateway = lowest.gateway and s.stream = lowest.stream
returning s.stream, handed as numbers;
