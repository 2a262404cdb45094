-- 0024_unit_series: time-of-use tables, and the shape of each unit's days, behind the series of units and meters.

create table time_of_use_table (
    table_id    int4 primary key generated always as identity,
    region      text not null check (region ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6})$'),
    voltage     text not null default '',
    valid_from  date not null check (isfinite(valid_from)),
    periods     jsonb not null,
    source      text not null check (source <> ''),
    author      text not null check (author <> ''),
    recorded_at timestamptz not null,
    replaced_at timestamptz
);
create unique index time_of_use_in_force on time_of_use_table (region, voltage, valid_from) where replaced_at is null;
comment on table time_of_use_table is 'Which hours are peak, valley, … in a region (the first two, four or six digits of the district), for a voltage (empty: for all without a table of their own), from a day on until a later table of the same region and voltage. Nothing is shipped. A table that is loaded again is replaced, and stays.';
comment on column time_of_use_table.periods is 'The rows as they were loaded.';

create table time_of_use_slot (
    table_id  int4 not null references time_of_use_table,
    month     int2 not null check (month between 1 and 12),
    day_class text not null check (day_class in ('working', 'rest', 'holiday')),
    quarter   int2 not null check (quarter between 0 and 95),
    kind      text not null
        check (kind in ('sharp_peak', 'peak', 'flat', 'valley', 'deep_valley', 'forbidden')),
    factor    float8,
    primary key (table_id, month, day_class, quarter)
);
comment on table time_of_use_slot is 'The same table laid out: of each month, class of days and quarter hour of the wall clock exactly one kind.';

create table unit_voltage (
    unit_id    int4 not null references unit,
    valid_from date not null,
    voltage    text not null,
    primary key (unit_id, valid_from)
);
comment on table unit_voltage is 'The voltage at which a unit is supplied, from a day on, as time-of-use tables call it.';

create table unit_load_day (
    unit_id         int4 not null references unit,
    day             date not null,
    day_class       text not null,
    table_id        int4,
    basis           int8 not null,
    until           timestamptz,
    latest_kw       float8,
    demand_kw       float8,
    demand_at       timestamptz,
    due             int2 not null,
    known           int2 not null,
    sound           int2 not null,
    kwh             float8,
    night_kw        float8,
    work_kw         float8,
    sharp_peak_kwh  float8,
    peak_kwh        float8,
    flat_kwh        float8,
    valley_kwh      float8,
    deep_valley_kwh float8,
    forbidden_kwh   float8,
    primary key (unit_id, day)
) with (fillfactor = 70);
create index unit_load_day_day on unit_load_day (day);
comment on table unit_load_day is 'The shape of each unit''s day of its zone, out of the quarter hours of its gate meters of purchased electricity: kept by alerts/series/loads.py, and computed again where the day''s total is another than it was.';
comment on column unit_load_day.basis is 'A digest of all that the row follows from; another one means that it is to be computed again.';
comment on column unit_load_day.until is 'End of the latest quarter hour that counts for demand; null where none does.';
comment on column unit_load_day.latest_kw is 'Mean power in the quarter hour that ends at until.';
comment on column unit_load_day.demand_kw is 'Greatest mean power over 15 minutes, of those that are measured or estimated at all of the unit''s gate meters; demand_at is when they began.';
comment on column unit_load_day.due is 'Quarter hours of the day; known: those of which all gate meters are known; sound: those that count for demand, where none is suspect or substituted.';
comment on column unit_load_day.kwh is 'What is known of the day, as the columns per kind of hour, which are null where no time-of-use table is in force.';
comment on column unit_load_day.night_kw is 'Mean power from 0 to 5 o''clock, work_kw from 8 to 18 o''clock; null where a quarter hour of it is not known.';

create table unit_load_dirty (
    mark_id int8 primary key generated always as identity,
    unit_id int4 not null,
    day     date not null
);
comment on table unit_load_dirty is 'Days of unit_load_day within which intervals were derived anew since they were computed: their course may be another while no total is. Bounded by what is derived between two passes of the keeper.';

-- What moves across midnight changes totals; what does not, and comes at the end of what is known, is no change. So a
-- live reading marks nothing.
create function loads_follow_readings() returns trigger language plpgsql as $$
begin
    insert into unit_load_dirty (unit_id, day)
    select distinct k.unit_id, k.day
    from before d
    cross join lateral unnest(d.points, d.since, d.until) as s (point_id, since, until)
    join balance_point b on b.point_id = s.point_id and b.carrier = 'electricity' and b.flow = 'purchased'
    join unit u on u.unit_id = b.unit_id
    cross join lateral (
        select unit_id, day from unit_load_day k
        where k.unit_id = b.unit_id and k.until > s.since
            and k.day between (s.since at time zone 'UTC')::date - 1 and (s.until at time zone 'UTC')::date + 1
        offset 0
    ) k
    where day_start(k.day, u.time_zone) <= s.until;
    return null;
end $$;
create trigger derivation_loads after delete on derivation_dirty referencing old table as before
    for each statement execute function loads_follow_readings();

create view board.unit_load_day as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry, d.day, d.day_class,
    d.demand_kw, d.demand_at, d.night_kw, d.work_kw, d.kwh, d.sharp_peak_kwh, d.peak_kwh, d.flat_kwh, d.valley_kwh,
    d.deep_valley_kwh, d.forbidden_kwh, t.source as time_of_use_source, round(d.known::numeric / d.due, 4) as coverage
from unit_load_day d
join unit u using (unit_id)
left join time_of_use_table t using (table_id);
comment on view board.unit_load_day is
    'Purchased electricity per unit and day of its zone: maximum demand (the greatest 15-minute mean power, kW) and when it began, mean power by night (0 to 5 o''clock) and by day (8 to 18 o''clock), kWh in all and per kind of hour where a time-of-use table is in force, with that table''s source. Coverage is the share of the day''s quarter hours of which all gate meters are known.';

-- A day's maximum demand is what quotas on demand are judged by: those units are looked at again where it changed.
create function demand_touches() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        perform touch_units(array_agg(unit_id), array_agg(day))
        from (
            select unit_id, day, demand_kw, until from touched
            except
            select unit_id, day, demand_kw, until from before
        ) t
        where exists (select from quota q where q.unit_id = t.unit_id and q.measure = 'demand');
    else
        perform touch_units(array_agg(unit_id), array_agg(day)) from touched t
        where exists (select from quota q where q.unit_id = t.unit_id and q.measure = 'demand');
    end if;
    return null;
end $$;
create trigger demand_comes after insert on unit_load_day referencing new table as touched
    for each statement execute function demand_touches();
create trigger demand_changes after update on unit_load_day referencing new table as touched old table as before
    for each statement execute function demand_touches();
create trigger demand_goes after delete on unit_load_day referencing old table as touched
    for each statement execute function demand_touches();

-- Energy per product and per output value under names without a schema, so that a back-test can show them as they stood:
-- its temporary views go before these, and none can go before those of boards.
do $$ begin
    execute 'create view product_intensity as ' || pg_get_viewdef('board.product_intensity'::regclass);
    execute 'create view value_intensity as ' || pg_get_viewdef('board.value_intensity'::regclass);
end $$;
create or replace view board.product_intensity as select * from product_intensity;
create or replace view board.value_intensity as select * from value_intensity;
