-- 0017_rollups: consumption per hour, day and month of each point, and the views that read them.

create table consumption_hour (
    point_id  int4 not null,
    ts        timestamptz not null,
    quanta    int8,
    quality   int2 not null,
    covered_s int4 not null,
    flags     int4 not null,
    ready     timestamptz not null
);
select create_hypertable('consumption_hour', by_range('ts', interval '30 days'), create_default_indexes => false);
create unique index consumption_hour_point_ts on consumption_hour (point_id, ts);
comment on table consumption_hour is 'Consumption per point and hour of its unit''s zone, ts is the hour''s start: the sum of its quarter hours, null when none of them is known; the worst quality, all flags, the seconds covered, the latest reading used. Behind where day_dirty has the day.';

-- Days and months are written again as long as they are open: room on the page saves a second index entry each time.
create table consumption_day (
    point_id  int4 not null,
    day       date not null,
    quanta    int8,
    quality   int2 not null,
    covered_s int4 not null,
    flags     int4 not null,
    ready     timestamptz not null,
    primary key (point_id, day)
) with (fillfactor = 85);
comment on table consumption_day is 'Likewise per calendar day of the unit''s zone.';

create table consumption_month (
    point_id  int4 not null,
    kind      text not null check (kind in ('month', 'statistics_month')),
    month     date not null,
    quanta    int8,
    quality   int2 not null,
    covered_s int4 not null,
    flags     int4 not null,
    ready     timestamptz not null,
    primary key (point_id, kind, month)
) with (fillfactor = 70);
comment on table consumption_month is 'Likewise per month, named by its first day; of a unit whose statistics month does not begin on the 1st also per statistics month (kind), named by the first day of the month in which it ends.';

-- What a point's days and months are depends on its unit: its zone, and the day its statistics month begins on. When
-- that changes, what was rolled up is wrong as a whole: it goes, and all its days are marked.
create function rollups_void(changed int4[]) returns void language plpgsql as $$
declare
    shared int4;
begin
    -- Whoever rolls up one of these blocks ends first: he has read what was before.
    for shared in select distinct p / 1000 from unnest(changed) p order by 1 loop
        perform pg_advisory_xact_lock(1903648626, shared);
    end loop;
    delete from consumption_hour where point_id = any(changed);
    delete from consumption_day where point_id = any(changed);
    delete from consumption_month where point_id = any(changed);
    insert into day_dirty (block, day)
    select distinct point_id / 1000, (ts at time zone 'UTC')::date
    from consumption_15min where point_id = any(changed);
end $$;
comment on function rollups_void is 'Takes what was rolled up of these points away, and marks all their days.';

create function rollups_follow_registry() returns trigger language plpgsql as $$
declare
    changed int4[];
begin
    if tg_table_name = 'unit' then
        select array_agg(point_id) into changed from point join meter using (meter_id) where unit_id = new.unit_id;
    elsif tg_table_name = 'meter' then
        select array_agg(point_id) into changed from point where meter_id = new.meter_id;
    else
        changed := array[new.point_id];
    end if;
    perform rollups_void(coalesce(changed, '{}'));
    return null;
end $$;
comment on function rollups_follow_registry is 'Voids what was rolled up of points whose unit is another, or keeps another calendar.';

create trigger unit_calendar after update of time_zone, statistics_day on unit for each row
    when ((old.time_zone, old.statistics_day) is distinct from (new.time_zone, new.statistics_day))
    execute function rollups_follow_registry();
create trigger meter_calendar after update of unit_id on meter for each row
    when (old.unit_id <> new.unit_id) execute function rollups_follow_registry();
create trigger point_calendar after update of meter_id on point for each row
    when (old.meter_id <> new.meter_id) execute function rollups_follow_registry();

-- A check that fails makes suspect what it covers, and so the hours, days and months that this is part of.
create function rollups_follow_findings() returns trigger language plpgsql as $$
begin
    insert into day_dirty (block, day)
    select distinct f.point_id / 1000, d::date
    from changed f
    cross join lateral generate_series(
        date_trunc('day', f.since at time zone 'UTC'), (f.until - interval '1 microsecond') at time zone 'UTC',
        interval '1 day'
    ) d
    where f.severity = 'failure' and not exists (
        select from day_dirty m where m.block = f.point_id / 1000 and m.day = d::date and not m.taken
    );
    return null;
end $$;
comment on function rollups_follow_findings is 'Marks the days on which a failure of a check came or went.';
create trigger finding_comes after insert on finding referencing new table as changed
    for each statement execute function rollups_follow_findings();
create trigger finding_goes after delete on finding referencing old table as changed
    for each statement execute function rollups_follow_findings();
create trigger finding_was after update on finding referencing old table as changed
    for each statement execute function rollups_follow_findings();
create trigger finding_is after update on finding referencing new table as changed
    for each statement execute function rollups_follow_findings();

-- Hours as energy.periods has them: where the clock changes within one, it is cut there. In two functions, because the
-- planner puts only the first in place of its call when it has no query in it.
create function hour_of_cut(at timestamptz, zone text) returns timestamptz language sql stable as $$
    select min(q) from generate_series(date_trunc('hour', at, zone), at, interval '15 minutes') q
    where q at time zone zone + (at - q) = at at time zone zone
$$;
comment on function hour_of_cut is 'Start of the hour in which a time lies, where the clock of the zone changes in that hour.';

create function hour_of(at timestamptz, zone text) returns timestamptz language sql stable as $$
    select case
        when date_trunc('hour', at, zone) at time zone zone + (at - date_trunc('hour', at, zone)) = at at time zone zone
        then date_trunc('hour', at, zone)
        else hour_of_cut(at, zone)
    end
$$;
comment on function hour_of is 'Start of the hour of a zone in which a time lies; an hour in which the zone''s clock changes is cut there.';

-- What boards read -----------------------------------------------------------------------------------------------

create view described_point as
select
    p.point_id, u.code as unit, m.code as meter, p.code as point, m.carrier, m.level, p.quantum, u.time_zone,
    case p.quantity
        when 'rate' then coalesce((select f.unit from carrier_factor f where f.carrier = m.carrier limit 1), p.unit)
        else p.unit
    end as unit_of_measure
from point p
join meter m using (meter_id)
join unit u using (unit_id);
comment on view described_point is 'Points by their codes, with the zone of their unit and the unit of measure of their consumption.';

create function quality_name(quality int2) returns text language sql immutable
    return (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[quality + 1];
comment on function quality_name is 'Name of the quality of an interval.';

drop view board.consumption_15min, board.consumption_hour, board.consumption_day;

create view board.consumption_15min as
select
    p.unit, p.meter, p.point, p.carrier, p.level, c.ts, c.quanta * p.quantum as amount, p.unit_of_measure,
    quality_name(c.quality) as quality, c.covered_s, c.ready,
    (array['register', 'rate', 'interval', 'stock', 'record', 'restart', 'linear', 'check_meter', 'like_days', 'edit',
           'none'])[c.method + 1] as method,
    c.flags
from validated_15min c join described_point p using (point_id);
comment on view board.consumption_15min is
    'Consumption of each meter per quarter hour; amount is null where it is missing. ts is its start, covered_s how many of its 900 seconds lie between readings, ready the time of the latest reading used; method says how it was found, flags what was noticed.';

-- An hour or a day is behind when one of the UTC days that it touches is marked; a day of a zone touches two. Then its
-- quarter hours say what it is. Point by point, so that a board that asks for some points pays for these alone.
create view board.consumption_hour as
select
    p.unit, p.meter, p.point, p.carrier, p.level, s.ts, s.quanta * p.quantum as amount, p.unit_of_measure,
    quality_name(s.quality) as quality, s.covered_s, s.ready, s.flags
from described_point p
cross join lateral (
    select ts, quanta, quality, covered_s, ready, flags
    from consumption_hour
    where point_id = p.point_id
        and (p.point_id / 1000, (ts at time zone 'UTC')::date) not in (select block, day from day_dirty)
        and (p.point_id / 1000, ((ts + interval '59 minutes') at time zone 'UTC')::date)
            not in (select block, day from day_dirty)
    union all
    select
        k.ts, sum(c.quanta)::int8, max(c.quality), sum(c.covered_s)::int4, max(c.ready), bit_or(c.flags)
    from validated_15min c
    cross join lateral (select hour_of(c.ts, p.time_zone) as ts offset 0) k
    where c.point_id = p.point_id
        and c.ts >= (select (min(day) - 1)::timestamp at time zone 'UTC' from day_dirty where block = p.point_id / 1000)
        and (
            (p.point_id / 1000, (k.ts at time zone 'UTC')::date) in (select block, day from day_dirty)
            or (p.point_id / 1000, ((k.ts + interval '59 minutes') at time zone 'UTC')::date)
                in (select block, day from day_dirty)
        )
    group by k.ts
) s;
comment on view board.consumption_hour is
    'Consumption of each meter per hour of its unit''s zone, up to the latest quarter hour; quality is the worst of the hour, covered_s how many of its 3600 seconds lie between readings.';

create view board.consumption_day as
select
    p.unit, p.meter, p.point, p.carrier, p.level, s.day, s.quanta * p.quantum as amount, p.unit_of_measure,
    quality_name(s.quality) as quality, s.covered_s, s.ready, s.flags
from described_point p
cross join lateral (
    select day, quanta, quality, covered_s, ready, flags
    from consumption_day
    where point_id = p.point_id
        and (p.point_id / 1000, (day::timestamp at time zone p.time_zone at time zone 'UTC')::date)
            not in (select block, day from day_dirty)
        and (p.point_id / 1000, (((day + 1)::timestamp at time zone p.time_zone - interval '1 minute') at time zone 'UTC')::date)
            not in (select block, day from day_dirty)
    union all
    select
        k.day, sum(c.quanta)::int8, max(c.quality), sum(c.covered_s)::int4, max(c.ready), bit_or(c.flags)
    from validated_15min c
    cross join lateral (select (c.ts at time zone p.time_zone)::date as day offset 0) k
    where c.point_id = p.point_id
        and c.ts >= (select (min(day) - 2)::timestamp at time zone 'UTC' from day_dirty where block = p.point_id / 1000)
        and (
            (p.point_id / 1000, (k.day::timestamp at time zone p.time_zone at time zone 'UTC')::date)
                in (select block, day from day_dirty)
            or (p.point_id / 1000, (((k.day + 1)::timestamp at time zone p.time_zone - interval '1 minute') at time zone 'UTC')::date)
                in (select block, day from day_dirty)
        )
    group by k.day
) s;
comment on view board.consumption_day is
    'Consumption of each meter per calendar day of its unit''s zone, up to the latest quarter hour; quality is the worst of the day.';

create view board.consumption_month as
select
    p.unit, p.meter, p.point, p.carrier, p.level, c.kind, c.month, c.quanta * p.quantum as amount, p.unit_of_measure,
    quality_name(c.quality) as quality, c.covered_s, c.ready, c.flags
from consumption_month c join described_point p using (point_id);
comment on view board.consumption_month is
    'Consumption of each meter per month (named by its first day) and, where the unit has them, per statistics month (kind statistics_month, named by the month in which it ends). The days of the open month come in some minutes later.';
