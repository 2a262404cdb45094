-- Queries of the alerts package. Times are parameters: data time comes from the service's clock.

-- name: lead
-- Become the one instance that evaluates; the lock lasts as long as the connection.
select pg_try_advisory_lock($1)

-- name: zones
-- The time zones of units that have a quota.
select distinct time_zone from unit join quota using (unit_id)

-- name: factors
-- The factors in force on some day of a period: $1 numbers to know the periods by, $2 units, $3 carriers, and the days
-- from $4 until before $5.
select g.number, f.carrier, f.valid_from, f.unit, f.kgce, f.kgce_equal, f.kgco2, f.provisional, f.source
from unnest($1::int4[], $2::text[], $3::text[], $4::date[], $5::date[]) as g (number, unit, carrier, since, until)
join unit u on u.code = g.unit
join factor_in_force f
    on f.unit_id = u.unit_id and f.carrier = g.carrier and f.valid_from < g.until and f.valid_to > g.since
order by g.number, f.carrier, f.valid_from

-- name: watched
-- One row per quota and period to judge: $1 zones, $2 the present day in each, $3 days to look back.
-- Periods are those that touch the days looked back on, and any whose alert has not ended.
-- Every gate carrier of a unit stands in `uses`, also one without data: absence must be seen. Its days are counted up
-- to its `ready`: a later one, of a meter that is ahead of the others, does not make up for one that is missing.
-- A carrier that is only filled in by hand, or of which only what is made on site is metered, counts where it has days.
with place as (
    select time_zone, today from unnest($1::text[], $2::date[]) as given (time_zone, today)
),
length (period, length) as (
    values ('day', interval '1 day'), ('month', interval '1 month'),
           ('quarter', interval '3 months'), ('year', interval '1 year')
),
due as (
    select q.quota_id, first::date as period_start
    from quota q
    join unit u using (unit_id)
    join place p using (time_zone)
    join length l using (period)
    cross join lateral generate_series(
        date_trunc(q.period, (p.today - $3::int)::timestamp), p.today::timestamp, l.length) as first
    where first::date >= q.valid_from and (q.valid_to is null or first::date < q.valid_to)
    union
    select quota_id, period_start from quota_state where state in ('pending', 'firing')
),
watched as (
    select d.quota_id, d.period_start, (d.period_start + l.length)::date as period_end, q.unit_id
    from due d join quota q using (quota_id) join length l using (period)
),
gate as (
    select distinct m.unit_id, m.carrier from meter m
    where m.level = 1 and m.carrier <> 'production' and m.unit_id in (select unit_id from quota)
        and not exists (
            select from counted_point p
            where p.meter_id = m.meter_id and (p.flow = 'produced' or p.flow = 'internal' and p.quantity <> 'rate')
        )
    union
    select unit_id, carrier from balance_point
    where flow <> 'produced' and unit_id in (select unit_id from quota)
),
counted as (
    select unit_id, carrier, true as metered from gate
    union all
    select distinct d.unit_id, d.carrier, false
    from watched w
    join unit_day d on d.unit_id = w.unit_id and d.day >= w.period_start and d.day < w.period_end
    where not exists (select from gate g where g.unit_id = d.unit_id and g.carrier = d.carrier)
),
latest as (
    select c.unit_id, c.carrier, c.metered, d.ready
    from counted c
    left join lateral (
        select ready from unit_day d where d.unit_id = c.unit_id and d.carrier = c.carrier order by d.day desc limit 1
    ) d on true
),
used as (
    select s.unit_id, s.period_start, s.period_end, d.carrier, sum(d.amount) as amount, sum(d.kgce) as kgce,
           sum(d.kgce_equal) as kgce_equal, sum(d.kgco2) as kgco2, max(d.quality) as quality,
           count(d.metered_quality) filter (where d.day::timestamp at time zone u.time_zone < n.ready) as days,
           bool_or(d.provisional) as provisional
    from (select distinct unit_id, period_start, period_end from watched) s
    join unit u using (unit_id)
    join unit_day d on d.unit_id = s.unit_id and d.day >= s.period_start and d.day < s.period_end
    join latest n on n.unit_id = s.unit_id and n.carrier = d.carrier
    group by s.unit_id, s.period_start, s.period_end, d.carrier
),
uses as (
    select s.unit_id, s.period_start, s.period_end, json_agg(json_build_object(
               'carrier', n.carrier, 'amount', coalesce(d.amount, 0), 'kgce', coalesce(d.kgce, 0),
               'kgce_equal', coalesce(d.kgce_equal, 0), 'kgco2', coalesce(d.kgco2, 0), 'days', coalesce(d.days, 0),
               'quality', d.quality, 'provisional', coalesce(d.provisional, false), 'ready', n.ready,
               'metered', n.metered) order by n.carrier) as uses
    from (select distinct unit_id, period_start, period_end from watched) s
    join latest n using (unit_id)
    left join used d using (unit_id, period_start, period_end, carrier)
    group by s.unit_id, s.period_start, s.period_end
)
select w.quota_id, w.period_start, q.code, q.source, q.measure, q.period, q.limit_value, q.limit_unit, q.rule,
       u.code as unit, u.time_zone, coalesce(a.uses, '[]'::json) as uses,
       s.state, s.cause, s.since, s.seen_from, s.verdict, s.severity, s.colour, s.ready,
       s.used, s.limit_value as stated_limit, s.projected
from watched w
join quota q using (quota_id)
join unit u on u.unit_id = w.unit_id
left join uses a on a.unit_id = w.unit_id and a.period_start = w.period_start and a.period_end = w.period_end
left join quota_state s on s.quota_id = w.quota_id and s.period_start = w.period_start
order by w.quota_id, w.period_start

-- name: keep_states
-- Write the states that changed: $1 an array of objects with the columns of quota_state.
insert into quota_state
    (quota_id, period_start, state, cause, since, seen_from, verdict, severity, colour, used, limit_value, used_share,
     elapsed_share, pace, projected, exhausted_at, ready, evaluated_at, evidence)
select quota_id, period_start, state, cause, since, seen_from, verdict, severity, colour, used, limit_value, used_share,
       elapsed_share, pace, projected, exhausted_at, ready, evaluated_at, evidence
from jsonb_populate_recordset(null::quota_state, $1::jsonb)
on conflict (quota_id, period_start) do update set
    state = excluded.state, cause = excluded.cause, since = excluded.since, seen_from = excluded.seen_from,
    verdict = excluded.verdict, severity = excluded.severity, colour = excluded.colour, used = excluded.used,
    limit_value = excluded.limit_value, used_share = excluded.used_share, elapsed_share = excluded.elapsed_share,
    pace = excluded.pace, projected = excluded.projected, exhausted_at = excluded.exhausted_at, ready = excluded.ready,
    evaluated_at = excluded.evaluated_at, evidence = excluded.evidence

-- name: keep_transitions
-- Write transitions, each once: $1 an array of objects with the columns of quota_transition.
insert into quota_transition
    (quota_id, period_start, from_state, to_state, verdict, severity, colour, at, evidence)
select quota_id, period_start, from_state, to_state, verdict, severity, colour, at, evidence
from jsonb_populate_recordset(null::quota_transition, $1::jsonb)
on conflict (quota_id, period_start, at, to_state) do nothing

-- name: apply_quotas
-- Write quotas by code: $1 an array of objects with the columns of quota and `unit`; returns the codes written.
insert into quota (code, unit_id, measure, period, limit_value, limit_unit, valid_from, valid_to, source, rule)
select r.code, u.unit_id, r.measure, r.period, r.limit_value, r.limit_unit, r.valid_from, r.valid_to, r.source, r.rule
from jsonb_to_recordset($1::jsonb) as r (
    code text, unit text, measure text, period text, limit_value numeric, limit_unit text, valid_from date,
    valid_to date, source text, rule jsonb)
join unit u on u.code = r.unit
on conflict (code) do update set
    unit_id = excluded.unit_id, measure = excluded.measure, period = excluded.period,
    limit_value = excluded.limit_value, limit_unit = excluded.limit_unit, valid_from = excluded.valid_from,
    valid_to = excluded.valid_to, source = excluded.source, rule = excluded.rule
returning code

-- name: flagged
-- The quotas whose alert is firing, gravest first.
select * from board.flagged
