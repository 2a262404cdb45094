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

create table quota_book (
    one     boolean primary key default true check (one),
    version int8 not null
);
insert into quota_book (version) values (1);
comment on table quota_book is 'One row; its version grows with every change of quotas and of their groups: quotas in memory know that they are old.';

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

create view carrier_known as
select k.unit_id, k.carrier, k.metered, l.day, l.ready,
    ((l.ready - interval '1 microsecond') at time zone u.time_zone)::date as through, f.since
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
            select ((known.ready - interval '1 microsecond') at time zone u.time_zone)::date
            from unit u where u.unit_id = known.unit_id
        ))
        returning unit_id
    )
    select touch_units(array_agg(unit_id), array_agg('-infinity'::date))
    from (select unit_id from gone union select unit_id from written) changed
$$;

create function carriers_follow_points() returns trigger language plpgsql as $$
declare
    units int4[];
begin
    if tg_op = 'UPDATE' then
        select array_agg(distinct m.unit_id) into units
        from before b join touched t using (point_id) join meter m on m.meter_id in (b.meter_id, t.meter_id)
        where (b.meter_id, b.quantity, b.flow) is distinct from (t.meter_id, t.quantity, t.flow);
    elsif tg_op = 'INSERT' then
        select array_agg(distinct m.unit_id) into units from touched join meter m using (meter_id);
    else
        select array_agg(distinct m.unit_id) into units from before join meter m using (meter_id);
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
        select array_agg(distinct u.unit_id) into units
        from before b join touched t using (meter_id) cross join lateral (values (b.unit_id), (t.unit_id)) as u (unit_id)
        where (b.unit_id, b.carrier, b.level) is distinct from (t.unit_id, t.carrier, t.level);
    elsif tg_op = 'INSERT' then
        select array_agg(distinct unit_id) into units from touched where level = 1;
    else
        select array_agg(distinct unit_id) into units from before where level = 1;
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
create trigger carrier_point_deleted after delete on point referencing old table as before
    for each statement execute function carriers_follow_points();
create trigger carrier_meter_inserted after insert on meter referencing new table as touched
    for each statement execute function carriers_follow_meters();
create trigger carrier_meter_updated after update on meter referencing new table as touched old table as before
    for each statement execute function carriers_follow_meters();
create trigger carrier_meter_deleted after delete on meter referencing old table as before
    for each statement execute function carriers_follow_meters();
create trigger carrier_unit_updated after update of time_zone on unit for each row
    when (old.time_zone is distinct from new.time_zone) execute function carriers_follow_zones();

-- Days: which carriers have any, up to when they are complete, and whom it concerns.
create function carriers_follow_days() returns trigger language plpgsql as $$
declare
    of_units int4[];
    of_carriers text[];
    of_days date[];
begin
    if tg_op = 'UPDATE' then
        select array_agg(unit_id), array_agg(carrier), array_agg(day) into of_units, of_carriers, of_days
        from (select unit_id, carrier, min(day) as day from touched group by unit_id, carrier) t;
    elsif tg_op = 'INSERT' then
        select array_agg(unit_id), array_agg(carrier), array_agg(day) into of_units, of_carriers, of_days
        from (select unit_id, carrier, min(day) as day from touched group by unit_id, carrier) t;
    else
        select array_agg(unit_id), array_agg(carrier), array_agg(day) into of_units, of_carriers, of_days
        from (select unit_id, carrier, min(day) as day from before group by unit_id, carrier) t;
        delete from unit_carrier c using unnest(of_units, of_carriers) as t (unit_id, carrier)
        where (c.unit_id, c.carrier) = (t.unit_id, t.carrier) and not c.metered
            and not exists (select from unit_day d where d.unit_id = t.unit_id and d.carrier = t.carrier);
    end if;
    if of_units is null then
        return null;
    end if;
    insert into unit_carrier as known (unit_id, carrier, metered, day, ready, through, since)
    select t.unit_id, t.carrier, false, l.day, l.ready,
        ((l.ready - interval '1 microsecond') at time zone u.time_zone)::date, f.since
    from unnest(of_units, of_carriers, of_days) as t (unit_id, carrier, day)
    join unit u using (unit_id)
    left join lateral (
        select day, ready from unit_day d where d.unit_id = t.unit_id and d.carrier = t.carrier
        order by day desc limit 1
    ) l on true
    left join unit_carrier c on c.unit_id = t.unit_id and c.carrier = t.carrier
    cross join lateral (
        -- Mostly later days are touched. Where the first one may be, none before those has a meter's part.
        select case when c.since < t.day then c.since else (
            select d.day from unit_day d
            where d.unit_id = t.unit_id and d.carrier = t.carrier and d.day >= t.day and d.metered_quality is not null
            order by d.day limit 1
        ) end as since
    ) f
    where (l.day is not null or c.unit_id is not null)
        and (c.unit_id is null or (c.day, c.ready, c.since) is distinct from (l.day, l.ready, f.since))
    order by t.unit_id, t.carrier
    on conflict (unit_id, carrier) do update
    set (day, ready, through, since) = (excluded.day, excluded.ready, excluded.through, excluded.since)
    where (known.day, known.ready, known.through, known.since)
        is distinct from (excluded.day, excluded.ready, excluded.through, excluded.since);
    perform touch_units(of_units, of_days);
    return null;
end $$;
create trigger carrier_day_inserted after insert on unit_day referencing new table as touched
    for each statement execute function carriers_follow_days();
create trigger carrier_day_updated after update on unit_day referencing new table as touched
    for each statement execute function carriers_follow_days();
create trigger carrier_day_deleted after delete on unit_day referencing old table as before
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

create table unit_period (
    unit_id      int4 not null references unit,
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
comment on table unit_period is 'The sum of unit_month per quarter and year: what quotas of these periods are read from. Follows unit_month by triggers.';

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

create function periods_follow(units int4[], carriers text[], months date[]) returns void language sql as $$
    with keys as (
        select distinct t.unit_id, t.carrier, p.period, p.first, p.until
        from unnest(units, carriers, months) as t (unit_id, carrier, month)
        cross join lateral (values
            ('quarter', date_trunc('quarter', t.month)::date, (date_trunc('quarter', t.month) + interval '3 months')::date),
            ('year', date_trunc('year', t.month)::date, (date_trunc('year', t.month) + interval '1 year')::date)
        ) as p (period, first, until)
    ),
    sums as (
        select k.unit_id, k.period, k.first as period_start, k.carrier, s.*
        from keys k
        cross join lateral (
            select trim_scale(sum(amount)) as amount, trim_scale(sum(kgce)) as kgce,
                trim_scale(sum(kgce_equal)) as kgce_equal, trim_scale(sum(kgco2)) as kgco2, max(quality) as quality,
                bool_or(provisional) as provisional, sum(days)::int2 as days, sum(metered_days)::int2 as metered_days,
                sum(covered_s)::int8 as covered_s, sum(due_s)::int8 as due_s
            from unit_month m
            where m.unit_id = k.unit_id and m.kind = 'month' and m.month >= k.first and m.month < k.until
                and m.carrier = k.carrier
        ) s
    ),
    bare as (
        delete from unit_period p using sums s
        where s.amount is null
            and (p.unit_id, p.period, p.period_start, p.carrier) = (s.unit_id, s.period, s.period_start, s.carrier)
    )
    insert into unit_period as old
    select * from sums where amount is not null
    on conflict (unit_id, period, period_start, carrier) do update
    set (amount, kgce, kgce_equal, kgco2, quality, provisional, days, metered_days, covered_s, due_s)
        = (excluded.amount, excluded.kgce, excluded.kgce_equal, excluded.kgco2, excluded.quality, excluded.provisional,
           excluded.days, excluded.metered_days, excluded.covered_s, excluded.due_s)
    where old.* is distinct from excluded.*
$$;

create function periods_follow_months() returns trigger language plpgsql as $$
declare
    of_units int4[];
    of_carriers text[];
    of_months date[];
begin
    if tg_op = 'DELETE' then
        select array_agg(unit_id), array_agg(carrier), array_agg(month) into of_units, of_carriers, of_months
        from before where kind = 'month';
    else
        select array_agg(unit_id), array_agg(carrier), array_agg(month) into of_units, of_carriers, of_months
        from touched where kind = 'month';
    end if;
    if of_units is not null then
        perform periods_follow(of_units, of_carriers, of_months);
        -- From which day on is said by the days that changed; months hardly ever do without.
        perform touch_units(of_units, array_fill('infinity'::date, array[cardinality(of_units)]));
    end if;
    return null;
end $$;
create trigger period_month_inserted after insert on unit_month referencing new table as touched
    for each statement execute function periods_follow_months();
create trigger period_month_updated after update on unit_month referencing new table as touched
    for each statement execute function periods_follow_months();
create trigger period_month_deleted after delete on unit_month referencing old table as before
    for each statement execute function periods_follow_months();
create function periods_truncated() returns trigger language plpgsql as $$
begin
    delete from unit_period; -- truncated already where the units themselves are
    return null;
end $$;
create trigger period_months_truncated after truncate on unit_month
    for each statement execute function periods_truncated();
insert into unit_period select * from period_sum;
