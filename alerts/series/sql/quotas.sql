-- What quotas are judged on. Times are parameters: data time comes from the service's clock.

-- name: version
-- Two numbers that rise with quotas and groups, and with the registry.
select (select version from quota_book) as quotas, (select version from registry_version) as registry

-- name: book
-- Every quota with the names of its subject, in the order of ids; of energy per product the row of the standards (its own,
-- or else its product's) and the level that its limit is.
select q.quota_id, coalesce(q.unit_id, 0) as unit_id, coalesce(u.code, '') as unit, coalesce(u.name_zh, q.key) as name_zh,
    coalesce(u.name_en, q.key) as name_en, q.code as quota, q.measure, q.limit_unit, q.period, q.kind,
    q.subject as subject_kind, q.key, q.product, q.source, q.limit_value, q.valid_from, q.valid_to, q.min_elapsed, q.version,
    q.bands::text as bands, q.profile::text as profile,
    coalesce(nullif(v.spec ->> 'standard', ''), p.quota_key, '') as standard,
    coalesce(v.spec ->> 'level', '') as standard_level,
    coalesce(u.district, case when q.subject in ('district', 'city') then q.key end, '') as district,
    coalesce(u.industry, case when q.subject = 'industry' then q.key end, '') as industry,
    coalesce(u.time_zone, $1) as zone, coalesce(u.statistics_day, 1)::int4 as statistics_day
from quota q
left join unit u using (unit_id)
left join product p on p.unit_id = q.unit_id and p.code = q.product and q.product <> ''
left join quota_version v on (v.quota_id, v.version) = (q.quota_id, q.version) and q.product <> ''
order by q.quota_id

-- name: carriers
-- What units' quotas wait for: of units $2, or of all where that is null; carrier is its place in $1.
select unit_id, array_position($1::text[], carrier) as carrier, metered,
    coalesce(ready, '-infinity') as ready, coalesce(through, '-infinity') as through, coalesce(since, '-infinity') as since
from unit_carrier
where $2::int4[] is null or unit_id = any($2::int4[])

-- name: days
-- Units' day $3: which amounts, standard coal (calorific, equal), CO2 are read stands for `measures`. Packed are, from the
-- lowest digits to base 1024: days, days with a meter's part, and twice the quality plus 1 where a factor is provisional.
select unit_id, array_position($1::text[], carrier), {measures}
    1 + case when metered_quality is null then 0 else 1024 end + (2 * quality + provisional::int4) * 1048576,
    covered_s::int8, due_s::int8
from unit_day
where day = $3 and ($2::int4[] is null or unit_id = any($2::int4[]))

-- name: months
-- Likewise units' month (kind $4) that begins on $3.
select unit_id, array_position($1::text[], carrier), {measures}
    days + metered_days * 1024 + (2 * quality + provisional::int4) * 1048576, covered_s, due_s
from unit_month
where month = $3 and kind = $4 and ($2::int4[] is null or unit_id = any($2::int4[]))

-- name: periods
-- Likewise units' quarter or year ($4) that begins on $3.
select unit_id, array_position($1::text[], carrier), {measures}
    days + metered_days * 1024 + (2 * quality + provisional::int4) * 1048576, covered_s, due_s
from unit_period
where period_start = $3 and period = $4 and ($2::int4[] is null or unit_id = any($2::int4[]))

-- name: tails
-- Days of a carrier after the last one that is complete: a meter that is ahead of the others has them. Of units $2, or all.
select d.unit_id, array_position($1::text[], d.carrier), d.day, (d.metered_quality is not null)::int4::int2
from unit_carrier c join unit_day d on d.unit_id = c.unit_id and d.carrier = c.carrier and d.day > coalesce(c.through, '-infinity')
where c.day > coalesce(c.through, '-infinity') and c.metered and ($2::int4[] is null or c.unit_id = any($2::int4[]))

-- name: members
-- The groups $1, $2 (subject and key), numbered from 0, with their units.
select g.number::int4 - 1, m.unit_id
from unnest($1::text[], $2::text[]) with ordinality as g (subject, key, number)
join (
    select 'group' as grouping, code as key, unit_id from quota_group
    union all
    select grouping, key, unit_id from unit_group
) m on m.grouping = g.subject and m.key = g.key

-- name: assessed
-- The assessed total of quotas $1 in the periods from month $2 until before month $3 of calendar $4: by calorific and by
-- equal value, tce; null where no month of it is known.
select k.quota_id, k.since, sum(a.kgce - a.feedstock_kgce - a.certificate_kgce) / 1000 as tce,
    sum(a.kgce_equal - a.feedstock_kgce_equal - a.certificate_kgce) / 1000 as tce_equal
from unnest($1::int4[], $2::date[], $3::date[], $4::text[]) as k (quota_id, since, until, calendar)
cross join lateral (select unit_id from quota_unit where quota_id = k.quota_id offset 0) q
cross join lateral (
    select * from assessed_month m
    where m.unit_id = q.unit_id and m.calendar = k.calendar and m.month >= k.since and m.month < k.until
    offset 0
) a
group by k.quota_id, k.since

-- name: per_output
-- Energy per unit of the product of quotas $1, in the periods $3 that begin on $2.
select q.quota_id, k.since, case q.measure
    when 'kgce_per_output' then i.kgce_per_output
    when 'kgce_equal_per_output' then i.kgce_equal_per_output
    else i.kwh_per_output
end as used
from unnest($1::int4[], $2::date[], $3::text[]) as k (quota_id, since, period)
join quota q using (quota_id)
join unit u using (unit_id)
cross join lateral (
    select * from product_intensity b
    where b.unit = u.code and b.product = q.product and b.period = k.period and b.period_start = k.since
    offset 0
) i

-- name: per_value
-- Energy per output value likewise: of a group, of all its units of which both are known.
select q.quota_id, k.since, case
    when count(*) = 1 then max(case q.measure when 'tce_per_value' then i.tce_per_value else i.tce_equal_per_value end)
    else sum(case q.measure when 'tce_per_value' then i.tce else i.tce_equal end) / nullif(sum(i.output_value), 0)
end as used
from unnest($1::int4[], $2::date[], $3::text[]) as k (quota_id, since, period)
join quota q using (quota_id)
cross join lateral (select unit_id from quota_unit where quota_id = k.quota_id offset 0) m
join unit u on u.unit_id = m.unit_id
cross join lateral (
    select * from value_intensity b
    where b.unit = u.code and b.period = k.period and b.period_start = k.since and b.tce_per_value is not null
    offset 0
) i
group by q.quota_id, k.since, q.measure

-- name: demand
-- Maximum demand (kW) of the units of quotas $1 on the local days from $2 until before $3.
select q.quota_id, k.since, max(d.demand_kw)::float8 as used
from unnest($1::int4[], $2::date[], $3::date[]) as k (quota_id, since, until)
join quota q using (quota_id)
join unit_load_day d on d.unit_id = q.unit_id and d.day >= k.since and d.day < k.until
group by q.quota_id, k.since
