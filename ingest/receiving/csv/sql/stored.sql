-- What an upload is compared with.

-- name: stored_readings
-- What is stored at some times of some points: $2 has an array of times, as text, for each code of $1; $3 and $4 are the
-- earliest and latest of all of them, so that only the chunks between them are looked into. The offset keeps the
-- planner from anything but steps down each point's index: it took a join, now and then, that reads whole chunks.
select k.position, r.ts, r.value, r.quality
from unnest($1::text[], $2::text[]) with ordinality as k (code, times, position)
join point p on p.code = k.code
cross join lateral (
    select ts, value, quality from readings
    where point_id = p.point_id and ts = any(k.times::timestamptz[]) and ts between $3 and $4
    offset 0
) r;
