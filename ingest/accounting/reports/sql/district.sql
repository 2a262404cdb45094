-- What a report of a district reads: of the units whose district begins with $1.

-- name: carriers
-- The balance of the month that $2 names, per unit and carrier: statistics months of units that have them where $3 says so.
select unit, carrier, unit_of_measure, amount, tce, tce_equal, tco2, quality, provisional, days
from board.unit_month m
where district like $1 || '%' and month = $2
    and not ($3 and exists (select from unit u where u.code = m.unit and u.statistics_day > 1))
union all
select unit, carrier, unit_of_measure, amount, tce, tce_equal, tco2, quality, provisional, days
from board.unit_statistics_month
where $3 and district like $1 || '%' and month = $2;

-- name: metered
-- Which carriers the units have gate meters of.
select distinct u.code as unit, b.carrier from balance_point b join unit u using (unit_id) where u.district like $1 || '%';

-- name: heads
-- Who they are.
select u.code, u.name_zh, u.name_en, u.district, u.industry, u.size_class, u.time_zone, u.statistics_day, r.region
from unit u join unit_region r using (unit_id) where u.district like $1 || '%' order by u.code;

-- name: assessed
-- The assessed total of the month that $2 names, per unit; $3 as above.
select unit, assessed_tce, assessed_tce_equal
from board.assessed a
where district like $1 || '%' and period_start = $2
    and period = case
        when $3 and exists (select from unit u where u.code = a.unit and u.statistics_day > 1) then 'statistics_month'
        else 'month'
    end;
