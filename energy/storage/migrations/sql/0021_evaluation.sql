-- 0021_evaluation: what must be judged again, carriers of units, and what a day is made of.

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
-- No argument is called as a column: in a body the column would be meant.
create function metered_of_day(
    of_unit int4, of_carrier text, begins timestamptz, ends timestamptz, first timestamptz, last timestamptz
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
    where h.unit_id = of_unit and h.carrier = of_carrier and h.ts >= begins and h.ts < ends
        and h.ts >= first and h.ts < last
$$;
comment on function metered_of_day is 'The sums of a unit''s hours of a carrier, per flow; the worst quality, unknown where nothing but that is known; seconds covered. first and last bound all days of a query, so that chunks outside are not opened.';

create function failures_of_day(of_unit int4, of_carrier text, of_day date, begins timestamptz, ends timestamptz)
returns table (quality int2) language sql stable as $$
    select 3::int2 from balance_point b join finding f using (point_id)
    where b.unit_id = of_unit and b.carrier = of_carrier and f.day between of_day and of_day + 1
        and f.severity = 'failure' and f.since < ends and f.until > begins
    limit 1
$$;
comment on function failures_of_day is 'A row where a check failed on one of the points: looked up by day, which the key of findings begins with.';
