-- What the gateways say of themselves, and what is known of their streams.

-- name: follow_status
-- The last status of a gateway; a last will knows only that the gateway is gone, so the rest stays as reported.
insert into gateway_status as known (gateway, region, online, stream, kept_from, last_seq, dropped, reported_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (gateway) do update set
    region = excluded.region,
    online = excluded.online,
    stream = coalesce(excluded.stream, known.stream),
    kept_from = case when excluded.stream is null then known.kept_from else excluded.kept_from end,
    last_seq = case when excluded.stream is null then known.last_seq else excluded.last_seq end,
    dropped = case when excluded.stream is null then known.dropped else excluded.dropped end,
    reported_at = case
        when excluded.stream is null and known.online = excluded.online then known.reported_at
        else excluded.reported_at
    end;
