-- 0011_intervals: consumption per quarter hour with its method and flags; who derives what.

alter table consumption_15min alter column quanta drop not null;
alter table consumption_15min add column method int2 not null default 0;
alter table consumption_15min add column flags int4 not null default 0;
comment on column consumption_15min.quanta is 'Consumption in quanta of the point; null when it is missing (quality 4), never 0 instead.';
comment on column consumption_15min.quality is '0 measured, 1 estimated, 2 substituted, 3 suspect, 4 missing.';
comment on column consumption_15min.method is 'How it was found: energy/consumption.py, Method.';
comment on column consumption_15min.flags is 'What was noticed: energy/consumption.py, Flag.';

create table gap (
    point_id int4 not null,
    began    timestamptz not null,
    ended    timestamptz not null check (ended > began),
    quanta   int8,
    primary key (point_id, began)
);
comment on table gap is 'Pairs of readings too far apart for a straight line; quanta is what the register says of them, null when nothing does. Their course depends on other intervals: when those change, they are derived anew.';

create table unit_dirty (
    mark_id int8 primary key generated always as identity,
    unit_id int4 not null references unit on delete cascade,
    since   date not null,
    until   date not null check (until >= since)
);
comment on table unit_dirty is 'Days (both included, in the unit''s zone) of units whose totals must be computed again without an interval having changed: entries, factors, registry.';

create table day_dirty (
    mark_id int8 primary key generated always as identity,
    block   int4 not null,
    day     date not null,
    taken   boolean not null default false
);
create index day_dirty_block_day on day_dirty (block, day);
comment on table day_dirty is 'Days (UTC) in which intervals of a block of points (point_id / 1000) changed and that rollups have not done since. A day that is marked is not marked again before it is taken.';

-- A quarter hour is written again with each reading of it: half a page of room keeps its new versions on their page, so
-- that the index is left alone.
alter table consumption_15min set (fillfactor = 50);

create table derivation_group (
    grp    int4 primary key check (grp >= 0),
    holder int8,
    steps  int8 not null default 0
);
insert into derivation_group (grp) select generate_series(0, 7);
comment on table derivation_group is 'Units fall into as many groups as there are rows, numbered from 0 (unit_id modulo their number); whoever derives a group''s points holds the lock on its row. holder: the worker that it is left to; steps grows with each step that took marks, so that a worker knows whether what it remembers is still all.';

create sequence derivation_worker;
comment on sequence derivation_worker is 'Numbers of workers; each holds the advisory lock (1903649124, its number) as long as it lives.';

create table derivation_done (
    batch int8 not null,
    grp   int4 not null,
    primary key (batch, grp)
);
comment on table derivation_done is 'Groups that are done with a batch of derivation_dirty while others are not.';

-- Points change their group, or come to be or cease to be counted, which is another group too: nobody derives meanwhile
-- ("qw_accou"), so that no point is derived by two at once, and none by a step that has not heard of it.
create function derivation_regroup() returns void language sql as $$
    select pg_advisory_xact_lock(8175543449906474869);
    delete from derivation_done;
$$;

-- What is derived of a point follows its registry: all of its time is derived again where that changed.
create function derivation_marks(points int4[]) returns void language sql as $$
    insert into derivation_dirty (batch, points, since, until)
    select nextval('batch_id'), array_agg(p), array_agg('-infinity'::timestamptz), array_agg('infinity'::timestamptz)
    from (select distinct p from unnest(points) as p) each_once
    group by p / 20000;
$$;

-- The course of gaps follows zones and check meters: gaps of points, and of those that these points are checks of.
create function derivation_gap_marks(points int4[]) returns void language sql as $$
    insert into derivation_dirty (batch, points, since, until)
    select nextval('batch_id'), array_agg(g.point_id), array_agg(g.began), array_agg(g.ended)
    from gap g
    where g.point_id = any(points) or g.point_id in (
        select q.point_id from point p join meter m on m.check_id = p.meter_id join point q on q.meter_id = m.meter_id
        where p.point_id = any(points)
    )
    group by g.point_id / 20000;
$$;

create function derivation_follows_points() returns trigger language plpgsql as $$
begin
    if exists (
        select from before join touched using (point_id)
        where (before.meter_id, before.quantity) is distinct from (touched.meter_id, touched.quantity)
    ) then
        perform derivation_regroup();
    end if;
    perform derivation_marks(array_agg(point_id)) from before join touched using (point_id)
    where (before.meter_id, before.quantity, before.unit, before.quantum, before.wrap, before.interval_s,
           before.max_rate, before.resolution, before.float32)
        is distinct from (touched.meter_id, touched.quantity, touched.unit, touched.quantum, touched.wrap,
           touched.interval_s, touched.max_rate, touched.resolution, touched.float32)
    having count(*) > 0;
    perform derivation_gap_marks(array_agg(point_id)) from before join touched using (point_id)
    where (before.meter_id, before.quantity, before.unit, before.quantum, before.class)
        is distinct from (touched.meter_id, touched.quantity, touched.unit, touched.quantum, touched.class)
    having count(*) > 0;
    return null;
end
$$;
create function derivation_follows_new_points() returns trigger language plpgsql as $$
begin
    perform derivation_gap_marks(array_agg(point_id)) from touched;
    return null;
end
$$;
create function derivation_follows_lost_points() returns trigger language plpgsql as $$
begin
    if exists (select from before) then
        perform derivation_regroup();
    end if;
    perform derivation_marks(array_agg(point_id)) from before having count(*) > 0;
    return null;
end
$$;
create function derivation_follows_meters() returns trigger language plpgsql as $$
begin
    if exists (select from before join touched using (meter_id) where before.unit_id <> touched.unit_id) then
        perform derivation_regroup();
    end if;
    perform derivation_marks(array_agg(point_id))
    from before join touched using (meter_id) join point using (meter_id)
    where (before.unit_id, before.carrier) is distinct from (touched.unit_id, touched.carrier)
    having count(*) > 0;
    perform derivation_gap_marks(array_agg(point_id))
    from before join touched using (meter_id) join point using (meter_id)
    where before.check_id is distinct from touched.check_id
    having count(*) > 0;
    return null;
end
$$;
create function derivation_follows_units() returns trigger language plpgsql as $$
begin
    perform derivation_gap_marks(array_agg(point_id))
    from before join touched using (unit_id) join meter using (unit_id) join point using (meter_id)
    where before.time_zone <> touched.time_zone
    having count(*) > 0;
    return null;
end
$$;
create function derivation_follows_groups() returns trigger language plpgsql as $$
begin
    perform derivation_regroup();
    return null;
end
$$;
create trigger derivation_point_updated after update on point referencing new table as touched old table as before
    for each statement execute function derivation_follows_points();
create trigger derivation_point_inserted after insert on point referencing new table as touched
    for each statement execute function derivation_follows_new_points();
create trigger derivation_point_deleted after delete on point referencing old table as before
    for each statement execute function derivation_follows_lost_points();
create trigger derivation_meter_updated after update on meter referencing new table as touched old table as before
    for each statement execute function derivation_follows_meters();
create trigger derivation_unit_updated after update on unit referencing new table as touched old table as before
    for each statement execute function derivation_follows_units();
create trigger derivation_groups_changed after insert or delete on derivation_group
    for each statement execute function derivation_follows_groups();
