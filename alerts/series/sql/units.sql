-- name: units
-- The units of $2 (null: all), and up to when any of their carriers is complete at $1, in order of their ids.
select u.unit_id, u.code, u.name_zh, u.name_en, u.district, u.industry, least(r.ready, $1::timestamptz) as at
from unit u
left join lateral (
    select max(ready) as ready from (
        select ready from unit_day d
        where d.unit_id = u.unit_id and d.day <= ($1::timestamptz at time zone u.time_zone)::date
        order by d.day desc limit 8
    ) newest
) r on true
where $2::int4[] is null or u.unit_id = any($2)
order by u.unit_id;

-- name: step
-- The last whole day, and the last seven, of units $2 (null: all) at $1 against the weeks before. A day counts when every
-- carrier of its unit is there, none of them missing, and nine tenths of it lie between readings.
with days as (
    select d.unit_id, u.today - d.day as ago, sum(d.kgce)::float8 as kgce, count(*) as carriers,
        bool_and(d.quality < 4) and coalesce(sum(d.covered_s) >= 0.9 * sum(d.due_s), true) as sound
    from (
        select unit_id, ($1::timestamptz at time zone time_zone)::date as today from unit
        where $2::int4[] is null or unit_id = any($2)
    ) u
    join unit_day d on d.unit_id = u.unit_id and d.day between u.today - 35 and u.today - 1
    group by d.unit_id, u.today, d.day
),
levels as (
    select unit_id, ago, kgce from (
        select *, max(carriers) over (partition by unit_id) as most from days
    ) every_day
    where sound and carriers = most
),
weeks as (
    select unit_id, (ago - 1) / 7 as week, sum(kgce) as kgce from levels group by unit_id, (ago - 1) / 7 having count(*) = 7
),
day_step as (
    select unit_id, max(kgce) filter (where ago = 1) / nullif(
        case when count(*) filter (where ago > 1) >= 3
            then percentile_cont(0.5) within group (order by kgce) filter (where ago > 1) end, 0) as step_day
    from levels where ago in (1, 8, 15, 22, 29) group by unit_id
),
week_step as (
    select unit_id, max(kgce) filter (where week = 0) / nullif(
        case when count(*) filter (where week > 0) >= 3
            then percentile_cont(0.5) within group (order by kgce) filter (where week > 0) end, 0) as step_week
    from weeks group by unit_id
)
select unit_id, step_day, step_week from day_step full join week_step using (unit_id)

-- name: data
-- How well units $2 (null: all) are measured at $1: gate points of all carriers, but for what is produced on site.
with gates as (
    select b.unit_id, b.carrier, count(*) as points, u.time_zone as zone,
        ($1::timestamptz at time zone u.time_zone)::date as today
    from balance_point b join unit u using (unit_id)
    where b.flow <> 'produced' and ($2::int4[] is null or b.unit_id = any($2))
    group by b.unit_id, b.carrier, u.time_zone
),
placed as (
    select g.*, greatest(date_trunc('month', g.today)::date, f.day) as first, f.day as began, l.ready
    from gates g
    left join lateral (
        select day from unit_day d
        where d.unit_id = g.unit_id and d.carrier = g.carrier and d.metered_quality is not null order by day limit 1
    ) f on true
    left join lateral (
        select ready from unit_day d
        where d.unit_id = g.unit_id and d.carrier = g.carrier and d.day <= g.today order by day desc limit 1
    ) l on f.day <= g.today
),
carriers as (
    select p.*, coalesce(p.ready, q.ready) as delivered, coalesce(q.missing, 0) as missing,
        coalesce(c.yesterday_s, 0) as yesterday_s, coalesce(c.month_s, 0) as month_s,
        case when p.began < p.today
            then p.points * extract(epoch from day_start(p.today, p.zone) - day_start(p.today - 1, p.zone)) end as yesterday_due,
        case when p.first < p.today
            then p.points * extract(epoch from day_start(p.today, p.zone) - day_start(p.first, p.zone)) end as month_due
    from placed p
    left join lateral (
        select count(*) filter (where n.ready is null) as missing, min(n.ready) as ready
        from balance_point b
        left join lateral (
            select ready from consumption_15min c
            where c.point_id = b.point_id and c.ts < $1::timestamptz order by c.ts desc limit 1
        ) n on true
        where b.unit_id = p.unit_id and b.carrier = p.carrier and b.flow <> 'produced'
    ) q on p.ready is null
    left join lateral (
        select sum(covered_s) filter (where day = p.today - 1) as yesterday_s, sum(covered_s) as month_s
        from unit_day d
        where d.unit_id = p.unit_id and d.carrier = p.carrier and d.day between least(p.first, p.today - 1) and p.today - 1
    ) c on true
)
select unit_id,
    max(extract(epoch from $1::timestamptz - least(delivered, $1::timestamptz)) / 3600) as lag_h,
    sum(missing) as missing,
    least(1, sum(yesterday_s) filter (where yesterday_due > 0) / sum(yesterday_due)) as completeness_day,
    least(1, sum(month_s) filter (where month_due > 0) / sum(month_due)) as completeness_month
from carriers group by unit_id

-- name: factors
-- Carriers of units $2 (null: all) without a factor in force on the day of $1, or with a provisional one; and how much of
-- the whole days of the month rests on provisional ones.
with units as (
    select unit_id, ($1::timestamptz at time zone time_zone)::date as today from unit
    where $2::int4[] is null or unit_id = any($2)
),
energy as (
    select d.unit_id, d.carrier, u.today, sum(d.kgce) as kgce, sum(d.kgce) filter (where d.provisional) as provisional
    from units u
    join unit_day d on d.unit_id = u.unit_id and d.day >= date_trunc('month', u.today)::date and d.day < u.today
    group by d.unit_id, d.carrier, u.today
),
carriers as (
    select unit_id, carrier, today from energy
    union
    select b.unit_id, b.carrier, u.today from balance_point b join units u using (unit_id)
),
held as (
    select c.unit_id, count(*) filter (where f.provisional is null) as factor_missing,
        count(*) filter (where f.provisional) as factor_provisional
    from carriers c
    left join lateral (
        select provisional from factor_in_force f
        where f.unit_id = c.unit_id and f.carrier = c.carrier and f.valid_from <= c.today and f.valid_to > c.today
        offset 0
    ) f on true
    group by c.unit_id
)
select h.unit_id, h.factor_missing, h.factor_provisional,
    (select coalesce(sum(e.provisional), 0) / nullif(sum(e.kgce), 0) from energy e where e.unit_id = h.unit_id) as provisional_share
from held h

-- name: entries
-- Days since the last day that units $2 (null: all) had filled in at $1, of the carrier that is furthest behind.
select unit_id, max(behind) as entry_age_d
from (
    select e.unit_id, e.subject, ($1::timestamptz at time zone u.time_zone)::date - max(e.last_day) as behind
    from entry e join unit u using (unit_id)
    where e.kind in ('purchase', 'stock') and ($2::int4[] is null or e.unit_id = any($2))
        and e.recorded_at <= $1 and (e.undone_at is null or e.undone_at > $1)
    group by e.unit_id, e.subject, u.time_zone
) carriers
group by unit_id
