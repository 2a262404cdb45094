-- The courses of units' use. Days and their classes are parameters, as is every local day: SQL asks no clock.

-- name: states
-- Units that have a quota of their own or in a group, each with the state of its courses, of $1 alone or of all: the oldest
-- day that they are as of and the oldest year that they know, null where a course is missing or was changed. Measures $2
-- have none.
select w.unit_id, u.time_zone,
    case when bool_and(c.as_of is not null and not c.recent_changed) then min(c.as_of) end as as_of,
    case when bool_and(c.as_of is not null and not c.year_changed) then min(c.year)::int4 end as year
from (
    select distinct m.unit_id, q.measure from quota_unit m join quota q using (quota_id) where q.measure <> all($2::text[])
) w
join unit u using (unit_id)
left join unit_course c using (unit_id, measure)
where $1::int4[] is null or w.unit_id = any($1::int4[])
group by w.unit_id, u.time_zone
order by w.unit_id

-- name: changed
-- Note that days of units $1 changed, from $2 on each: what was summed of them is to be summed again.
update unit_course c
set recent_changed = c.recent_changed or t.since < c.as_of - $3::int4, year_changed = c.year_changed or t.since < make_date(c.year + 1, 1, 1)
from unnest($1::int4[], $2::date[]) as t (unit_id, since)
where c.unit_id = t.unit_id and t.since < c.as_of - $3::int4

-- name: recent
-- Write the four weeks, from $3 until before $4, of units $1 whose local days are $2; $5 says whose calendar is China's, $6 and
-- $7 to which cell each day belongs by that calendar and by weekdays alone, from day $8 on; measures $9 have no course.
with asked as (
    select unit_id, as_of, china from unnest($1::int4[], $2::date[], $5::boolean[]) as t (unit_id, as_of, china)
),
wanted as (
    select distinct w.unit_id, q.measure from quota_unit w join quota q using (quota_id)
    where w.unit_id = any($1::int4[]) and q.measure <> all($9::text[])
),
known as (
    select d.unit_id, d.measure, d.amount,
        (case when a.china then $6::int4[] else $7::int4[] end)[d.day - $8::date + 1] % 3 as class
    from course_days($1::int4[], $3::date[], $4::date[]) d join asked a using (unit_id)
)
insert into unit_course (unit_id, measure, as_of, recent_sum, recent_squares, recent_days)
select unit_id, measure, as_of,
    array[coalesce(sum(amount) filter (where class = 0), 0), coalesce(sum(amount) filter (where class = 1), 0),
        coalesce(sum(amount) filter (where class = 2), 0)]::float8[],
    array[coalesce(sum(amount * amount) filter (where class = 0), 0),
        coalesce(sum(amount * amount) filter (where class = 1), 0),
        coalesce(sum(amount * amount) filter (where class = 2), 0)]::float8[],
    array[count(amount) filter (where class = 0), count(amount) filter (where class = 1),
        count(amount) filter (where class = 2)]::float8[]
from wanted join asked using (unit_id) left join known using (unit_id, measure)
group by unit_id, measure, as_of
order by unit_id, measure
on conflict (unit_id, measure) do update
set (as_of, recent_sum, recent_squares, recent_days, recent_changed) =
    (excluded.as_of, excluded.recent_sum, excluded.recent_squares, excluded.recent_days, false)

-- name: year
-- Likewise the year before, into courses that are there: $2 that year.
with asked as (
    select unit_id, year, china from unnest($1::int4[], $2::int4[], $5::boolean[]) as t (unit_id, year, china)
),
known as (
    select d.unit_id, d.measure, d.amount,
        (case when a.china then $6::int4[] else $7::int4[] end)[d.day - $8::date + 1] as cell
    from course_days($1::int4[], $3::date[], $4::date[]) d join asked a using (unit_id)
),
cells as (
    select unit_id, measure, cell, sum(amount)::float8 as amount, count(*)::float8 as days
    from known group by unit_id, measure, cell
),
sums as (
    select c.unit_id, c.measure, a.year, array_agg(coalesce(k.amount, 0) order by n) as amounts,
        array_agg(coalesce(k.days, 0) order by n) as days
    from asked a
    join unit_course c using (unit_id)
    cross join generate_series(0, 35) n
    left join cells k on k.unit_id = c.unit_id and k.measure = c.measure and k.cell = n
    group by c.unit_id, c.measure, a.year
)
update unit_course c set (year, year_sum, year_days, year_changed) = (s.year, s.amounts, s.days, false)
from sums s where s.unit_id = c.unit_id and s.measure = c.measure

-- name: courses
-- All courses, of units $1 alone or of all: measure is its place in $2, china whether the zone of the unit is one of $3.
select c.unit_id, array_position($2::text[], c.measure)::int4, (u.time_zone = any($3::text[]))::int4, c.as_of,
    c.recent_sum, c.recent_squares, c.recent_days, c.year_sum, c.year_days
from unit_course c join unit u using (unit_id)
where ($1::int4[] is null or c.unit_id = any($1::int4[])) and c.measure = any($2::text[])
order by 1, 2
