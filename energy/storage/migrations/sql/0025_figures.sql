-- 0025_figures: what else marks units as changed, the figures of every quota, what was said before, what boards read.

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
