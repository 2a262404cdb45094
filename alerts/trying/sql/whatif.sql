-- What a what-if reads besides the quotas' figures.

-- name: unit
-- A unit by its code.
select unit_id, time_zone from unit where code = $1

-- name: parts
-- What each carrier of unit $1 was of its totals on the days from $2 until before $3: amount, and tce, tce_equal and tCO2.
select carrier, sum(amount)::float8 as amount, sum(kgce)::float8 / 1000 as tce, sum(kgce_equal)::float8 / 1000 as tce_equal,
    sum(kgco2)::float8 / 1000 as tco2
from unit_day where unit_id = $1 and day >= $2 and day < $3
group by carrier order by carrier
