-- What ingest reads of the registry, and the hints that it keeps about readings.

-- name: gateways
-- Every gateway.
select code, gateway_id from gateway;

-- name: count_points
-- How many points there are.
select count(*) from point;

-- name: points
-- Every point, each field of a fixed width: codes filled up to 64 bytes, NaN for no bound.
select rpad(code, 64), point_id, gateway_id, coalesce(low, 'nan'), coalesce(high, 'nan'), coalesce(max_rate, 'nan')
from point;

-- name: keep_flags
-- Keep what looks wrong about stored readings; the first hint of a kind on a reading stays.
insert into reading_flags (point_id, ts, flag, detail, batch)
select f.point_id, f.ts, $1, f.detail, $2 from unnest($3::int4[], $4::timestamptz[], $5::text[]) as f (point_id, ts, detail)
order by f.point_id, f.ts
on conflict do nothing;
