-- 0004_board_ingest: what boards see of gateways and ingest, and rejects that are kept once however often they come.

create unique index rejects_once on rejects (topic, stream, seq, reading_index, code) nulls not distinct
where stream is not null;
comment on index rejects_once is 'A message that comes again is refused again, but kept once.';
create unique index rejects_unidentified_once on rejects (topic, md5(payload), code)
where stream is null;
comment on index rejects_unidentified_once is 'The same for messages whose stream cannot be read.';

create view board.gateway as
select
    gateway.code as gateway,
    gateway.region,
    unit.code as unit,
    unit.name_zh,
    unit.name_en,
    coalesce(status.online, false) as online,
    status.reported_at is not null as seen,
    status.reported_at,
    status.stream,
    status.last_seq,
    status.kept_from,
    case when status.kept_from is null then 0 else status.last_seq - status.kept_from + 1 end as kept,
    coalesce((
        select sum((item ->> 'last')::int8 - (item ->> 'first')::int8 + 1)::int8
        from jsonb_array_elements(status.dropped) as item
    ), 0) as dropped
from gateway
join unit using (unit_id)
left join gateway_status as status on status.gateway = gateway.code;
comment on view board.gateway is 'Each registered gateway with its last status: seen (ever), online, and how many envelopes it keeps unconfirmed (at most) and has dropped.';

create view board.freshness as
select
    unit.code as unit,
    gateway.code as gateway,
    meter.code as meter,
    meter.carrier,
    point.code as point,
    point.point_id,
    point.interval_s,
    latest.ts as latest_at,
    latest.value as latest_value,
    latest.quality as latest_quality
from point
join meter using (meter_id)
join unit using (unit_id)
join gateway using (gateway_id)
left join lateral (
    select ts, value, quality from readings
    where readings.point_id = point.point_id
    order by ts desc limit 1
) as latest on true;
comment on view board.freshness is 'The newest reading of each point, one step down the index per point; null where there never was one.';

create view board.ingest_rate as
select
    date_bin('1 minute', committed_at, timestamptz '2000-01-01 00:00:00+00') as minute,
    worker,
    count(*) as batches,
    sum(envelopes)::int8 as envelopes,
    sum(offered)::int8 as offered,
    sum(stored)::int8 as stored,
    sum(duplicates)::int8 as duplicates,
    sum(conflicts)::int8 as conflicts,
    sum(rejected)::int8 as rejected
from ingest_batch
group by 1, 2;
comment on view board.ingest_rate is 'What ingest did per minute of data time and worker; offered = stored + duplicates + conflicts + rejected.';
