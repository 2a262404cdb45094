-- What a unit's month is judged by. Days are of the unit's zone; $1 is the unit's id, times are half open.

-- name: units
-- The chosen units, or all of them; those of a district where $2 is the beginning of its code.
select unit_id, code, name_zh, name_en, district, time_zone, statistics_day from unit
where ($1::text[] is null or code = any($1)) and district like $2 || '%' order by code;

-- name: points
-- Each counted point with the seconds from $2 to $3 that are measured, and those of them that nothing makes suspect.
select
    p.code as point, p.carrier, p.flow <> 'internal' as gate,
    coalesce(sum(c.covered_s) filter (where own.quality in (0, 3)), 0)::int8 as measured_s,
    coalesce(sum(c.covered_s) filter (where own.quality in (0, 3) and c.quality = 0), 0)::int8 as trusted_s
from counted_point p
left join validated_15min c on c.point_id = p.point_id and c.ts >= $2 and c.ts < $3
left join consumption_15min own on own.point_id = c.point_id and own.ts = c.ts and own.ts >= $2 and own.ts < $3
where p.unit_id = $1
group by p.code, p.carrier, p.flow
order by p.code;

-- name: day_borders
-- Of each gate point: how many of the borders $2 have a reading within $3.
select p.code as point, count(*) filter (where exists (
    select from readings r
    where r.point_id = p.point_id and r.ts between b.border - $3::interval and b.border + $3::interval and r.quality <> 3
)) as in_time
from counted_point p cross join unnest($2::timestamptz[]) as b (border)
where p.unit_id = $1 and p.flow <> 'internal'
group by p.code;

-- name: month_borders
-- Of each gate point: the greatest distance, over the borders $2, of the reading nearest to it within $3; null for none.
select p.code as point, case when count(*) = count(d.away) then max(d.away) end as away
from counted_point p
cross join unnest($2::timestamptz[]) as b (border)
left join lateral (
    select extract(epoch from least(
        b.border - (select r.ts from readings r where r.point_id = p.point_id and r.quality <> 3
            and r.ts <= b.border and r.ts > b.border - $3::interval order by r.ts desc limit 1),
        (select r.ts from readings r where r.point_id = p.point_id and r.quality <> 3
            and r.ts >= b.border and r.ts < b.border + $3::interval order by r.ts limit 1) - b.border
    ))::float8 as away
) d on true
where p.unit_id = $1 and p.flow <> 'internal'
group by p.code;

-- name: silences
-- Gaps that reach into the time from $2 to $3, from their beginning on, and the silence at its end, as far back as $4. A
-- point that has never been read is not silent: completeness says what it lacks.
select p.code as point, g.began as since, least(g.ended, $3) as until
from counted_point p join gap g using (point_id)
where p.unit_id = $1 and g.began < $3 and g.ended > $2
union all
select p.code, coalesce(last.ts, $2), $3
from counted_point p
left join lateral (
    select r.ts from readings r
    where r.point_id = p.point_id and r.ts < $3 and r.ts >= $4 and r.quality <> 3 order by r.ts desc limit 1
) last on true
where p.unit_id = $1 and (last.ts is not null or exists (
    select from readings r where r.point_id = p.point_id and r.ts < $4 and r.quality <> 3
)) and not exists (
    select from gap g where g.point_id = p.point_id and g.began < $3 and g.ended >= $3
);

-- name: statements
-- What the unit stated for exactly the days from $2 to $3, and what its days add up to.
select e.subject as carrier, e.amount as stated, e.unit, (
    select sum(d.amount) from unit_day d
    where d.unit_id = e.unit_id and d.carrier = e.subject and d.day between $2 and $3
) as days
from entry e
where e.unit_id = $1 and e.kind = 'statement' and e.first_day = $2 and e.last_day = $3
    and e.replaced_by is null and e.undone_at is null
order by e.subject;

-- name: replacements
-- Replacements on record that happened from $2 to $3, and when they were recorded.
select p.code as point, e.until as happened, e.recorded_at as recorded
from edit e join counted_point p using (point_id)
where p.unit_id = $1 and e.kind = 'replacement' and e.undone_at is null and e.until >= $2 and e.until < $3
order by e.until, p.code;
