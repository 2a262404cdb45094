-- What the gateways say of themselves.

-- name: follow_status
-- The last status of a gateway. A last will knows only that the gateway is gone, so the rest stays as reported; it and
-- an orderly farewell count only from where the gateway was last online. Within a stream numbers only grow, so a status
-- with lower ones is a late one; of another stream it is late when that stream was known before and the gateway said
-- it earlier. No gateway's clock decides more than that.
insert into gateway_status as known (
    gateway, region, online, stream, kept_from, last_seq, dropped, reported_at,
    dropped_envelopes, dropped_readings, carrier, via, heard_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (gateway) do update set
    region = excluded.region,
    online = excluded.online or (known.online and known.via <> excluded.via),
    carrier = case when excluded.online or known.via = excluded.via then excluded.carrier else known.carrier end,
    via = case when excluded.online then excluded.via else known.via end,
    stream = coalesce(excluded.stream, known.stream),
    kept_from = case when excluded.stream is null then known.kept_from else excluded.kept_from end,
    last_seq = case when excluded.stream is null then known.last_seq else excluded.last_seq end,
    dropped = case when excluded.stream is null then known.dropped else excluded.dropped end,
    dropped_envelopes = case
        when excluded.stream is null then known.dropped_envelopes else excluded.dropped_envelopes
    end,
    dropped_readings = case when excluded.stream is null then known.dropped_readings else excluded.dropped_readings end,
    reported_at = case
        when excluded.stream is null and known.online = excluded.online then known.reported_at
        else excluded.reported_at
    end,
    heard_at = excluded.heard_at
where excluded.stream is null or known.stream is null
    or (
        known.stream = excluded.stream
        and (coalesce(excluded.last_seq, 0), coalesce(excluded.kept_from, 9223372036854775807))
            >= (coalesce(known.last_seq, 0), coalesce(known.kept_from, 9223372036854775807))
    )
    or (
        known.stream <> excluded.stream
        and (
            excluded.reported_at >= known.reported_at
            or not exists (
                select from gateway_stream as s where s.gateway = excluded.gateway and s.stream = excluded.stream
            )
        )
    );

-- name: follow_stream
-- What a status adds to what is known of its stream: sets and greatest numbers, so that order and repetition do not
-- matter. Ranges that end before they begin name nothing, and so do numbers that were never assigned. Of streams that a gateway never used before $10 a day are
-- followed.
insert into gateway_stream as known (
    gateway, stream, dropped, last_seq, announced, dropped_envelopes, dropped_readings, first_at, reported_at
)
select
    $1, $2,
    (
        select coalesce(range_agg(seq_span(part.first, least(part.last, $5))), '{}')
        from unnest($3::int8[], $4::int8[]) as part (first, last)
    ),
    $5, $6, $7, $8, $9, $9
where exists (select from gateway_stream where gateway = $1 and stream = $2) or $10 > (
    select count(*) from gateway_stream where gateway = $1 and first_at > $9::timestamptz - interval '1 day'
)
on conflict (gateway, stream) do update set
    dropped = (known.dropped + excluded.dropped) * seq_span(known.settled_to + 1, 9223372036854775807),
    last_seq = greatest(known.last_seq, excluded.last_seq),
    announced = greatest(known.announced, excluded.announced),
    dropped_envelopes = greatest(known.dropped_envelopes, excluded.dropped_envelopes),
    dropped_readings = greatest(known.dropped_readings, excluded.dropped_readings),
    first_at = least(known.first_at, excluded.first_at),
    reported_at = greatest(known.reported_at, excluded.reported_at);

-- name: follow_day
-- The highest number heard of on a day of the unit's zone; where the unit is unknown, of the country's. Only of streams
-- that are followed.
insert into gateway_day as known (gateway, stream, day, last_seq)
select $1, $2, ($4::timestamptz at time zone coalesce(
    (select u.time_zone from gateway as g join unit as u using (unit_id) where g.code = $1), $5
))::date, $3
where exists (select from gateway_stream where gateway = $1 and stream = $2)
on conflict (gateway, stream, day) do update set last_seq = excluded.last_seq
where known.last_seq < excluded.last_seq;

-- name: silent
-- Gateways that post over HTTP and have let nothing be heard since $1, neither a status nor an envelope, are offline.
with silent as (
    select status.gateway from gateway_status as status
    where status.online and status.carrier = 'http' and status.heard_at < $1 and not exists (
        select from gateway_stream as s where s.gateway = status.gateway and s.latest_at >= $1
    )
    order by status.gateway collate "C" for update of status
)
update gateway_status as status set online = false from silent where status.gateway = silent.gateway;
