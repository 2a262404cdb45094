-- 0002_board_consumption: what boards read about consumption, standard coal and CO2.

create view board.consumption_15min as
select
    u.code as unit, m.code as meter, p.code as point, m.carrier, m.level, c.ts,
    c.quanta * p.quantum as amount, p.unit as unit_of_measure,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[c.quality + 1] as quality,
    c.covered_s, c.ready
from consumption_15min c
join point p using (point_id)
join meter m using (meter_id)
join unit u using (unit_id);
comment on view board.consumption_15min is
    'Consumption of each meter per quarter hour; ts is its start, covered_s how many of its 900 seconds lie between readings, ready the time of the latest reading used.';

create view board.consumption_hour as
select
    u.code as unit, m.code as meter, p.code as point, m.carrier, m.level,
    date_trunc('hour', c.ts, u.time_zone) as ts,
    sum(c.quanta) * p.quantum as amount, p.unit as unit_of_measure,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[max(c.quality) + 1] as quality,
    sum(c.covered_s)::int4 as covered_s, max(c.ready) as ready
from consumption_15min c
join point p using (point_id)
join meter m using (meter_id)
join unit u using (unit_id)
group by u.code, u.time_zone, m.code, p.code, m.carrier, m.level, p.quantum, p.unit, date_trunc('hour', c.ts, u.time_zone);
comment on view board.consumption_hour is
    'Consumption of each meter per hour of its unit''s zone; quality is the worst of the hour, covered_s how many of its 3600 seconds lie between readings.';

create view board.consumption_day as
select
    u.code as unit, m.code as meter, p.code as point, m.carrier, m.level,
    (c.ts at time zone u.time_zone)::date as day,
    sum(c.quanta) * p.quantum as amount, p.unit as unit_of_measure,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[max(c.quality) + 1] as quality,
    sum(c.covered_s)::int4 as covered_s, max(c.ready) as ready
from consumption_15min c
join point p using (point_id)
join meter m using (meter_id)
join unit u using (unit_id)
group by u.code, m.code, p.code, m.carrier, m.level, p.quantum, p.unit, (c.ts at time zone u.time_zone)::date;
comment on view board.consumption_day is
    'Consumption of each meter per calendar day of its unit''s zone; quality is the worst of the day.';

create view board.unit_day as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry,
    d.day, d.carrier, d.amount, f.unit as unit_of_measure,
    d.kgce / 1000 as tce, d.kgce_equal / 1000 as tce_equal, d.kgco2 / 1000 as tco2,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[d.quality + 1] as quality,
    d.provisional, d.ready, f.source as factor_source
from unit_day d
join unit u using (unit_id)
cross join lateral (
    select unit, source from carrier_factor
    where carrier = d.carrier and valid_from <= d.day order by valid_from desc limit 1
) f;
comment on view board.unit_day is
    'Each unit''s use per day and carrier by its gate meters: amount in unit_of_measure, standard coal by calorific value (tce) and by equal value (tce_equal), tonnes of CO2; provisional where a factor is not yet published for the day; complete up to ready, which is null while a gate meter has never delivered.';

create view board.unit_month as
select
    unit, unit_name_zh, unit_name_en, district, industry, date_trunc('month', day)::date as month, carrier,
    sum(amount) as amount, unit_of_measure, sum(tce) as tce, sum(tce_equal) as tce_equal, sum(tco2) as tco2,
    bool_or(provisional) as provisional, max(ready) as ready, count(*)::int4 as days
from board.unit_day
group by unit, unit_name_zh, unit_name_en, district, industry, date_trunc('month', day)::date, carrier, unit_of_measure;
comment on view board.unit_month is
    'The sum of board.unit_day per month (named by its first day); days is how many days have data.';
