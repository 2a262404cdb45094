-- 0025_figures: sums that quotas are read from, what else marks units as changed, the figures of every quota, what was said
-- before, what boards read.

-- Sums of periods -----------------------------------------------------------------------------------------------------

create index unit_day_day on unit_day (day);
create index unit_month_month on unit_month (month, kind);
comment on index unit_day_day is 'All units of a day: how quotas are read.';

alter table unit_month add column metered_days int2 not null default 0;
update unit_month m set metered_days = (
    select count(d.metered_quality) from unit_day d join unit u using (unit_id)
    where d.unit_id = m.unit_id and d.carrier = m.carrier and case m.kind
        when 'month' then d.day >= m.month and d.day < m.month + interval '1 month'
        else d.day between (m.month - interval '1 month')::date + u.statistics_day - 1 and m.month + u.statistics_day - 2
    end
);
comment on column unit_month.metered_days is 'How many of the days a meter has a part in.';
alter table unit_month add check (days > 0);

create table unit_period (
    unit_id      int4 not null,
    period       text not null check (period in ('quarter', 'year')),
    period_start date not null,
    carrier      text not null,
    amount       numeric not null,
    kgce         numeric not null,
    kgce_equal   numeric not null,
    kgco2        numeric not null,
    quality      int2 not null,
    provisional  boolean not null,
    days         int2 not null,
    metered_days int2 not null,
    covered_s    int8 not null,
    due_s        int8 not null,
    primary key (unit_id, period, period_start, carrier)
) with (fillfactor = 70);
create index unit_period_start on unit_period (period_start, period);
comment on table unit_period is 'The sum of unit_month per quarter and year: what quotas of these periods are read from. Follows unit_month by triggers. No reference to unit: months have one, and the server would ask for it again with every second change in a transaction.';

create view period_sum as
select m.unit_id, p.period, p.period_start, m.carrier, trim_scale(sum(m.amount)) as amount, trim_scale(sum(m.kgce)) as kgce,
    trim_scale(sum(m.kgce_equal)) as kgce_equal, trim_scale(sum(m.kgco2)) as kgco2, max(m.quality) as quality,
    bool_or(m.provisional) as provisional, sum(m.days)::int2 as days, sum(m.metered_days)::int2 as metered_days,
    sum(m.covered_s)::int8 as covered_s, sum(m.due_s)::int8 as due_s
from unit_month m
cross join lateral (
    values ('quarter', date_trunc('quarter', m.month)::date), ('year', date_trunc('year', m.month)::date)
) as p (period, period_start)
where m.kind = 'month'
group by m.unit_id, p.period, p.period_start, m.carrier;
comment on view period_sum is 'What unit_period must say.';

-- What came is added and what went is taken away: numeric sums are exact, so that nothing needs to be summed again, how many
-- months there may be. Only which quality is the worst, and whether any factor is provisional, is asked of all months again,
-- unless all rows before and after say the same. Sums are looked up by their key: the server would rather read all of them.
create function periods_follow_months() returns trigger language plpgsql
set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    changed text := 'select 1 as sign, * from touched';
begin
    if not exists (select from touched) then
        return null;
    elsif tg_op = 'DELETE' then
        changed := 'select -1 as sign, * from touched';
    elsif tg_op = 'UPDATE' then
        changed := changed || ' union all select -1 as sign, * from before';
    end if;
    execute $merge$
        merge into unit_period as p
        using (
            select c.*, w.quality, w.provisional
            from (
                select unit_id, case grouping(quarter) when 0 then 'quarter' else 'year' end as period,
                    coalesce(quarter, year) as since,
                    (coalesce(quarter, year) + case grouping(quarter) when 0 then interval '3 months' else '1 year' end)::date
                        as until,
                    carrier, sum(sign * amount) as amount, sum(sign * kgce) as kgce, sum(sign * kgce_equal) as kgce_equal,
                    sum(sign * kgco2) as kgco2, sum(sign * days) as days, sum(sign * metered_days) as metered_days,
                    sum(sign * covered_s) as covered_s, sum(sign * due_s) as due_s,
                    sum(sign) = 0 and min(quality) = max(quality) and bool_and(provisional) = bool_or(provisional) as alike
                from (
                    select *, date_trunc('quarter', month)::date as quarter, date_trunc('year', month)::date as year
                    from ($merge$ || changed || $merge$) row_of where kind = 'month'
                ) of_months
                group by unit_id, carrier, year, rollup (quarter)
            ) c
            left join lateral (
                select max(quality) as quality, bool_or(provisional) as provisional from unit_month m
                where not c.alike and m.unit_id = c.unit_id and m.kind = 'month' and m.month >= c.since
                    and m.month < c.until and m.carrier = c.carrier
                offset 0
            ) w on true
        ) as c
        on p.unit_id = c.unit_id and p.period = c.period and p.period_start = c.since and p.carrier = c.carrier
        when matched and p.days + c.days = 0 then delete
        when matched and not (
            (c.alike or (c.quality, c.provisional) = (p.quality, p.provisional)) and (c.amount, c.kgce, c.kgce_equal,
                c.kgco2, c.days, c.metered_days, c.covered_s, c.due_s) = (0, 0, 0, 0, 0, 0, 0, 0)
        ) then update set
            amount = trim_scale(p.amount + c.amount), kgce = trim_scale(p.kgce + c.kgce),
            kgce_equal = trim_scale(p.kgce_equal + c.kgce_equal), kgco2 = trim_scale(p.kgco2 + c.kgco2),
            quality = case when c.alike then p.quality else c.quality end,
            provisional = case when c.alike then p.provisional else c.provisional end,
            days = p.days + c.days, metered_days = p.metered_days + c.metered_days,
            covered_s = p.covered_s + c.covered_s, due_s = p.due_s + c.due_s
        when not matched then insert values (
            c.unit_id, c.period, c.since, c.carrier, trim_scale(c.amount), trim_scale(c.kgce), trim_scale(c.kgce_equal),
            trim_scale(c.kgco2), c.quality, c.provisional, c.days, c.metered_days, c.covered_s, c.due_s)
    $merge$;
    -- From which day on is said by the days that changed; months hardly ever do without.
    perform touch_units(array_agg(unit_id), array_agg('infinity'::date)) from touched where kind = 'month';
    return null;
end $$;
create trigger period_month_inserted after insert on unit_month referencing new table as touched
    for each statement execute function periods_follow_months();
create trigger period_month_updated after update on unit_month referencing new table as touched old table as before
    for each statement execute function periods_follow_months();
create trigger period_month_deleted after delete on unit_month referencing old table as touched
    for each statement execute function periods_follow_months();
create function periods_truncated() returns trigger language plpgsql as $$
begin
    delete from unit_period; -- truncated already where the units themselves are
    return null;
end $$;
create trigger period_months_truncated after truncate on unit_month
    for each statement execute function periods_truncated();
insert into unit_period select * from period_sum;

-- What else quotas and rules rest on ----------------------------------------------------------------------------------

create function quotas_changed() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        delete from quota_figure f using touched t where f.quota_id = t.quota_id;
    end if;
    perform touch_units(array_agg(coalesce(q.unit_id, (
        -- A quota of a group is judged again with any of its members.
        select unit_id from (
            select unit_id from unit_group g where (g.grouping, g.key) = (q.subject, q.key)
            union all
            select unit_id from quota_group g where q.subject = 'group' and g.code = q.key
        ) member limit 1
    ))), array_agg(q.valid_from)) from touched q;
    return null;
end $$;
create trigger quota_inserted after insert on quota referencing new table as touched
    for each statement execute function quotas_changed();
create trigger quota_updated after update on quota referencing new table as touched
    for each statement execute function quotas_changed();
create trigger quota_deleted after delete on quota referencing old table as touched
    for each statement execute function quotas_changed();

create trigger quota_group_inserted after insert on quota_group referencing new table as touched
    for each statement execute function rows_touch('date ''-infinity''');
create trigger quota_group_updated after update on quota_group referencing new table as touched
    for each statement execute function rows_touch('date ''-infinity''');
create trigger quota_group_deleted after delete on quota_group referencing old table as touched
    for each statement execute function rows_touch('date ''-infinity''');

create trigger entry_inserted_touches after insert on entry referencing new table as touched
    for each statement execute function rows_touch('first_day');
create trigger entry_updated_touches after update on entry referencing new table as touched
    for each statement execute function rows_touch('first_day');

create trigger product_inserted_touches after insert on product referencing new table as touched
    for each statement execute function rows_touch('date ''-infinity''');
create trigger product_updated_touches after update on product referencing new table as touched
    for each statement execute function rows_touch('date ''-infinity''');

-- Quotas in memory know groups, and of products the row of the standards.
create trigger quota_inserted_book after insert on quota referencing new table as touched
    for each statement execute function quota_book_grows();
create trigger quota_updated_book after update on quota referencing new table as touched
    for each statement execute function quota_book_grows();
create trigger quota_deleted_book after delete on quota referencing old table as touched
    for each statement execute function quota_book_grows();
create trigger quota_group_inserted_book after insert on quota_group referencing new table as touched
    for each statement execute function quota_book_grows();
create trigger quota_group_updated_book after update on quota_group referencing new table as touched
    for each statement execute function quota_book_grows();
create trigger quota_group_deleted_book after delete on quota_group referencing old table as touched
    for each statement execute function quota_book_grows();
create trigger product_inserted_book after insert on product referencing new table as touched
    for each statement execute function quota_book_grows();
create trigger product_updated_book after update on product referencing new table as touched
    for each statement execute function quota_book_grows();

create function findings_changed() returns trigger language plpgsql as $$
begin
    perform touch_units(array_agg(m.unit_id), array_agg(t.day))
    from touched t join point p using (point_id) join meter m using (meter_id);
    return null;
end $$;
create trigger finding_inserted_touches after insert on finding referencing new table as touched
    for each statement execute function findings_changed();
create trigger finding_updated_touches after update on finding referencing new table as touched
    for each statement execute function findings_changed();
create trigger finding_deleted_touches after delete on finding referencing old table as touched
    for each statement execute function findings_changed();

-- Figures -------------------------------------------------------------------------------------------------------------

create table quota_figure (
    quota_id       int4 not null,
    period_start   date not null,
    used           float8,
    limit_value    float8 not null,
    used_share     float8,
    elapsed_share  float8 not null,
    pace           float8,
    projected      float8,
    projected_low  float8,
    projected_high float8,
    exhausted_at   timestamptz,
    method         text not null,
    verdict        text not null,
    severity       text not null,
    colour         text not null,
    quality        int2,
    provisional    boolean not null,
    ready          timestamptz,
    evaluated_at   timestamptz not null,
    primary key (quota_id, period_start)
) with (fillfactor = 50);
comment on table quota_figure is 'The figures of each quota in each period, as last judged, written when one of them changed; amounts in the quota''s limit_unit. No reference to quota: it would be asked for each of a nation''s rows.';
comment on column quota_figure.ready is 'Data time up to which everything that counts is complete, of a group all of it that is not stale; null when a carrier, or a whole group, has never delivered.';

-- What was said before this version ------------------------------------------------------------------------------------

with told as (
    select s.*, q.unit_id, case
            when s.cause = 'exceeded' or exists (
                select from quota_transition t
                where (t.quota_id, t.period_start) = (s.quota_id, s.period_start) and t.verdict = 'exceeded'
            ) then 'breach' else 'pace'
        end as rule
    from quota_state s
    join quota q using (quota_id)
    where exists (select from quota_transition t where (t.quota_id, t.period_start) = (s.quota_id, s.period_start))
)
insert into alert (rule, subject, subject_id, period_start, unit_id, state, since, severity, colour, standing, evidence)
select rule, 'quota', quota_id, period_start, unit_id, state, since, severity, colour,
    jsonb_strip_nulls(jsonb_build_object(
        'state', state, 'since', since, 'mark', jsonb_build_object('severity', severity, 'colour', colour),
        'seen_from', seen_from,
        'fired_at', (
            select max(at) from quota_transition t
            where (t.quota_id, t.period_start, t.to_state) = (told.quota_id, told.period_start, 'firing')
                and t.from_state <> 'firing'
        ),
        'called_from', case when state = 'firing' then since end,
        'said', case when state in ('resolved', 'corrected') and rule = 'breach' then cause = 'exceeded' end,
        'firings', (
            select count(*) from quota_transition t
            where (t.quota_id, t.period_start, t.to_state) = (told.quota_id, told.period_start, 'firing')
                and t.from_state <> 'firing'
        )
    )),
    '{}'
from told
order by quota_id, period_start;

insert into alert_transition (
    alert_id, unit_id, from_state, to_state, at, reason, severity, colour, evidence)
select a.alert_id, a.unit_id, t.from_state, t.to_state, t.at,
    case
        when t.from_state = t.to_state then 'severity'
        when t.to_state = 'pending' then 'raised'
        when t.to_state = 'firing' then case t.from_state when 'pending' then 'lasted' else 'raised' end
        when t.to_state = 'corrected' then 'corrected'
        else 'cleared'
    end, t.severity, t.colour, t.evidence
from quota_transition t
join alert a on a.subject = 'quota' and (a.subject_id, a.period_start) = (t.quota_id, t.period_start)
order by t.transition_id;

drop table quota_state, quota_transition;

-- What boards read ----------------------------------------------------------------------------------------------------

create view board.quota_status as
select distinct on (q.quota_id)
    coalesce(u.code, q.key) as unit, coalesce(u.name_zh, q.key) as unit_name_zh, coalesce(u.name_en, q.key) as unit_name_en,
    coalesce(u.district, case when q.subject = 'district' then q.key end) as district,
    coalesce(u.industry, case when q.subject = 'industry' then q.key end) as industry, q.subject,
    q.code as quota, q.measure, q.period, f.period_start, q.source,
    f.used, f.limit_value as "limit", q.limit_unit, f.used_share as share, f.elapsed_share, f.pace, f.projected,
    f.projected_low, f.projected_high, f.method, f.exhausted_at, coalesce(a.state, 'inactive') as state, f.verdict, f.severity,
    f.colour, a.since, f.ready, f.evaluated_at
from quota q
join quota_figure f using (quota_id)
left join unit u using (unit_id)
left join lateral (
    select state, since from alert
    where subject = 'quota' and subject_id = q.quota_id and period_start = f.period_start
    order by array_position(
        array['firing', 'acknowledged', 'silenced', 'pending', 'corrected', 'resolved', 'inactive'], state), since desc
    limit 1
) a on true
order by q.quota_id, f.period_start desc;
comment on view board.quota_status is
    'Each quota in its newest period: use, limit and projection (with the interval from projected_low to projected_high, by method) in limit_unit; shares of limit and period from 0; pace 1 ends exactly at the limit; verdict, severity and colour are on the figures, state and since of the gravest of its alerts (since is null where there is none); of a group of units unit is its key and subject says of which kind; times are data time.';

create view board.flagged as
with gravest as (
    select distinct on (a.subject_id, a.period_start) a.*
    from alert a
    where a.subject = 'quota' and a.state in ('firing', 'acknowledged', 'silenced')
    order by a.subject_id, a.period_start,
        array_position(array['critical', 'warning', 'attention', 'notice'], a.severity), a.since, a.rule
)
select
    g.alert_id, coalesce(u.code, q.key) as unit, coalesce(u.name_zh, q.key) as unit_name_zh,
    coalesce(u.name_en, q.key) as unit_name_en, coalesce(u.district, g.evidence #>> '{subject,district}') as district,
    coalesce(u.industry, g.evidence #>> '{subject,industry}') as industry, q.code as quota, q.measure, q.period,
    g.period_start, q.source, f.used, f.limit_value as "limit", q.limit_unit, f.used_share as share, f.elapsed_share,
    f.pace, f.projected, f.exhausted_at, g.rule as reason, g.state, f.verdict, g.severity, g.colour, g.since, f.ready,
    g.evidence
from gravest g
join quota q on q.quota_id = g.subject_id
left join unit u on u.unit_id = q.unit_id
left join quota_figure f on f.quota_id = g.subject_id and f.period_start = g.period_start
order by array_position(array['critical', 'warning', 'attention', 'notice'], g.severity), f.pace desc nulls last, g.since,
    q.code;
comment on view board.flagged is
    'Quotas of which an alert fires (firing, acknowledged or silenced), of any period, each once with its gravest alert, gravest first, then those that run furthest ahead. reason is the rule, evidence what the alert rests on; the other figures are those of the last evaluation. All alerts of all rules are in board.alert.';
