-- name: product_intensities
-- Of unit $1 each product with output in period $2 that begins on $3; energy where there is an intensity by it: that of all days is known, and can be.
select product, output, unit_of_measure as unit, case when kgce_per_output is not null then kgce end as kgce,
    case when kgce_equal_per_output is not null then kgce_equal end as kgce_equal,
    case when kwh_per_output is not null then kwh end as kwh, quota_key
from board.product_intensity
where unit = $1 and period = $2 and period_start = $3
order by product;
