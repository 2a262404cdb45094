-- 0018_intensity: production, energy per product and per output value, and the assessed total, per month, quarter and year.

create function months_of(first date, last date, statistics_day int2)
returns table (kind text, month date, first_day date, last_day date) language sql immutable parallel safe as $$
    select 'month', m::date, m::date, (m + interval '1 month')::date - 1
    from generate_series(date_trunc('month', first::timestamp), last::timestamp, interval '1 month') as m
    union all
    select 'statistics_month', m::date, (m - interval '1 month')::date + statistics_day - 1, m::date + statistics_day - 2
    from generate_series(
        date_trunc('month', first::timestamp), last::timestamp + interval '1 month', interval '1 month') as m
    where statistics_day > 1 and (m - interval '1 month')::date + statistics_day - 1 <= last
        and m::date + statistics_day - 2 >= first
$$;
comment on function months_of is 'The months that the days from first to last touch: the calendar''s, and those of a unit whose statistics month begins on another day than the 1st, named by the month in which they end.';

create view entry_month as
select
    e.unit_id, m.kind as calendar, e.kind, e.subject, m.month,
    sum(spread_part(e.amount, e.first_day, e.last_day, m.first_day, m.last_day)) as amount,
    sum(least(e.last_day, m.last_day) - greatest(e.first_day, m.first_day) + 1)::int4 as days
from entry e
join unit u using (unit_id)
cross join lateral months_of(e.first_day, e.last_day, u.statistics_day) as m
where e.replaced_by is null and e.undone_at is null
    and e.kind in ('output', 'output_value', 'certificate', 'certificate_base')
group by e.unit_id, m.kind, e.kind, e.subject, m.month;
comment on view entry_month is 'What entries in force put on each month of a calendar (month, statistics_month): an entry runs evenly over its days; days is how many of the month they cover.';

create view product_month as
select p.product_id, e.calendar, e.month, e.amount as output, e.days, true as by_hand
from product p
join entry_month e on e.unit_id = p.unit_id and e.kind = 'output' and e.subject = p.code
union all
select p.product_id, c.kind, c.month, c.quanta * t.quantum, (
        select count(*)::int4 from months_of(c.month, c.month, u.statistics_day) m
        join consumption_day d on d.point_id = c.point_id and d.day between m.first_day and m.last_day
            and d.quanta is not null
        where m.kind = c.kind and m.month = c.month
    ), false
from product p
join point t using (point_id)
join consumption_month c on c.point_id = p.point_id and c.quanta is not null
join unit u on u.unit_id = p.unit_id
where not exists (
    select from entry_month e
    where e.unit_id = p.unit_id and e.kind = 'output' and e.subject = p.code and e.calendar = c.kind and e.month = c.month
);
comment on view product_month is 'Output of each product per month of a calendar: what was filled in; where nothing was, what its point counted. Never both. days is how many of the month it covers.';

create view energy_month as
select
    unit_id, m.kind as calendar, m.month, sum(kgce) as kgce, sum(kgce_equal) as kgce_equal,
    sum(feedstock_kgce) as feedstock_kgce, sum(feedstock_kgce_equal) as feedstock_kgce_equal,
    sum(amount) filter (where carrier = 'electricity') as kwh,
    min(days) filter (where due_s > 0 or exists (
        select from balance_entry b where b.unit_id = m.unit_id and b.carrier = m.carrier and b.kind = 'stock'
    ))::int4 as days,
    max(days) filter (where carrier = 'electricity')::int4 as kwh_days,
    bool_or(quality = 3) as suspect,
    -- A stock taking that cannot be: what it makes of its days is no use of energy, however much other days add to it.
    coalesce(bool_or(quality >= 3 and exists (
        select from unit_day d
        where d.unit_id = m.unit_id and d.carrier = m.carrier and d.quality = 3 and d.stock_decrease < 0 and d.amount < 0
            and d.day between o.first_day and o.last_day
    )), false) as impossible,
    bool_or(provisional) as provisional
from unit_month m
join unit u using (unit_id)
cross join lateral (
    select o.first_day, o.last_day from months_of(m.month, m.month, u.statistics_day) o
    where o.kind = m.kind and o.month = m.month
) o
group by unit_id, m.kind, m.month;
comment on view energy_month is 'All carriers of a unit together, per month of a calendar. days: of so many all carriers are known that have gate meters or stock takings, null where none has (an invoice covers what days it will); kwh_days of electricity; suspect: one of them is; impossible: a stock taking makes days of one negative.';

create function periods_of(calendar text, month date) returns table (period text, period_start date)
language sql immutable parallel safe as $$
    select 'month', month where calendar = 'month'
    union all
    select 'quarter', date_trunc('quarter', month)::date where calendar = 'month'
    union all
    select 'year', date_trunc('year', month)::date where calendar = 'month'
    union all
    select calendar, month where calendar <> 'month'
$$;
comment on function periods_of is 'The month, the quarter and the year that a calendar month belongs to, each by its first day; a statistics month is one by itself.';

create view board.product_intensity as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry, p.code as product,
    p.name_zh as product_name_zh, p.name_en as product_name_en, s.period, s.period_start, sum(o.output) as output,
    p.unit as unit_of_measure, count(*)::int4 as months, count(e.month)::int4 as energy_months,
    sum(e.kgce) as kgce, sum(e.kgce_equal) as kgce_equal, sum(e.kwh) as kwh,
    case when bool_and(k.whole) and sum(e.kgce) >= 0 then round(sum(e.kgce) / nullif(sum(o.output), 0), 6) end
        as kgce_per_output,
    case when bool_and(k.whole) and sum(e.kgce) >= 0 then round(sum(e.kgce_equal) / nullif(sum(o.output), 0), 6) end
        as kgce_equal_per_output,
    case when bool_and(k.kwh_whole) and sum(e.kwh) >= 0 then round(sum(e.kwh) / nullif(sum(o.output), 0), 6) end
        as kwh_per_output,
    bool_or(o.by_hand) as by_hand, p.quota_key, sum(o.days)::int4 as output_days,
    sum(least(coalesce(e.days, case when e.month is not null then o.days end, 0), o.days))::int4 as days,
    coalesce(bool_or(e.suspect), false) as suspect
from product_month o
join product p using (product_id)
join unit u using (unit_id)
left join energy_month e on e.unit_id = p.unit_id and e.calendar = o.calendar and e.month = o.month
cross join lateral (
    select e.kgce is not null and coalesce(e.days, o.days) >= o.days and not e.impossible as whole,
        e.kwh is not null and e.kwh_days >= o.days as kwh_whole
) k
cross join lateral periods_of(o.calendar, o.month) s
group by u.unit_id, p.product_id, s.period, s.period_start;
comment on view board.product_intensity is
    'Output of each product and the energy of its whole unit for it, per period (month, statistics_month, quarter, year; ask for one): standard coal by calorific value and by equal value, and electricity, in all and per unit of output. Energy is that of the months that have output: months of them, energy_months with data; output covers output_days, and of days of these all energy is known; where that is fewer, or where energy is below zero or a stock taking makes it so, there is no intensity; suspect where some of the energy is. A unit with several products shows all its energy for each. by_hand where output was filled in; quota_key names the product''s quota standard.';

create view board.value_intensity as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry, s.period,
    s.period_start, sum(o.amount) as output_value, count(*)::int4 as months, count(e.month)::int4 as energy_months,
    trim_scale(sum(e.kgce) / 1000) as tce, trim_scale(sum(e.kgce_equal) / 1000) as tce_equal,
    case when bool_and(k.whole) and sum(e.kgce) >= 0 then round(sum(e.kgce) / 1000 / nullif(sum(o.amount), 0), 6) end
        as tce_per_value,
    case when bool_and(k.whole) and sum(e.kgce) >= 0
        then round(sum(e.kgce_equal) / 1000 / nullif(sum(o.amount), 0), 6) end as tce_equal_per_value,
    sum(o.days)::int4 as output_days,
    sum(least(coalesce(e.days, case when e.month is not null then o.days end, 0), o.days))::int4 as days,
    coalesce(bool_or(e.suspect), false) as suspect
from entry_month o
join unit u using (unit_id)
left join energy_month e on e.unit_id = o.unit_id and e.calendar = o.calendar and e.month = o.month
cross join lateral (
    select e.kgce is not null and coalesce(e.days, o.days) >= o.days and not e.impossible as whole
) k
cross join lateral periods_of(o.calendar, o.month) s
where o.kind = 'output_value'
group by u.unit_id, s.period, s.period_start;
comment on view board.value_intensity is
    'Output value of each unit, in 10^4 yuan at constant prices, and its energy for it, per period (month, statistics_month, quarter, year; ask for one), in all and per 10^4 yuan; the rest as in board.product_intensity.';

create view assessed_month as
select
    e.unit_id, calendar, month, e.kgce, e.kgce_equal, e.feedstock_kgce, e.feedstock_kgce_equal,
    coalesce(c.mwh, 0) as certificate_mwh,
    coalesce(c.mwh, 0) * 1000 * case v.convention when 'equal' then f.kgce_equal else f.kgce end as certificate_kgce,
    e.provisional or coalesce(c.mwh, 0) <> 0 and f.provisional as provisional, e.suspect
from energy_month e
left join (
    select unit_id, calendar, month, sum(case kind when 'certificate' then amount else -amount end) as mwh
    from entry_month where kind in ('certificate', 'certificate_base') group by unit_id, calendar, month
) c using (unit_id, calendar, month)
cross join lateral (
    select convention from certificate_convention where valid_from <= month order by valid_from desc limit 1
) v
join factor_in_force f
    on f.unit_id = e.unit_id and f.carrier = 'electricity' and f.valid_from <= month
    and f.valid_to > month;
comment on view assessed_month is 'Per unit and month of a calendar what makes up the assessed total; certificates by the convention and the factor of electricity of the first day of the month that names it. A month of which no energy is known is not there: certificates alone would make it negative.';

create view board.assessed as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry, s.period,
    s.period_start, trim_scale(sum(a.kgce) / 1000) as tce, trim_scale(sum(a.kgce_equal) / 1000) as tce_equal,
    trim_scale(sum(a.feedstock_kgce) / 1000) as feedstock_tce, trim_scale(sum(a.feedstock_kgce_equal) / 1000) as feedstock_tce_equal,
    sum(a.certificate_mwh) as certificate_mwh, trim_scale(sum(a.certificate_kgce) / 1000) as certificate_tce,
    trim_scale(sum(a.kgce - a.feedstock_kgce - a.certificate_kgce) / 1000) as assessed_tce,
    trim_scale(sum(a.kgce_equal - a.feedstock_kgce_equal - a.certificate_kgce) / 1000) as assessed_tce_equal,
    bool_or(a.provisional) as provisional, bool_or(a.suspect) as suspect
from assessed_month a
join unit u using (unit_id)
cross join lateral periods_of(a.calendar, a.month) s
group by u.unit_id, s.period, s.period_start;
comment on view board.assessed is
    'The assessed total (考核能耗) of each unit per period (month, statistics_month, quarter, year; ask for one), beside what it is made of: the total less feedstock less green certificates beyond their base, which count by certificate_convention. Months of which no energy is known have no part in it. provisional where a factor is not yet published, suspect where some of the energy is.';
