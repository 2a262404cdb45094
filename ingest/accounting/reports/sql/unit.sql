-- What a report of a unit reads. $1 is the unit's code, unless said otherwise; kind is month or statistics_month.

-- name: unit
-- Who it is.
select u.unit_id, u.code, u.name_zh, u.name_en, u.district, u.industry, u.size_class, u.time_zone, u.statistics_day,
    r.region
from unit u join unit_region r using (unit_id) where u.code = $1;

-- name: updating
-- Whether something of unit $1 (its id) waits to be computed again, of the days from $2 to $3 or the time from $4 to $5.
select
    exists (select from unit_dirty where unit_id = $1 and since <= $3 and until >= $2)
    or exists (
        select from derivation_dirty d cross join unnest(d.points, d.since, d.until) as m (point_id, since, until)
        join balance_point b using (point_id)
        where b.unit_id = $1 and m.since < $5 and m.until >= $4
    );

-- name: carriers
-- The balance of month $3 of kind $2 per carrier; of carriers that have gate meters (of unit $4, its id) and no data, nulls.
-- Coverage is over the time from $5 to $6, days without data too; suspect: a day from $7 to $8 is.
with used as (
    select carrier, unit_of_measure, purchased, renewable, produced, sold, stock_decrease, amount, feedstock, tce,
        tce_equal, tco2, quality, by_hand, provisional, days
    from board.unit_month where unit = $1 and month = $3 and $2 = 'month'
    union all
    select carrier, unit_of_measure, purchased, renewable, produced, sold, stock_decrease, amount, feedstock, tce,
        tce_equal, tco2, quality, by_hand, provisional, days
    from board.unit_statistics_month where unit = $1 and month = $3 and $2 = 'statistics_month'
)
select
    c.carrier, u.unit_of_measure as unit, u.purchased, u.renewable, u.produced, u.sold, u.stock_decrease,
    u.amount as consumed, u.feedstock, u.tce, u.tce_equal, u.tco2, u.quality,
    case when m.due_s > 0 then least(1, round(
        m.covered_s / (m.due_s::numeric / m.days / 86400 * extract(epoch from $6::timestamptz - $5::timestamptz)), 4
    )) end as coverage,
    exists (
        select from unit_day d
        where d.unit_id = $4 and d.carrier = c.carrier and d.day between $7 and $8 and d.quality = 3
    ) as suspect,
    coalesce(u.by_hand, false) as by_hand, coalesce(u.provisional, false) as provisional, coalesce(u.days, 0) as days
from (select carrier from used union select carrier from balance_point where unit_id = $4) c
left join used u using (carrier)
left join unit_month m on m.unit_id = $4 and m.kind = $2 and m.month = $3 and m.carrier = c.carrier
order by u.tce desc nulls last, c.carrier;

-- name: days
-- All carriers together per day from $2 to $3; quality by its number. partial: of some carrier of unit $4 (its id) the day
-- is not known: it has gate meters or stock takings and no row, or the next taking of its stock is yet to come.
with due as (
    select carrier, null::date as taken from balance_point where unit_id = $4 and flow <> 'produced' group by carrier
    union all
    select carrier, max(last_day) from balance_entry where unit_id = $4 and kind = 'stock' group by carrier
)
select day, sum(tce) as tce, sum(tce_equal) as tce_equal, sum(tco2) as tco2, count(*)::int4 as carriers,
    max(array_position(array['measured', 'estimated', 'substituted', 'suspect', 'missing'], quality)) - 1 as quality,
    exists (
        select from due
        where b.day > due.taken or not exists (
            select from unit_day d where d.unit_id = $4 and d.day = b.day and d.carrier = due.carrier
        )
    ) as partial
from board.unit_day b where unit = $1 and day between $2 and $3
group by day order by day;

-- name: assessed
-- The assessed total of the period of kind $2 that is named by $3, and how certificates count.
select tce, tce_equal, feedstock_tce, feedstock_tce_equal, certificate_mwh, certificate_tce, assessed_tce,
    assessed_tce_equal, provisional, suspect, v.convention as certificate_convention, v.source as certificate_source
from board.assessed
cross join lateral (
    select convention, source from certificate_convention where valid_from <= $3 order by valid_from desc limit 1
) v
where unit = $1 and period = $2 and period_start = $3;

-- name: products
-- Each registered product with its output and intensity of the period of kind $2 that is named by $3.
select p.code as product, p.name_zh, p.name_en, p.unit, p.quota_key, i.output, coalesce(i.by_hand, false) as by_hand,
    i.kgce, i.kgce_equal, i.kwh, i.kgce_per_output, i.kgce_equal_per_output, i.kwh_per_output,
    i.days as energy_days, i.output_days, coalesce(i.suspect, false) as suspect
from product p join unit u using (unit_id)
left join board.product_intensity i
    on i.unit = u.code and i.product = p.code and i.period = $2 and i.period_start = $3
where u.code = $1
order by p.code;

-- name: output_value
-- Output value of the period of kind $2 that is named by $3, and energy for it.
select output_value, tce_per_value, tce_equal_per_value, days as energy_days, output_days, suspect from board.value_intensity
where unit = $1 and period = $2 and period_start = $3;

-- name: quotas
-- Quotas of unit $1 (its id) in the month that begins on $2, its statistics month, quarter and year; of daily ones the day with
-- most use. Of a period of which nothing is known what was used is not known either; suspect: a day of it is. Of several
-- alerts the one that stands gravest.
select q.code as quota, q.measure, q.period, coalesce(s.period_start, p.first) as period_start, q.source,
    coalesce(s.limit_value::numeric, q.limit_value) as "limit", q.limit_unit,
    case when d.days > 0 then s.used::numeric end as used, case when d.days > 0 then round(s.used_share::numeric, 6) end as share,
    case when d.days > 0 then s.projected::numeric end as projected,
    case when s.quota_id is not null then coalesce(a.state, 'inactive') end as state, s.verdict, s.colour, s.ready,
    coalesce(d.suspect, false) as suspect
from quota q
join unit u using (unit_id)
cross join lateral (
    select 'day' as period, $2::date as first, ($2::date + interval '1 month')::date as after
    union all
    select kind, first_day, last_day + 1 from months_of($2, $2, u.statistics_day) where month = $2
    union all
    select 'statistics_month', $2, ($2::date + interval '1 month')::date where u.statistics_day = 1
    union all
    select 'quarter', date_trunc('quarter', $2::timestamp)::date, (date_trunc('quarter', $2::timestamp) + interval '3 months')::date
    union all
    select 'year', date_trunc('year', $2::timestamp)::date, (date_trunc('year', $2::timestamp) + interval '1 year')::date
) p
left join lateral (
    select * from quota_figure s
    where s.quota_id = q.quota_id and s.period_start >= p.first and s.period_start < p.after
    order by s.used_share desc nulls last, s.period_start limit 1
) s on true
left join lateral (
    select a.state from alert a
    where a.subject = 'quota' and a.subject_id = q.quota_id and a.period_start = s.period_start
    order by array_position(
        array['firing', 'acknowledged', 'silenced', 'pending', 'corrected', 'resolved', 'inactive'], a.state), a.since desc
    limit 1
) a on true
cross join lateral (
    select count(*) as days, bool_or(d.quality = 3) as suspect from unit_day d
    where d.unit_id = $1 and d.day >= coalesce(s.period_start, p.first)
        and d.day < case when q.period = 'day' then coalesce(s.period_start, p.first) + 1 else p.after end
        and case
            when exists (select from carrier_factor f where f.carrier = q.measure) then d.carrier = q.measure
            when q.measure in ('demand', 'kwh_per_output') then d.carrier = 'electricity'
            else true
        end
) d
where q.unit_id = $1 and p.period = q.period and q.valid_from < p.after and (q.valid_to is null or q.valid_to > p.first)
order by array_position(array['month', 'statistics_month', 'quarter', 'year', 'day'], q.period), q.code;

-- name: factors
-- The factors of unit $1 (its id) and carriers $2 in force on a day from $3 to $4.
select f.carrier, nullif(f.valid_from, '1900-01-01') as valid_from, nullif(f.valid_to, 'infinity') as valid_to, f.unit,
    f.kgce, f.kgce_equal, f.kgco2, f.provisional, f.region, f.source, m.author, m.reason
from factor_in_force f left join unit_factor m using (unit_factor_id)
where f.unit_id = $1 and f.carrier = any($2::text[]) and f.valid_from <= $4 and f.valid_to > $3
order by f.carrier, f.valid_from;

-- name: points
-- The points of unit $1 (its id) that count in the balance or meter a product: their quarter hours from $2 to $3 by quality
-- and method.
select p.code as point, m.code as meter, c.carrier, c.level, c.flow, d.unit_of_measure as unit, c.quantum, i.quality,
    i.method, i.quanta, i.intervals
from counted_point c
join point p using (point_id)
join meter m on m.meter_id = c.meter_id
join described_point d using (point_id)
left join lateral (
    select v.quality, v.method, sum(v.quanta) as quanta, count(*) as intervals
    from validated_15min v
    where v.point_id = c.point_id and v.ts >= $2 and v.ts < $3
    group by v.quality, v.method
) i on true
where c.unit_id = $1 and (c.flow <> 'internal' or exists (select from product q where q.point_id = c.point_id))
order by c.carrier, c.flow, p.code, i.quality, i.method;

-- name: entries
-- Entries in force that touch the days from $2 to $3, and the takings of stock right before and right after them.
select entry_id as number, kind, subject, first_day, last_day, amount, unit_of_measure as unit, given, given_unit,
    source, document, author, reason, recorded_at
from board.entry e
where unit = $1 and in_force and (
    first_day <= $3 and last_day >= $2
    or kind = 'stock' and last_day in (
        (select max(last_day) from board.entry b
         where b.unit = $1 and b.in_force and b.kind = 'stock' and b.subject = e.subject and b.last_day < $2),
        (select min(last_day) from board.entry a
         where a.unit = $1 and a.in_force and a.kind = 'stock' and a.subject = e.subject and a.last_day > $3)
    )
)
order by entry_id;

-- name: edits
-- Edits in force that touch the time from $2 to $3, and ratios that began before it.
select edit_id as number, point, kind, since, until, old_end, new_start, ratio, amount, unit_of_measure as unit, author,
    reason, document, recorded_at
from board.edit
where unit = $1 and in_force and since < $3 and (until >= $2 or ratio is not null)
order by point, since, edit_id;

-- name: findings
-- What checks found of the days from $2 to $3, per point and check.
select point, "check", severity, count(*)::int4 as times, min(day) as first_day, max(day) as last_day,
    round(sum(extract(epoch from until - since)) / 3600, 2) as hours
from board.finding
where unit = $1 and day between $2 and $3
group by point, "check", severity
order by severity, point, "check";
