-- The evaluation: who makes it, what changed, and the figures that it keeps. Times are parameters.

-- name: lead
-- Become the one instance that evaluates; the lock lasts as long as the connection.
select pg_try_advisory_lock($1)

-- name: take_marks
-- Take marks away, but for those that somebody who has not committed holds. What changed before $1 stays noted, as writer 0,
-- until it has been judged: nothing else would ever look that far back.
with taken as (
    delete from unit_touched t
    using (select unit_id, writer from unit_touched where writer <> 0 for update skip locked) free
    where t.unit_id = free.unit_id and t.writer = free.writer
    returning t.unit_id, t.since
),
noted as (
    insert into unit_touched as noted (unit_id, writer, since)
    select unit_id, 0, min(since) from taken where since < $1 group by unit_id
    on conflict (unit_id, writer) do update set since = least(noted.since, excluded.since)
)
select unit_id, since from taken

-- name: noted_marks
-- What was taken, maybe by an instance that is gone, and has not been judged.
select unit_id, since from unit_touched where writer = 0

-- name: drop_noted
-- Units $1 have been judged, each from $2 on.
delete from unit_touched t using unnest($1::int4[], $2::date[]) as judged (unit_id, since)
where t.writer = 0 and t.unit_id = judged.unit_id and t.since >= judged.since

-- name: stage
-- Where figures are put before they are written: times that are none are infinite, numbers NaN.
create temp table if not exists staged_figure (
    quota_id int4, period_start date, used float8, "limit" float8, used_share float8, elapsed_share float8, pace float8,
    projected float8, projected_low float8, projected_high float8, quality float8, provisional boolean,
    exhausted_at timestamptz, ready timestamptz, verdict int2, severity int2, colour int2, method int2
) on commit delete rows;
delete from staged_figure

-- name: keep_figures
-- Write staged figures, at time $1; $2 verdicts, $3 severities, $4 colours, $5 methods, which the staged numbers count from
-- 0. Only the leader writes, so that nobody else inserts a row meanwhile.
merge into quota_figure as standing
using (
    select quota_id, period_start, nullif(used, 'NaN') as used, "limit", nullif(used_share, 'NaN') as used_share,
        elapsed_share, nullif(pace, 'NaN') as pace, nullif(projected, 'NaN') as projected,
        nullif(projected_low, 'NaN') as projected_low, nullif(projected_high, 'NaN') as projected_high,
        nullif(exhausted_at, '-infinity') as exhausted_at, ($5::text[])[method + 1] as method,
        ($2::text[])[verdict + 1] as verdict, ($3::text[])[severity + 1] as severity, ($4::text[])[colour + 1] as colour,
        nullif(quality, 'NaN')::int2 as quality, provisional, nullif(ready, '-infinity') as ready
    from staged_figure
) as staged on (standing.quota_id, standing.period_start) = (staged.quota_id, staged.period_start)
when matched then update set
    used = staged.used, limit_value = staged."limit", used_share = staged.used_share, elapsed_share = staged.elapsed_share,
    pace = staged.pace, projected = staged.projected, projected_low = staged.projected_low,
    projected_high = staged.projected_high, exhausted_at = staged.exhausted_at, method = staged.method,
    verdict = staged.verdict, severity = staged.severity, colour = staged.colour, quality = staged.quality,
    provisional = staged.provisional, ready = staged.ready, evaluated_at = $1
when not matched then insert (
    quota_id, period_start, used, limit_value, used_share, elapsed_share, pace, projected, projected_low, projected_high,
    exhausted_at, method, verdict, severity, colour, quality, provisional, ready, evaluated_at)
values (
    quota_id, staged.period_start, used, "limit", used_share, elapsed_share, pace, projected, projected_low,
    projected_high, exhausted_at, method, verdict, severity, colour, quality, provisional, ready, $1)

-- name: last
-- The figures of quotas $1 in the periods that begin on $2, as the last evaluation found them.
select quota_id, period_start, f.used, f.limit_value as "limit", f.used_share, f.elapsed_share, f.pace, f.projected,
    f.projected_low, f.projected_high, f.quality::float8 as quality, f.provisional::int4::float8 as provisional,
    f.evaluated_at
from quota_figure f join unnest($1::int4[], $2::date[]) as a (quota_id, period_start) using (quota_id, period_start)

-- name: parts
-- Per carrier what quotas have used: $1 numbers to know the rows by, $2 quotas, $3 their units (null: those of a group, all
-- together) and $4 measures, in the days from $5 until before $6. Sums of the days themselves, which the sums of periods must
-- come to.
with asked as (
    select * from unnest($1::int4[], $2::int4[], $3::int4[], $4::text[], $5::date[], $6::date[])
        as a (number, quota_id, unit_id, measure, since, until)
),
whose as (
    select number, unit_id, measure, since, until from asked where unit_id is not null
    union all
    select a.number, m.unit_id, a.measure, a.since, a.until
    from asked a cross join lateral (select unit_id from quota_unit where quota_id = a.quota_id offset 0) m
    where a.unit_id is null
),
counted as (
    select w.number, w.since, w.until, w.measure, c.unit_id, c.carrier, c.metered, c.ready
    from whose w
    join unit_carrier c using (unit_id)
    where w.measure in ('tce', 'tce_equal', 'tco2') or w.measure = c.carrier
)
select c.number, c.carrier, coalesce(sum(d.amount), 0)::float8 as amount, f.unit as unit_of_measure,
    coalesce(sum(case c.measure when 'tce' then d.kgce / 1000 when 'tce_equal' then d.kgce_equal / 1000
        when 'tco2' then d.kgco2 / 1000 else d.amount end), 0)::float8 as value,
    max(d.quality)::int4 as quality, coalesce(bool_or(d.provisional), false) as provisional,
    case when count(*) filter (where c.metered) = count(c.ready) filter (where c.metered) then min(c.ready) end as ready,
    coalesce(bool_or(d.by_hand), false) as by_hand
from counted c
left join lateral (
    select sum(amount) as amount, sum(kgce) as kgce, sum(kgce_equal) as kgce_equal, sum(kgco2) as kgco2,
        max(quality) as quality, bool_or(provisional) as provisional, bool_or(method is not null) as by_hand
    from unit_day d
    where d.unit_id = c.unit_id and d.carrier = c.carrier and d.day >= c.since and d.day < c.until
) d on true
cross join lateral (select unit from carrier_factor where carrier = c.carrier limit 1) f
where c.metered or d.amount is not null
group by c.number, c.carrier, f.unit
order by c.number, c.carrier

-- name: electricity
-- What electricity units have used: $1 numbers to know them by, $2 units, in the days from $3 until before $4.
select a.number, sum(d.amount)::float8 as kwh
from unnest($1::int4[], $2::int4[], $3::date[], $4::date[]) as a (number, unit_id, since, until)
join unit_day d on d.unit_id = a.unit_id and d.carrier = 'electricity' and d.day >= a.since and d.day < a.until
group by a.number

-- name: factors
-- The factors in force on some day of a period: $1 numbers to know the periods by, $2 units, $3 carriers, and the days
-- from $4 until before $5.
select g.number, f.carrier, f.valid_from, f.unit, f.kgce::float8 as kgce, f.kgce_equal::float8 as kgce_equal,
    f.kgco2::float8 as kgco2, f.provisional, f.source
from unnest($1::int4[], $2::int4[], $3::text[], $4::date[], $5::date[]) as g (number, unit_id, carrier, since, until)
join factor_in_force f
    on f.unit_id = g.unit_id and f.carrier = g.carrier and f.valid_from < g.until and f.valid_to > g.since
order by g.number, f.carrier, f.valid_from

-- name: windows
-- Maintenance windows that may cover something at $1.
select window_id, rule, subject, key, since, until, author, reason, ended_at, coalesce(ended_by, '') as ended_by
from maintenance_window
where since <= $1 and until > $1 and (ended_at is null or ended_at > $1)

-- name: units
-- Units by their codes $1.
select code, unit_id from unit where code = any($1::text[])

-- name: open
-- Alerts of subjects of kind $1 that are open, and whether they are of one of the rules $2; without a period 1970-01-01.
select alert_id, subject_id, case when isfinite(period_start) then period_start else date '1970-01-01' end as period,
    rule = any($2::text[]) as known
from alert
where subject = $1 and state in ('pending', 'firing', 'acknowledged', 'silenced')

-- name: evidence
-- Where alerts $1 stand, with the evidence of their last transition. Alerts of the version before the rules engine hold none
-- themselves.
select alert_id, rule, subject, subject_id, nullif(period_start, '-infinity') as period_start, unit_id, revision,
    standing::text as standing, coalesce(nullif(evidence, '{}'), (
        select t.evidence from alert_transition t where t.alert_id = a.alert_id order by at desc, transition_id desc limit 1
    ), '{}')::text as evidence
from alert a
where alert_id = any($1::int8[])

-- name: unit_ids
-- All units.
select unit_id from unit order by unit_id

-- name: revisions
-- Alerts of quotas, each with its revision: those that are open, and those of periods that begin on one of $1; of quotas
-- $2, or of all where that is null.
select alert_id, revision
from alert
where subject = 'quota' and ($2::int4[] is null or subject_id = any($2::int4[]))
    and (state in ('pending', 'firing', 'acknowledged', 'silenced') or period_start = any($1::date[]))

-- name: standings
-- Where alerts $1 of quotas stand.
select alert_id, rule, subject_id, period_start, standing::text as standing, revision
from alert where alert_id = any($1::int8[])
