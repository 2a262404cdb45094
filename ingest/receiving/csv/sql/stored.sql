-- What an upload is compared with.

-- name: stored_readings
-- What is stored for some (point, time), by position in the two arrays; $3 and $4 are the earliest and latest of the
-- times, so that only the chunks between them are looked into.
select k.position, r.value, r.quality
from unnest($1::text[], $2::timestamptz[]) with ordinality as k (code, ts, position)
join point p on p.code = k.code
join readings r on r.point_id = p.point_id and r.ts = k.ts
where r.ts between $3 and $4;
