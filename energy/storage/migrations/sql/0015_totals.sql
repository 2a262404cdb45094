-- 0015_totals: units' balances per hour, day and month; the assessed total; what boards read of them.

create index meter_unit on meter (unit_id);
create index point_meter on point (meter_id);

-- Which points a unit's balance is made of ------------------------------------------------------------------------

create table balance_point (
    point_id int4 primary key,
    unit_id  int4 not null,
    carrier  text not null,
    flow     text not null,
    quantum  numeric not null
);
create index balance_point_unit on balance_point (unit_id, carrier, flow);
comment on table balance_point is 'The points of counted_point whose flow is not internal: a few of each unit''s hundreds, found without looking at the others. Follows the registry by triggers.';
insert into balance_point
select point_id, unit_id, carrier, flow, quantum from counted_point where flow <> 'internal';

alter table unit_dirty add column hours boolean not null default false;
comment on column unit_dirty.hours is 'Hours too: the registry changed, so that what was metered counts in another way, or for another unit.';

-- Units whose balance is made of other points, or kept by another calendar, are computed again as a whole. Marks have no
-- bounds, since a step under way may still write days by what was before.
create function balance_follows_points(changed int4[]) returns void language sql as $$
    with present as (
        select p.point_id, p.unit_id, p.carrier, p.flow, p.quantum
        from unnest(changed) as c (point_id) join counted_point p using (point_id)
        where p.flow <> 'internal'
    ),
    gone as (
        delete from balance_point b using unnest(changed) as c (point_id)
        where b.point_id = c.point_id
            and not exists (select from present p where p.point_id = b.point_id)
        returning b.unit_id
    ),
    before as (select b.* from balance_point b join present using (point_id)),
    written as (
        insert into balance_point select * from present
        on conflict (point_id) do update
        set (unit_id, carrier, flow, quantum) = (excluded.unit_id, excluded.carrier, excluded.flow, excluded.quantum)
        where balance_point is distinct from excluded
        returning point_id, unit_id
    )
    insert into unit_dirty (unit_id, since, until, hours)
    select unit_id, '-infinity', 'infinity', true
    from (
        select unit_id from gone
        union
        select unit_id from written
        union
        select b.unit_id from before b join written w using (point_id)
    ) touched
    where exists (select from unit_day d where d.unit_id = touched.unit_id)
        or exists (
            select from written w
            where w.unit_id = touched.unit_id
                and exists (select from consumption_15min c where c.point_id = w.point_id)
        )
$$;
comment on function balance_follows_points is 'Makes balance_point say what the registry says of these points, and marks the units that this changes and that have consumption.';

create function balance_follows_registry() returns trigger language plpgsql as $$
declare
    points int4[];
begin
    if tg_table_name = 'meter' then
        select array_agg(p.point_id) into points
        from touched t join before b using (meter_id) join point p using (meter_id)
        where (t.unit_id, t.carrier, t.level) is distinct from (b.unit_id, b.carrier, b.level);
    elsif tg_op = 'INSERT' then
        select array_agg(point_id) into points from touched;
    elsif tg_op = 'UPDATE' then
        select array_agg(point_id) into points
        from touched t join before b using (point_id)
        where (t.meter_id, t.quantity, t.flow, t.quantum) is distinct from (b.meter_id, b.quantity, b.flow, b.quantum);
    else
        select array_agg(point_id) into points from before;
    end if;
    if points is not null then
        perform balance_follows_points(points);
    end if;
    return null;
end $$;
create trigger balance_point_inserted after insert on point referencing new table as touched
    for each statement execute function balance_follows_registry();
create trigger balance_point_updated after update on point referencing new table as touched old table as before
    for each statement execute function balance_follows_registry();
create trigger balance_point_deleted after delete on point referencing old table as before
    for each statement execute function balance_follows_registry();
create trigger balance_meter_updated after update on meter referencing new table as touched old table as before
    for each statement execute function balance_follows_registry();

create function balance_truncated() returns trigger language plpgsql as $$
begin
    truncate balance_point;
    return null;
end $$;
create trigger balance_point_truncated after truncate on point
    for each statement execute function balance_truncated();

create function totals_follow_calendar() returns trigger language plpgsql as $$
begin
    insert into unit_dirty (unit_id, since, until, hours) values (new.unit_id, '-infinity', 'infinity', true);
    return null;
end $$;
create trigger unit_calendar_totals after update of time_zone, statistics_day on unit for each row
    when ((old.time_zone, old.statistics_day) is distinct from (new.time_zone, new.statistics_day))
    execute function totals_follow_calendar();

-- Totals ------------------------------------------------------------------------------------------------------------

create table unit_hour (
    unit_id   int4 not null references unit,
    ts        timestamptz not null,
    carrier   text not null,
    flow      text not null,
    amount    numeric,
    quality   int2 not null,
    covered_s int4 not null,
    primary key (unit_id, ts, carrier, flow)
) with (fillfactor = 70);
comment on table unit_hour is 'Metered flows per unit, hour of its zone (ts is its start), carrier and flow, in the carrier''s base unit: the sum of the quarter hours of all its points, null when none of them is known; the worst quality; seconds covered, of all points together.';
select create_hypertable('unit_hour', by_range('ts', interval '30 days'), create_default_indexes => false);

alter table unit_day set (fillfactor = 70);
alter table unit_day add column purchased numeric not null default 0;
alter table unit_day add column renewable numeric not null default 0;
alter table unit_day add column produced numeric not null default 0;
alter table unit_day add column sold numeric not null default 0;
alter table unit_day add column feedstock numeric not null default 0;
alter table unit_day add column entered_purchased numeric not null default 0;
alter table unit_day add column entered_sold numeric not null default 0;
alter table unit_day add column entered_feedstock numeric not null default 0;
alter table unit_day add column stock_decrease numeric not null default 0;
alter table unit_day add column feedstock_kgce numeric not null default 0;
alter table unit_day add column feedstock_kgce_equal numeric not null default 0;
alter table unit_day add column method int2;
alter table unit_day add column metered_quality int2;
alter table unit_day add column covered_s int4 not null default 0;
alter table unit_day add column due_s int4 not null default 0;
update unit_day set purchased = amount, metered_quality = quality;
comment on table unit_day is 'A unit''s balance per day of its own zone and carrier, in the carrier''s base unit: amount = purchased + entered_purchased + renewable + stock_decrease - sold - entered_sold.';
comment on column unit_day.amount is 'Consumption (消费量); feedstock is part of it; below zero where more is sold than enters, as of steam from the unit''s own boiler.';
comment on column unit_day.kgce is 'By calorific value (当量值): amount x the day''s factor.';
comment on column unit_day.kgce_equal is 'By equal value (等价值): amount x the day''s factor.';
comment on column unit_day.kgco2 is '(amount - renewable - feedstock - entered_feedstock) x the day''s factor.';
comment on column unit_day.quality is 'The worst of what counts in amount: of intervals, entries and stock takings, between two takings of all days between them; what was produced on site does not count.';
comment on column unit_day.purchased is 'Metered, as renewable, produced, sold and feedstock: the sum of the unit''s hours.';
comment on column unit_day.entered_purchased is 'Filled in, as entered_sold and entered_feedstock: what entries put on this day.';
comment on column unit_day.stock_decrease is 'Between two stock takings: what makes consumption run evenly from one to the other; else 0.';
comment on column unit_day.method is '3 (stock) where an entry or a stock taking has a part; null where meters alone say it.';
comment on column unit_day.metered_quality is 'The worst of the day''s intervals; null where no meter has a part.';
comment on column unit_day.covered_s is 'Seconds of the day that lie between readings, of all gate points of the carrier together, of due_s that should.';
comment on column unit_day.ready is 'Up to when all gate points of the carrier (all flows but produced) are derived; null while one had never delivered; the end of the day where the carrier has none.';

create table unit_month (
    unit_id              int4 not null references unit,
    kind                 text not null check (kind in ('month', 'statistics_month')),
    month                date not null,
    carrier              text not null,
    amount               numeric not null,
    kgce                 numeric not null,
    kgce_equal           numeric not null,
    kgco2                numeric not null,
    purchased            numeric not null,
    renewable            numeric not null,
    produced             numeric not null,
    sold                 numeric not null,
    feedstock            numeric not null,
    stock_decrease       numeric not null,
    feedstock_kgce       numeric not null,
    feedstock_kgce_equal numeric not null,
    quality              int2 not null,
    provisional          boolean not null,
    by_hand              boolean not null,
    covered_s            int8 not null,
    due_s                int8 not null,
    ready                timestamptz,
    days                 int2 not null,
    primary key (unit_id, kind, month, carrier)
) with (fillfactor = 70);
comment on table unit_month is 'The sum of unit_day per unit, carrier and month, metered and filled in together: calendar months (kind month), and statistics months where the unit has them, named by the first day of the month in which they end. ready is the latest day''s that has one; days is how many days there are.';

create function spread_part(amount numeric, first date, last date, since date, until date) returns numeric
language sql immutable parallel safe as $$
    select case when until >= last then amount when until < first then 0
            else round(amount * (until - first + 1) / (last - first + 1), 3) end
        - case when since <= first then 0 when since > last then amount
            else round(amount * (since - first) / (last - first + 1), 3) end
$$;
comment on function spread_part is 'What of an amount that runs evenly over the days from first to last falls on those from since to until, all included: borders are rounded to thousandths, parts are their differences, so that they add up to the amount exactly.';

-- One expression, so that it costs no call: it is asked twice for each day.
create function day_start(day date, zone text) returns timestamptz language sql stable parallel safe as $$
    select case
        when ((day::timestamp at time zone zone - interval '1 hour') at time zone zone)::date = day
            then day::timestamp at time zone zone - interval '1 hour'
        else day::timestamp at time zone zone
    end
$$;
comment on function day_start is 'The first instant of a day of a zone: of two midnights, where the clock goes back by an hour to it, the first.';

create view balance_entry as
select unit_id, kind, subject as carrier, first_day, last_day, amount
from entry
where replaced_by is null and undone_at is null and kind in ('purchase', 'sale', 'feedstock', 'stock');
comment on view balance_entry is 'Entries in force that have a part in a balance.';

-- The assessed total ------------------------------------------------------------------------------------------------

create table certificate_convention (
    valid_from date primary key,
    convention text not null check (convention in ('calorific', 'equal')),
    source     text not null check (source <> '')
);
insert into certificate_convention values
    ('-infinity', 'equal', 'default: the national total counts electricity by equal value; replace where the assessing authority says otherwise');
comment on table certificate_convention is 'By which value of standard coal the electricity of green certificates is left out of the assessed total: calorific (当量) or equal (等价), from a day on.';

-- What boards read --------------------------------------------------------------------------------------------------

drop view board.unit_month;
drop view board.unit_day;

create view board.unit_hour as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry,
    h.ts, h.carrier, h.flow, h.amount, f.unit as unit_of_measure,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[h.quality + 1] as quality,
    round(h.covered_s / (3600.0 * p.points), 4) as coverage
from unit_hour h
join unit u using (unit_id)
cross join lateral (select unit from carrier_factor where carrier = h.carrier limit 1) f
cross join lateral (
    select nullif(count(*), 0) as points from balance_point b
    where b.unit_id = h.unit_id and b.carrier = h.carrier and b.flow = h.flow
) p;
comment on view board.unit_hour is
    'What was metered per unit, hour of its zone, carrier and flow (purchased, renewable, produced, sold, feedstock), in unit_of_measure; null where nothing is known. Coverage is the share of the hour that lies between readings, over all points of the flow.';

create function days_passed(unit int4, first date, last date) returns int4 language sql stable parallel safe as $$
    select least(last, (select max(day) from unit_day where unit_id = unit and metered_quality is not null)) - first + 1
$$;
comment on function days_passed is 'How many of the days from first to last lie up to the last one that a meter of a unit has a part in.';

create view board.unit_day as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry,
    d.day, d.carrier, d.amount, f.unit as unit_of_measure,
    trim_scale(d.kgce / 1000) as tce, trim_scale(d.kgce_equal / 1000) as tce_equal, trim_scale(d.kgco2 / 1000) as tco2,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[d.quality + 1] as quality,
    d.provisional, d.ready, f.source as factor_source,
    d.purchased + d.entered_purchased as purchased, d.renewable, d.produced, d.sold + d.entered_sold as sold,
    d.feedstock + d.entered_feedstock as feedstock, d.stock_decrease,
    trim_scale(d.feedstock_kgce / 1000) as feedstock_tce, trim_scale(d.feedstock_kgce_equal / 1000) as feedstock_tce_equal,
    round(d.covered_s::numeric / nullif(d.due_s, 0), 4) as coverage, d.method is not null as by_hand
from unit_day d
join unit u using (unit_id)
join factor_in_force f
    on f.unit_id = d.unit_id and f.carrier = d.carrier and d.day >= f.valid_from and d.day < f.valid_to;
comment on view board.unit_day is
    'Each unit''s balance per day of its zone and carrier: amount = purchased + renewable + stock_decrease - sold is what it consumed, in unit_of_measure, of it feedstock; produced is made on site of what is counted already. Standard coal by calorific value (tce) and by equal value (tce_equal), tonnes of CO2; provisional where a factor is not yet published for the day; complete up to ready, which is null while a gate meter has never delivered. Coverage is the share of the day that lies between readings, over all gate points; by_hand where entries or stock takings have a part.';

create view board.unit_month as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry, m.month, m.carrier,
    m.amount, f.unit as unit_of_measure, trim_scale(m.kgce / 1000) as tce, trim_scale(m.kgce_equal / 1000) as tce_equal, trim_scale(m.kgco2 / 1000) as tco2,
    m.provisional, m.ready, m.days::int4 as days, m.purchased, m.renewable, m.produced, m.sold, m.feedstock,
    m.stock_decrease, trim_scale(m.feedstock_kgce / 1000) as feedstock_tce, trim_scale(m.feedstock_kgce_equal / 1000) as feedstock_tce_equal,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[m.quality + 1] as quality,
    round(m.covered_s::numeric * m.days / nullif(m.due_s * p.passed, 0), 4) as coverage, m.by_hand
from unit_month m
join unit u using (unit_id)
cross join lateral (select unit from carrier_factor where carrier = m.carrier limit 1) f
cross join lateral days_passed(m.unit_id, m.month, (m.month + interval '1 month')::date - 1) as p (passed)
where m.kind = 'month';
comment on view board.unit_month is
    'The sum of board.unit_day per calendar month (named by its first day); days is how many days have data. Coverage is over all days that have passed: up to the last one that a meter of the unit has a part in, whatever the carrier.';

create view board.unit_statistics_month as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry, m.month,
    (m.month - interval '1 month')::date + u.statistics_day - 1 as first_day, m.month + u.statistics_day - 2 as last_day,
    m.carrier, m.amount, f.unit as unit_of_measure, trim_scale(m.kgce / 1000) as tce, trim_scale(m.kgce_equal / 1000) as tce_equal,
    trim_scale(m.kgco2 / 1000) as tco2, m.provisional, m.ready, m.days::int4 as days, m.purchased, m.renewable, m.produced, m.sold,
    m.feedstock, m.stock_decrease, trim_scale(m.feedstock_kgce / 1000) as feedstock_tce,
    trim_scale(m.feedstock_kgce_equal / 1000) as feedstock_tce_equal,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[m.quality + 1] as quality,
    round(m.covered_s::numeric * m.days / nullif(m.due_s * p.passed, 0), 4) as coverage, m.by_hand
from unit_month m
join unit u using (unit_id)
cross join lateral (select unit from carrier_factor where carrier = m.carrier limit 1) f
cross join lateral days_passed(
    m.unit_id, (m.month - interval '1 month')::date + u.statistics_day - 1, m.month + u.statistics_day - 2
) as p (passed)
where m.kind = 'statistics_month';
comment on view board.unit_statistics_month is
    'Likewise per statistics month, from first_day to last_day, of units that have them; month is the first day of the calendar month in which it ends, which names it.';

create view board.unit_quarter as
select
    unit, unit_name_zh, unit_name_en, district, industry, date_trunc('quarter', month)::date as quarter, carrier,
    sum(amount) as amount, unit_of_measure, sum(tce) as tce, sum(tce_equal) as tce_equal, sum(tco2) as tco2,
    bool_or(provisional) as provisional, max(ready) as ready, sum(days)::int4 as days, sum(purchased) as purchased,
    sum(renewable) as renewable, sum(produced) as produced, sum(sold) as sold, sum(feedstock) as feedstock,
    sum(stock_decrease) as stock_decrease, sum(feedstock_tce) as feedstock_tce,
    sum(feedstock_tce_equal) as feedstock_tce_equal, bool_or(by_hand) as by_hand
from board.unit_month
group by unit, unit_name_zh, unit_name_en, district, industry, date_trunc('quarter', month), carrier, unit_of_measure;
comment on view board.unit_quarter is 'The sum of board.unit_month per quarter (named by its first day).';

create view board.unit_year as
select
    unit, unit_name_zh, unit_name_en, district, industry, date_trunc('year', month)::date as year, carrier,
    sum(amount) as amount, unit_of_measure, sum(tce) as tce, sum(tce_equal) as tce_equal, sum(tco2) as tco2,
    bool_or(provisional) as provisional, max(ready) as ready, sum(days)::int4 as days, sum(purchased) as purchased,
    sum(renewable) as renewable, sum(produced) as produced, sum(sold) as sold, sum(feedstock) as feedstock,
    sum(stock_decrease) as stock_decrease, sum(feedstock_tce) as feedstock_tce,
    sum(feedstock_tce_equal) as feedstock_tce_equal, bool_or(by_hand) as by_hand
from board.unit_month
group by unit, unit_name_zh, unit_name_en, district, industry, date_trunc('year', month), carrier, unit_of_measure;
comment on view board.unit_year is 'The sum of board.unit_month per year (named by its first day).';

create view unit_group as
select unit_id, grouping, key
from unit u
cross join lateral (values
    ('district', u.district), ('city', left(u.district, 4)), ('industry', u.industry),
    ('size_class', u.size_class::text)
) as g (grouping, key)
where key is not null;
comment on view unit_group is 'The groups that a unit belongs to: its district, city (the first four digits), industry and size class.';

create view board.group_day as
select
    g.grouping, g.key, d.day, d.carrier, count(*)::int4 as units, sum(d.amount) as amount, f.unit as unit_of_measure,
    trim_scale(sum(d.kgce) / 1000) as tce, trim_scale(sum(d.kgce_equal) / 1000) as tce_equal, trim_scale(sum(d.kgco2) / 1000) as tco2,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[max(d.quality) + 1] as quality,
    bool_or(d.provisional) as provisional, round(sum(d.covered_s)::numeric / nullif(sum(d.due_s), 0), 4) as coverage
from unit_day d
join unit_group g using (unit_id)
join (select carrier, min(unit) as unit from carrier_factor group by carrier) f using (carrier)
group by g.grouping, g.key, d.day, d.carrier, f.unit;
comment on view board.group_day is
    'The sum of unit days per group of units: grouping is district, city (first four digits of the district), industry or size_class, key which of them; units is how many have a row. What one unit sells to another is deducted of the one and counted of the other. Ask for one grouping and for days.';

create view board.group_month as
select
    g.grouping, g.key, m.month, m.carrier, count(*)::int4 as units, sum(m.amount) as amount, f.unit as unit_of_measure,
    trim_scale(sum(m.kgce) / 1000) as tce, trim_scale(sum(m.kgce_equal) / 1000) as tce_equal, trim_scale(sum(m.kgco2) / 1000) as tco2,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[max(m.quality) + 1] as quality,
    bool_or(m.provisional) as provisional, round(sum(m.covered_s)::numeric / nullif(sum(m.due_s * p.passed / m.days), 0), 4) as coverage
from unit_month m
cross join lateral days_passed(m.unit_id, m.month, (m.month + interval '1 month')::date - 1) as p (passed)
join unit_group g using (unit_id)
join (select carrier, min(unit) as unit from carrier_factor group by carrier) f using (carrier)
where m.kind = 'month'
group by g.grouping, g.key, m.month, m.carrier, f.unit;
comment on view board.group_month is 'Likewise per calendar month.';
