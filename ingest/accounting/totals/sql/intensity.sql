-- name: product_intensities
-- Of unit $1 each product with output in period $2 that begins on $3.
select product, output, unit_of_measure as unit, kgce, kgce_equal, kwh, quota_key
from board.product_intensity
where unit = $1 and period = $2 and period_start = $3
order by product;
