-- 0021_evaluation: what must be judged again, and sums that quotas are read from.

-- What changed --------------------------------------------------------------------------------------------------------

create table unit_touched (
    unit_id int4 not null,
    writer  int4 not null,
    since   date not null,
    primary key (unit_id, writer)
);
comment on table unit_touched is 'Units of which something changed that quotas or rules rest on, since alerts last looked, and from which day on. A session writes rows of its own (writer is its process id), so that no two ever wait for each other; bounded by units and sessions. Taken and deleted by the alerts service, which leaves what is locked to its next look; what it has taken of earlier days stays, as writer 0, until it has been judged, and today''s is made up for by the full evaluation that every start begins with.';

create function touch_units(units int4[], days date[]) returns void language sql as $$
    insert into unit_touched (unit_id, writer, since)
    select unit_id, pg_backend_pid(), min(day)
    from unnest(units, days) as t (unit_id, day)
    where unit_id is not null
    group by unit_id
    order by unit_id
    on conflict (unit_id, writer) do update set since = excluded.since where excluded.since < unit_touched.since
$$;
comment on function touch_units is 'Marks units, each from a day on. A mark that stands is locked too, so that it is not taken before what it stands for is committed.';

-- Of triggers whose rows, in `touched`, say themselves which unit they are of; their argument says from which day on.
create function rows_touch() returns trigger language plpgsql as $$
begin
    execute format('select touch_units(array_agg(unit_id), array_agg(%s)) from touched', tg_argv[0]);
    return null;
end $$;

create table quota_book (
    one     boolean primary key default true check (one),
    version int8 not null
);
insert into quota_book (version) values (1);
comment on table quota_book is 'One row; its version grows with every change of quotas and of their groups: quotas in memory know that they are old.';

create function quota_book_grows() returns trigger language plpgsql as $$
begin
    update quota_book set version = version + 1 where exists (select from touched);
    return null;
end $$;

-- Carriers of units ---------------------------------------------------------------------------------------------------

create table unit_carrier (
    unit_id int4 not null references unit on delete cascade,
    carrier text not null,
    metered boolean not null,
    day     date,
    ready   timestamptz,
    through date,
    since   date,
    primary key (unit_id, carrier)
) with (fillfactor = 70);
comment on table unit_carrier is 'The carriers that a unit''s quotas wait for or count: metered ones, which have a gate meter that measures use, also without any data; and those that are only filled in, or of which only what is made on site is metered. day and ready: of the newest row of unit_day; through: the last local day that began before ready; since: the first day in which a meter has a part, before which the carrier was not metered. Follows registry and unit_day by triggers.';

create view gate_carrier as
select m.unit_id, m.carrier
from meter m
where m.level = 1 and m.carrier <> 'production' and not exists (
    select from counted_point p
    where p.meter_id = m.meter_id and (p.flow = 'produced' or p.flow = 'internal' and p.quantity <> 'rate')
)
union
select unit_id, carrier from balance_point where flow <> 'produced';
comment on view gate_carrier is 'Carriers of units that have a gate meter of what is used: one without points yet counts too, since absence must be seen; one of what is made on site does not.';

create function through(ready timestamptz, zone text) returns date language sql immutable parallel safe as $$
    select ((ready - interval '1 microsecond') at time zone zone)::date
$$;
comment on function through is 'The last day of a zone that began before an instant.';

create view carrier_known as
select k.unit_id, k.carrier, k.metered, l.day, l.ready,
    through(l.ready, u.time_zone) as through, f.since
from (
    select g.unit_id, g.carrier, true as metered from gate_carrier g
    union all
    select d.unit_id, d.carrier, false
    from (select distinct unit_id, carrier from unit_day) d
    where not exists (select from gate_carrier g where g.unit_id = d.unit_id and g.carrier = d.carrier)
) k
join unit u using (unit_id)
left join lateral (
    select day, ready from unit_day d where d.unit_id = k.unit_id and d.carrier = k.carrier order by day desc limit 1
) l on true
left join lateral (
    select day as since from unit_day d
    where d.unit_id = k.unit_id and d.carrier = k.carrier and metered_quality is not null
    order by day limit 1
) f on true;
comment on view carrier_known is 'What unit_carrier must say.';

-- Also called when nothing of the registry changed: it writes only what differs, and marks only whom that concerns. Accounting
-- may be writing days meanwhile: of a row that stands the registry says only whether it is metered.
create function carriers_follow_registry(units int4[]) returns void language sql as $$
    -- What may have to go: the statement after this one sees the days that whoever held it has written.
    select from unit_carrier c
    where c.unit_id = any(units) and c.metered
        and not exists (select from gate_carrier g where g.unit_id = c.unit_id and g.carrier = c.carrier)
    order by unit_id, carrier
    for update;
    with present as (
        select * from carrier_known where unit_id = any(units)
    ),
    gone as (
        delete from unit_carrier c
        where c.unit_id = any(units)
            and not exists (select from present p where p.unit_id = c.unit_id and p.carrier = c.carrier)
        returning c.unit_id
    ),
    written as (
        -- Rows that stay as they are are not even locked, since accounting may hold them.
        insert into unit_carrier as known
        select * from present p
        where not exists (
            select from unit_carrier c
            where c.unit_id = p.unit_id and c.carrier = p.carrier
                and (c.metered, c.through) is not distinct from (p.metered, p.through)
        )
        order by unit_id, carrier
        on conflict (unit_id, carrier) do update
        set (metered, through) = (excluded.metered, (
            select through(known.ready, u.time_zone) from unit u where u.unit_id = known.unit_id
        ))
        returning unit_id
    )
    select touch_units(array_agg(unit_id), array_agg('-infinity'::date))
    from (select unit_id from gone union select unit_id from written) changed
$$;

-- What an update left as it was is told by its absence from a difference, which costs the same for any plan; a join of the
-- rows before and after would be planned for however many came first.
create function carriers_follow_points() returns trigger language plpgsql as $$
declare
    units int4[];
begin
    if tg_op = 'UPDATE' then
        select array_agg(distinct m.unit_id) into units
        from (
            (
                select point_id, meter_id, quantity, flow from touched
                except select point_id, meter_id, quantity, flow from before
            )
            union all
            (
                select point_id, meter_id, quantity, flow from before
                except select point_id, meter_id, quantity, flow from touched
            )
        ) changed
        join meter m using (meter_id);
    else
        select array_agg(distinct m.unit_id) into units from touched join meter m using (meter_id);
    end if;
    if units is not null then
        perform carriers_follow_registry(units);
    end if;
    return null;
end $$;
create function carriers_follow_meters() returns trigger language plpgsql as $$
declare
    units int4[];
begin
    if tg_op = 'UPDATE' then
        select array_agg(distinct unit_id) into units
        from (
            (select meter_id, unit_id, carrier, level from touched except select meter_id, unit_id, carrier, level from before)
            union all
            (select meter_id, unit_id, carrier, level from before except select meter_id, unit_id, carrier, level from touched)
        ) changed;
    else
        select array_agg(distinct unit_id) into units from touched where level = 1;
    end if;
    if units is not null then
        perform carriers_follow_registry(units);
    end if;
    return null;
end $$;
create function carriers_follow_zones() returns trigger language plpgsql as $$
begin
    perform carriers_follow_registry(array[new.unit_id]);
    return null;
end $$;
-- After balance_point_*, by name: gate_carrier reads balance_point.
create trigger carrier_point_inserted after insert on point referencing new table as touched
    for each statement execute function carriers_follow_points();
create trigger carrier_point_updated after update on point referencing new table as touched old table as before
    for each statement execute function carriers_follow_points();
create trigger carrier_point_deleted after delete on point referencing old table as touched
    for each statement execute function carriers_follow_points();
create trigger carrier_meter_inserted after insert on meter referencing new table as touched
    for each statement execute function carriers_follow_meters();
create trigger carrier_meter_updated after update on meter referencing new table as touched old table as before
    for each statement execute function carriers_follow_meters();
create trigger carrier_meter_deleted after delete on meter referencing old table as touched
    for each statement execute function carriers_follow_meters();
create trigger carrier_unit_updated after update of time_zone on unit for each row
    when (old.time_zone is distinct from new.time_zone) execute function carriers_follow_zones();

-- Days: which carriers have any, up to when they are complete, since when they are metered, and whom it concerns. What is
-- written is the newest or the first day of its carrier or is not: days are only searched where one went, or lost its meter.
-- All is looked up row by row, since these plans are kept, and made for however many rows came first.
create function carriers_follow_days() returns trigger language plpgsql as $$
begin
    if not exists (select from touched) then
        return null;
    elsif tg_op = 'DELETE' then
        merge into unit_carrier c
        using (
            select t.unit_id, t.carrier, l.day, l.ready, through(l.ready, u.time_zone) as through, f.since
            from (select distinct unit_id, carrier from touched) t
            cross join lateral (select time_zone from unit where unit_id = t.unit_id offset 0) u
            left join lateral (
                select day, ready from unit_day d where d.unit_id = t.unit_id and d.carrier = t.carrier
                order by day desc limit 1
            ) l on true
            left join lateral (
                select day as since from unit_day d
                where d.unit_id = t.unit_id and d.carrier = t.carrier and d.metered_quality is not null
                order by day limit 1
            ) f on true
        ) as n
        on c.unit_id = n.unit_id and c.carrier = n.carrier
        when matched and not c.metered and n.day is null then delete
        when matched and (c.day, c.ready, c.since) is distinct from (n.day, n.ready, n.since) then
            update set day = n.day, ready = n.ready, through = n.through, since = n.since;
    else
        insert into unit_carrier as known (unit_id, carrier, metered, day, ready, through, since)
        select t.unit_id, t.carrier, false, n.day, n.ready, through(n.ready, u.time_zone), n.since
        from (
            select unit_id, carrier, max(day) as day, (array_agg(ready order by day desc))[1] as ready,
                min(day) filter (where metered_quality is not null) as metered,
                min(day) filter (where metered_quality is null) as unmetered
            from touched group by unit_id, carrier
        ) t
        cross join lateral (select time_zone from unit where unit_id = t.unit_id offset 0) u
        left join lateral (
            select true as stands, day, ready, since from unit_carrier
            where unit_id = t.unit_id and carrier = t.carrier
            offset 0
        ) c on true
        cross join lateral (
            select greatest(c.day, t.day) as day, case when c.day > t.day then c.ready else t.ready end as ready,
                case when t.unmetered <= c.since and (t.metered <= c.since) is not true then (
                    select d.day from unit_day d
                    where d.unit_id = t.unit_id and d.carrier = t.carrier and d.day >= c.since
                        and d.metered_quality is not null
                    order by d.day limit 1
                ) else least(c.since, t.metered) end as since
        ) n
        where c.stands is null or (c.day, c.ready, c.since) is distinct from (n.day, n.ready, n.since)
        order by t.unit_id, t.carrier
        on conflict (unit_id, carrier) do update
        set (day, ready, through, since) = (excluded.day, excluded.ready, excluded.through, excluded.since);
    end if;
    perform touch_units(array_agg(unit_id), array_agg(day)) from touched;
    return null;
end $$;
create function day_stays() returns trigger language plpgsql as $$
begin
    raise exception 'a day of a unit''s carrier is written or deleted, never made another one''s';
end $$;
create trigger carrier_day_stays before update of unit_id, carrier, day on unit_day for each row
    when ((old.unit_id, old.carrier, old.day) is distinct from (new.unit_id, new.carrier, new.day))
    execute function day_stays();
create trigger carrier_day_inserted after insert on unit_day referencing new table as touched
    for each statement execute function carriers_follow_days();
create trigger carrier_day_updated after update on unit_day referencing new table as touched
    for each statement execute function carriers_follow_days();
create trigger carrier_day_deleted after delete on unit_day referencing old table as touched
    for each statement execute function carriers_follow_days();

create function carriers_follow_no_days() returns trigger language plpgsql as $$
begin
    update unit_carrier set (day, ready, through, since) = (null, null, null, null) where metered;
    delete from unit_carrier where not metered;
    return null;
end $$;
create trigger carrier_days_truncated after truncate on unit_day
    for each statement execute function carriers_follow_no_days();

insert into unit_carrier select * from carrier_known;

-- What a day is made of -----------------------------------------------------------------------------------------------

-- Accounting writes days by these, and a back-test shows them by these as they were: over temporary relations of the same
-- names, which are found because a body is read where it is used. Each is one query, so that the server puts it in place.
create function metered_of_day(
    unit int4, of_carrier text, since timestamptz, until timestamptz, first timestamptz, last timestamptz
)
returns table (
    purchased numeric, renewable numeric, produced numeric, sold numeric, feedstock numeric, metered_quality int2,
    unknown int2, covered_s int4
) language sql stable as $$
    select
        coalesce(sum(amount) filter (where flow = 'purchased'), 0), coalesce(sum(amount) filter (where flow = 'renewable'), 0),
        coalesce(sum(amount) filter (where flow = 'produced'), 0), coalesce(sum(amount) filter (where flow = 'sold'), 0),
        coalesce(sum(amount) filter (where flow = 'feedstock'), 0),
        case when count(amount) > 0 then coalesce(max(quality) filter (where flow <> 'produced'), max(quality)) end,
        case when count(amount) = 0 then max(quality) filter (where flow <> 'produced') end,
        coalesce(sum(covered_s) filter (where flow <> 'produced'), 0)::int4
    from unit_hour h
    where h.unit_id = unit and h.carrier = of_carrier and h.ts >= since and h.ts < until
        and h.ts >= first and h.ts < last
$$;
comment on function metered_of_day is 'The sums of a unit''s hours of a carrier, per flow; the worst quality, unknown where nothing but that is known; seconds covered. first and last bound all days of a query, so that chunks outside are not opened.';

create function failures_of_day(unit int4, of_carrier text, of_day date, since timestamptz, until timestamptz)
returns table (quality int2) language sql stable as $$
    select 3::int2 from balance_point b join finding f using (point_id)
    where b.unit_id = unit and b.carrier = of_carrier and f.day between of_day and of_day + 1
        and f.severity = 'failure' and f.since < until and f.until > since
    limit 1
$$;
comment on function failures_of_day is 'A row where a check failed on one of the points: looked up by day, which the key of findings begins with.';

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
