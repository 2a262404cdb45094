-- name: units
-- The units of $2 (null: all), and up to when any of their carriers is complete at $1, in order of their ids.
select u.unit_id, u.code, u.name_zh, u.name_en, u.district, u.industry,
    case when r.ready > $1 then $1 else r.ready end as at
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
    select u.unit_id, u.today - d.day as ago, sum(d.kgce)::float8 as kgce, count(*) as carriers,
        bool_and(d.quality < 4) and coalesce(sum(d.covered_s) >= 0.9 * sum(d.due_s), true) as sound
    from (
        select unit_id, ($1::timestamptz at time zone time_zone)::date as today from unit
        where $2::int4[] is null or unit_id = any($2)
    ) u
    cross join lateral (
        select day, kgce, quality, covered_s, due_s from unit_day d
        where d.unit_id = u.unit_id and d.day between u.today - 35 and u.today - 1
        offset 0
    ) d
    group by u.unit_id, u.today, d.day
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

-- name: delivery
-- How far gate points of units $2 (null: all) are behind at $1, of the carrier that is furthest behind, and how many have
-- never delivered; of all carriers, but for what is produced on site. Points are looked at one by one only where one of
-- the carrier has never delivered.
with gates as (
    select b.unit_id, b.carrier, ($1::timestamptz at time zone u.time_zone)::date as today
    from balance_point b join unit u using (unit_id)
    where b.flow <> 'produced' and ($2::int4[] is null or b.unit_id = any($2))
    group by b.unit_id, b.carrier, u.time_zone
),
carriers as (
    select g.unit_id, coalesce(l.ready, q.ready) as ready, q.missing
    from gates g
    left join lateral (
        select ready from unit_day d
        where d.unit_id = g.unit_id and d.carrier = g.carrier and d.day <= g.today order by day desc limit 1
    ) l on true
    cross join lateral (
        select count(*) filter (where n.ready is null) as missing, min(n.ready) as ready
        from balance_point b
        left join lateral (
            select ready from consumption_15min c
            where c.point_id = b.point_id and c.ts < $1::timestamptz order by c.ts desc limit 1
        ) n on true
        where l.ready is null and b.unit_id = g.unit_id and b.carrier = g.carrier and b.flow <> 'produced'
    ) q
)
select unit_id, sum(missing) as missing,
    case when min(ready) < $1 then extract(epoch from $1::timestamptz - min(ready)) / 3600
        when min(ready) >= $1 then 0 end as lag_h
from carriers group by unit_id

-- name: completeness
-- Of the last whole day, and of the month's, the share that lies between readings, over gate points of units $2 (null:
-- all) at $1 of carriers that have delivered before; a day without any row is due as well.
with gates as (
    select b.unit_id, b.carrier, count(*) as points, u.time_zone as zone,
        ($1::timestamptz at time zone u.time_zone)::date as today
    from balance_point b join unit u using (unit_id)
    where b.flow <> 'produced' and ($2::int4[] is null or b.unit_id = any($2))
    group by b.unit_id, b.carrier, u.time_zone
),
carriers as (
    select g.unit_id, c.yesterday_s, c.month_s,
        g.points * extract(epoch from day_start(g.today, g.zone) - day_start(g.today - 1, g.zone)) as yesterday_due,
        g.points * extract(epoch from day_start(g.today, g.zone)
            - day_start(greatest(date_trunc('month', g.today)::date, f.day), g.zone)) as month_due
    from gates g
    cross join lateral (
        select day from unit_day d
        where d.unit_id = g.unit_id and d.carrier = g.carrier and d.metered_quality is not null and d.day < g.today
        order by day limit 1
    ) f
    cross join lateral (
        select coalesce(sum(covered_s) filter (where day = g.today - 1), 0) as yesterday_s,
            coalesce(sum(covered_s) filter (where day >= date_trunc('month', g.today)), 0) as month_s
        from unit_day d
        where d.unit_id = g.unit_id and d.carrier = g.carrier and d.day < g.today
            and d.day >= least(date_trunc('month', g.today)::date, g.today - 1)
    ) c
)
select unit_id, sum(yesterday_s) / nullif(sum(yesterday_due), 0) as completeness_day,
    sum(month_s) / nullif(sum(month_due), 0) as completeness_month
from carriers group by unit_id

-- name: factors
-- Carriers of units $2 (null: all) without a factor in force on the day of $1, or with a provisional one; and how much of
-- the whole days of the month rests on provisional ones. Nothing is known before accounting has loaded any factors.
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
    where exists (select from carrier_factor)
    group by c.unit_id
)
select h.unit_id, h.factor_missing, h.factor_provisional, e.provisional_share
from held h
left join (
    select unit_id, coalesce(sum(provisional), 0) / nullif(sum(kgce), 0) as provisional_share from energy group by unit_id
) e using (unit_id)

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
